import type { PersonId } from '../access/person.ts';
import type { Config } from '../config.ts';
import { UnavailableError } from '../http/errors.ts';
import { createAssertionSource, type IdentityToken } from './assertion-source.ts';
import { createDownstream, type Downstream } from './downstream.ts';
import { entraEndpoints } from './endpoints.ts';
import { checkEntry } from './entry.ts';
import { EntraRefusedError } from './errors.ts';
import { createGraph, signInScopes } from './graph.ts';
import { createIdTokenVerifier, type SignedIn } from './id-token.ts';
import { tokenExchangeAudience } from './managed-identity.ts';
import { type Acquired, createMsal } from './msal.ts';
import { createTenantKeys } from './tenant-keys.ts';
import { tenantOfIssuer } from './tenants.ts';

/** Signing people in at Entra (OpenID Connect's code flow with PKCE and nonce), as one ordinary client of it. */
export interface Entra extends Downstream {
  /** The URL that a browser is sent to. Never carries a `resource`: Entra refuses it. */
  authorizeUrl(request: EntraAuthorizeRequest): Promise<string>;
  /**
   * Redeems Entra's code.
   * @throws EntraRefusedError when Entra, the check of its id token, or a rule of who may enter says no
   * @throws UnavailableError when Entra cannot be reached
   */
  redeem(request: { code: string; verifier: string; nonce: string }): Promise<SignedIn & Upstream>;
  /**
   * Asks Entra again about a person, without them.
   * @param refreshToken Entra's own, of an earlier answer
   * @throws EntraRefusedError when they may not sign in any more, or it is somebody else
   * @throws UnavailableError when Entra cannot be reached
   */
  renew(refreshToken: string, person: PersonId): Promise<SignedIn & Upstream>;
  /** Entra's web origin. */
  readonly origin: string;
  /** The tenant that an issuer stands for; `undefined` where none of its people may sign in here. */
  tenantOf(issuer: string): string | undefined;
  /** Where a browser ends its session with Entra and comes back from. */
  logoutUrl(postLogoutRedirectUri: string): string;
}

/** What Entra gives beside the id token. */
export interface Upstream {
  /** Entra's refresh token, with which it is asked again; never leaves this server. */
  readonly refreshToken?: string;
}

export interface EntraAuthorizeRequest {
  readonly state: string;
  readonly nonce: string;
  /** PKCE S256 challenge (RFC 7636 section 4.2). */
  readonly challenge: string;
  readonly prompt?: 'none' | 'login' | 'select_account';
  readonly loginHint?: string;
  /** The organization whose sign-in page is wanted. */
  readonly domainHint?: string;
  /** In seconds. */
  readonly maxAge?: number;
  /** Of another API, to be consented to; the answer is for the usual ones. */
  readonly moreScopes?: readonly string[];
  /** What the sign-in has to meet (OpenID Connect Core section 5.5), as JSON. */
  readonly claims?: string;
}

export interface EntraOptions {
  /** The only way to Entra and to Microsoft Graph. */
  readonly fetch: typeof globalThis.fetch;
  /** Asks the platform for a token of a managed identity whose audience is Entra's token exchange. */
  readonly identityToken: (clientId: string, audience: string) => Promise<IdentityToken>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits, in milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
}

export function createEntra(config: Config['entra'], { fetch, identityToken, now, wait }: EntraOptions): Entra {
  const { credential, entry } = config;
  const endpoints = entraEndpoints(config.authorityHost, config.tenantId);
  const assertion = createAssertionSource(() => {
    if (credential.kind !== 'managed identity') throw new Error('unreachable: no managed identity is set');
    return identityToken(credential.clientId, tokenExchangeAudience(config.authorityHost));
  }, now);
  const msal = createMsal({ config, endpoints, fetch, assertion, wait });
  const rules = { ...config, helpUrl: entry.helpUrl };
  const idTokens = createIdTokenVerifier(rules, createTenantKeys(endpoints.jwksUri, fetch, now));
  const graph = createGraph(config.authorityHost, fetch);
  const scopes = signInScopes(config);

  /** Who an answer is about, and whether they may enter. */
  async function admit(answer: Acquired, nonce?: string): Promise<SignedIn & Upstream> {
    if (!answer.idToken) throw new UnavailableError('entra', new Error('Entra sent no id token'));
    const who = await idTokens.verify(answer.idToken, { now: now(), ...(nonce ? { nonce } : {}) });
    await checkEntry(entry, who, () => graph.memberGroups(answer.accessToken, entry.allowedGroups));
    return { ...who, ...(answer.refreshToken ? { refreshToken: answer.refreshToken } : {}) };
  }

  return {
    ...createDownstream(msal),

    async authorizeUrl({ state, nonce, challenge, prompt, loginHint, domainHint, maxAge, moreScopes = [], claims }) {
      return (await msal.addressMaker()).getAuthCodeUrl({
        redirectUri: config.redirectUri,
        scopes: [...scopes, ...moreScopes],
        state,
        nonce,
        codeChallenge: challenge,
        codeChallengeMethod: 'S256',
        responseMode: 'query',
        ...(prompt ? { prompt } : {}),
        ...(loginHint ? { loginHint } : {}),
        ...(domainHint ? { domainHint } : {}),
        ...(claims ? { claims } : {}),
        ...(maxAge === undefined ? {} : { extraQueryParameters: { max_age: String(maxAge) } }),
      });
    },

    async redeem({ code, verifier, nonce }) {
      const { redirectUri } = config;
      const answer = await msal.acquire(app =>
        app.acquireTokenByCode({ code, codeVerifier: verifier, redirectUri, scopes, nonce }, { code, nonce }),
      );
      return admit(answer, nonce);
    },

    async renew(refreshToken, { tid, oid }) {
      const answer = await msal.acquire(app =>
        app.acquireTokenByRefreshToken({ refreshToken, scopes, forceCache: true }),
      );
      const who = await admit(answer);
      if (who.person.tid !== tid || who.person.oid !== oid) {
        throw new EntraRefusedError({
          error: 'access_denied',
          what: 'Microsoft Entra ID answered for another person.',
          todo: 'Sign in again.',
        });
      }
      // Entra may leave the old one in use.
      return { refreshToken, ...who };
    },

    origin: config.authorityHost,
    tenantOf: issuer => tenantOfIssuer(config, issuer),

    logoutUrl(postLogoutRedirectUri) {
      const url = new URL(endpoints.endSessionEndpoint);
      url.searchParams.set('post_logout_redirect_uri', postLogoutRedirectUri);
      url.searchParams.set('client_id', config.clientId);
      return url.href;
    },
  };
}
