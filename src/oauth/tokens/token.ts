import { readForm } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { BadRequestError, UnavailableError } from '../../http/errors.ts';
import { json, oauthError, preflight, temporarilyUnavailable, withCors } from '../../http/responses.ts';
import { describeError } from '../../log.ts';
import { readClient } from '../clients/client-authentication.ts';
import type { OAuthServices } from '../services.ts';
import { redeemCode } from './redeem-code.ts';
import { renew } from './renew.ts';
import { TokenError } from './token-error.ts';

/**
 * The token endpoint (OAuth 2.1 section 3.2): `authorization_code` and
 * `refresh_token`. An outage is 503 and never `invalid_grant`, for clients throw
 * their tokens away on that.
 */
export function tokenEndpoint(services: OAuthServices): Endpoint {
  return oauthPost(async (request, context) => {
    const form = await readForm(request);
    const presented = readClient(request, form);
    const grantType = form.get('grant_type');
    switch (grantType) {
      case 'authorization_code':
        return json(200, await redeemCode(services, presented, form, context));
      case 'refresh_token':
        return json(200, await renew(services, presented, form, context));
      case undefined:
        throw new TokenError('invalid_request', 'The request has no grant_type.');
      default:
        throw new TokenError('unsupported_grant_type', 'Only authorization_code and refresh_token are served.');
    }
  });
}

/** What the token and the revocation endpoint share: CORS, preflights, and errors in the RFC's form. */
export function oauthPost(endpoint: Endpoint): Endpoint {
  return async (request, context) => {
    if (request.method === 'OPTIONS') return preflight(['POST']);
    try {
      return withCors(await endpoint(request, context));
    } catch (error) {
      if (error instanceof TokenError) {
        context.log.info('token request refused', { error: error.error, reason: error.message });
        return withCors(error.toResponse());
      }
      if (error instanceof BadRequestError) return withCors(oauthError(error.status, 'invalid_request', error.message));
      if (!(error instanceof UnavailableError)) throw error;
      context.log.error('token request not served', { reason: describeError(error) });
      return withCors(temporarilyUnavailable(error.retryAfterSeconds));
    }
  };
}
