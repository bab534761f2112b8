import { createHash } from 'node:crypto';
import { signAccessToken } from '../../access/access-token.ts';
import { scopesOf } from '../../access/resources.ts';
import type { Grant, GrantKey } from '../../storage/grants.ts';
import type { OAuthServices } from '../services.ts';

/** A successful answer of the token endpoint (RFC 6749 section 5.1). */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer' | 'DPoP';
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
}

/**
 * When a grant ends whose tokens are issued now, unless it is renewed: it may idle
 * for a while, and never outlives its cap. In milliseconds, as what it takes.
 */
export function grantExpiry(
  { refreshIdleSeconds, refreshMaxSeconds }: Pick<OAuthServices, 'refreshIdleSeconds' | 'refreshMaxSeconds'>,
  createdAt: number,
  issuedAt: number,
): number {
  return Math.min(issuedAt + refreshIdleSeconds * 1000, createdAt + refreshMaxSeconds * 1000);
}

/** When the access token of a grant's newest generation expires: with the grant at the latest. In milliseconds. */
export function tokenExpiry(
  { tokenExpirySeconds }: Pick<OAuthServices, 'tokenExpirySeconds'>,
  { issuedAt, expiresAt }: Pick<Grant, 'issuedAt' | 'expiresAt'>,
): number {
  return Math.min(issuedAt + tokenExpirySeconds * 1000, expiresAt);
}

/** How long a token for scripts lives: an hour, whatever other tokens do. */
export const SCRIPT_TOKEN_SECONDS = 3600;

/**
 * Signs the access token of a grant's newest generation. Asked again, it gives
 * the same token but for its signature: id and times follow from the grant.
 *
 * @param refreshToken the refresh token of the same generation, if there is one
 */
export async function tokenAnswer(
  services: Pick<OAuthServices, 'keys' | 'origin' | 'resources' | 'now' | 'tokenExpirySeconds'>,
  { person, grantId }: GrantKey,
  grant: Grant,
  refreshToken?: string,
): Promise<TokenAnswer> {
  const issuedAt = Math.floor(grant.issuedAt / 1000);
  const expiresAt = Math.floor(tokenExpiry(services, grant) / 1000);
  const resource = services.resources.get(grant.resource);
  // Settings may have changed since: what they have no more is in no new token.
  const scopes = resource ? scopesOf(resource, grant.scope) : [];
  const roles = grant.roles?.split(' ') ?? [];
  const access_token = await signAccessToken(await services.keys(), services.origin, {
    person: { ...person, ...(grant.name ? { name: grant.name } : {}), ...(grant.email ? { email: grant.email } : {}) },
    clientId: grant.clientId,
    grantId,
    tokenId: createHash('sha256')
      .update(`${grantId}.${grant.generation}.${grant.scope}`)
      .digest('base64url')
      .slice(0, 22),
    resource: grant.resource,
    scopes,
    roles: roles.filter(role => resource?.roles.includes(role)),
    signedInAt: Math.floor(grant.signedInAt / 1000),
    issuedAt,
    expiresAt,
    ...(grant.dpopJkt ? { jkt: grant.dpopJkt } : {}),
  });
  return {
    access_token,
    token_type: grant.dpopJkt ? 'DPoP' : 'Bearer',
    expires_in: expiresAt - Math.floor(services.now() / 1000),
    scope: scopes.join(' '),
    ...(refreshToken ? { refresh_token: refreshToken } : {}),
  };
}
