import { InvalidTokenError, verifyAccessToken } from '../../access/access-token.ts';
import { readForm } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import type { Grant, GrantKey } from '../../storage/grants.ts';
import { authenticateClient, readClient } from '../clients/client-authentication.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from './end-grant.ts';
import { grantOfRefreshToken, refreshTokenHash } from './refresh-token.ts';
import { oauthPost } from './token.ts';
import { TokenError } from './token-error.ts';

/**
 * Revocation (RFC 7009), for public clients too. An access token or a refresh
 * token, spent or not, ends its whole grant. A token that is not known is
 * answered with success: what the client wants is the case.
 */
export function revocationEndpoint(services: OAuthServices): Endpoint {
  return oauthPost(async (request, context) => {
    const form = await readForm(request);
    const presented = readClient(request, form);
    const token = form.get('token');
    if (!token) throw new TokenError('invalid_request', 'The request has no token.');

    const key = grantOfRefreshToken(token) ?? (await grantOfAccessToken(token));
    const grant = key && (await services.grants.read(key));
    if (!key || !grant || !(await wasIssued(key, grant, token))) return done();
    await authenticateClient(services, presented, grant);
    await endGrant(services, context, key, { reason: 'revoked' });
    return done();
  });

  async function grantOfAccessToken(token: string): Promise<GrantKey | undefined> {
    try {
      const { origin: issuer, resources, now } = services;
      const resource = resources.all.map(each => each.resource);
      return await verifyAccessToken(await services.keys(), { issuer, resource }, token, now() / 1000);
    } catch (error) {
      // Not ours, or expired: there is nothing left to revoke.
      if (error instanceof InvalidTokenError) return undefined;
      throw error;
    }
  }

  /** A refresh token only names its grant; whether it is real, its hash tells. An access token was verified. */
  async function wasIssued(key: GrantKey, grant: Grant, token: string): Promise<boolean> {
    if (!grantOfRefreshToken(token)) return true;
    const hash = refreshTokenHash(token);
    return grant.refreshHash === hash || (await services.grants.spentAt(key, hash)) !== undefined;
  }
}

const done = () => new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } });
