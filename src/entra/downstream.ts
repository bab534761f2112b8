import type { DownstreamToken } from '../access/downstream.ts';
import { apisOf } from '../setting-values.ts';
import type { Msal } from './msal.ts';

/** Entra's tokens for other APIs. */
export interface Downstream {
  /**
   * Gets a token of an API, as the person of a refresh token, without them. No
   * exchange of an assertion: this app is the one that they have signed in to.
   *
   * @param request.refreshToken Entra's own
   * @param request.scopes of one API: a token is for one (AADSTS28000)
   * @param request.claims what a claims challenge asks for, as JSON
   * @throws EntraRefusedError when Entra says no, or wants to see the person first
   * @throws UnavailableError when Entra cannot be reached
   */
  tokenFor(request: {
    refreshToken: string;
    scopes: readonly string[];
    claims?: string | undefined;
  }): Promise<DownstreamToken>;
}

export function createDownstream(msal: Msal): Downstream {
  return {
    async tokenFor({ refreshToken, scopes, claims }) {
      checkScopes(scopes);
      const { accessToken, expiresAt } = await msal.acquire(app =>
        app.acquireTokenByRefreshToken({
          refreshToken,
          scopes: [...scopes],
          forceCache: true,
          ...(claims ? { claims } : {}),
        }),
      );
      return { token: accessToken, expiresAt };
    },
  };
}

/** A mistake of who wrote the tool, and so no refusal. */
function checkScopes(scopes: readonly string[]): void {
  if (apisOf(scopes).length === 1 && scopes.every(scope => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))) return;
  throw new Error(`tokenFor takes scopes of one API at a time, and got: ${scopes.join(', ') || 'none'}`);
}
