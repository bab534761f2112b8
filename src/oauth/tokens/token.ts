import { InvalidProofError } from '../../access/dpop.ts';
import { readForm } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { BadRequestError, TooManyRequestsError, UnavailableError } from '../../http/errors.ts';
import {
  json,
  oauthError,
  preflight,
  temporarilyUnavailable,
  tooManyRequests,
  withCors,
} from '../../http/responses.ts';
import { describeError } from '../../log.ts';
import { readClient } from '../clients/client-authentication.ts';
import type { OAuthServices } from '../services.ts';
import { provenKey } from './proof.ts';
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
    const jkt = await provenKey(services, request);
    const nonce = async () => (jkt ? { 'dpop-nonce': await services.dpop.nonce() } : {});
    switch (grantType) {
      case 'authorization_code':
        return json(200, await redeemCode(services, presented, form, jkt, context), await nonce());
      case 'refresh_token':
        return json(200, await renew(services, presented, form, jkt, context), await nonce());
      case undefined:
        throw new TokenError('invalid_request', 'The request has no grant_type.');
      default:
        throw new TokenError('unsupported_grant_type', 'Only authorization_code and refresh_token are served.');
    }
  });
}

/** What the token and the revocation endpoint share: CORS, preflights, and errors in the RFC's form. */
export function oauthPost(endpoint: Endpoint): Endpoint {
  const served = withTokenErrors(endpoint);
  return async (request, context) =>
    request.method === 'OPTIONS' ? preflight(['POST']) : withCors(await served(request, context));
}

/** Answers what an endpoint throws as RFC 6749 section 5.2 says. */
export function withTokenErrors(endpoint: Endpoint): Endpoint {
  return async (request, context) => {
    try {
      return await endpoint(request, context);
    } catch (error) {
      if (error instanceof TokenError || error instanceof InvalidProofError) {
        context.span?.tell({ error: error.error });
        context.log.info('token request refused', { error: error.error, reason: error.message });
      }
      if (error instanceof TokenError) return error.toResponse();
      if (error instanceof InvalidProofError) {
        return oauthError(400, error.error, error.message, { 'dpop-nonce': error.nonce });
      }
      if (error instanceof BadRequestError) return oauthError(error.status, 'invalid_request', error.message);
      if (error instanceof TooManyRequestsError) {
        context.log.warn('token request over its limit');
        return tooManyRequests('Too many requests came.', error.retryAfterSeconds);
      }
      if (!(error instanceof UnavailableError)) throw error;
      context.span?.tell({ outage: error.service });
      context.log.error('token request not served', { reason: describeError(error) });
      return temporarilyUnavailable(error.retryAfterSeconds);
    }
  };
}
