import type { ConfidentialClientApplication, PublicClientApplication } from '@azure/msal-node';
import type { Config } from '../config.ts';
import { UnavailableError } from '../http/errors.ts';
import { createAssertionSource, type IdentityToken } from './assertion-source.ts';
import { entraEndpoints } from './endpoints.ts';
import { EntraRefusedError, entraRefusal } from './errors.ts';
import { createIdTokenVerifier, type SignedIn } from './id-token.ts';
import { createMsalNetwork, type MsalNetwork } from './network.ts';
import { createTenantKeys } from './tenant-keys.ts';

/** Signing people in at Entra (OpenID Connect's code flow with PKCE and nonce), as one ordinary client of it. */
export interface Entra {
  /** The URL that a browser is sent to. Never carries a `resource`: Entra refuses it. */
  authorizeUrl(request: EntraAuthorizeRequest): Promise<string>;
  /**
   * Redeems Entra's code.
   * @throws EntraRefusedError when Entra, or the check of its id token, says no
   * @throws UnavailableError when Entra cannot be reached
   */
  redeem(request: { code: string; verifier: string; nonce: string }): Promise<SignedIn>;
  /** Where a browser ends its session with Entra and comes back from. */
  logoutUrl(postLogoutRedirectUri: string): string;
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
}

export interface EntraOptions {
  /** The only way to Entra. */
  readonly fetch: typeof globalThis.fetch;
  /** Asks the platform for a token of a managed identity whose audience is Entra's token exchange. */
  readonly identityToken: (clientId: string) => Promise<IdentityToken>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits, in milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
}

export function createEntra(config: Config['entra'], { fetch, identityToken, now, wait }: EntraOptions): Entra {
  const { credential } = config;
  const assertion = createAssertionSource(() => {
    if (credential.kind !== 'managed identity') throw new Error('unreachable: no managed identity is set');
    return identityToken(credential.clientId);
  }, now);
  const endpoints = entraEndpoints(config.authorityHost, config.tenantId);
  const idTokens = createIdTokenVerifier(config, createTenantKeys(endpoints.jwksUri, fetch, now));

  const auth = {
    clientId: config.clientId,
    // MSAL refuses an http authority even for a stand-in on loopback, but takes
    // the endpoints as they are told. So no discovery request is made either.
    authority: `https://login.microsoftonline.com/${config.tenantId}`,
    authorityMetadata: JSON.stringify({
      issuer: endpoints.issuer,
      authorization_endpoint: endpoints.authorizationEndpoint,
      token_endpoint: endpoints.tokenEndpoint,
      end_session_endpoint: endpoints.endSessionEndpoint,
      jwks_uri: endpoints.jwksUri,
    }),
  };

  /** One MSAL application a sign-in: its cache holds one person's tokens, and goes with it. */
  async function msal(networkClient: MsalNetwork): Promise<ConfidentialClientApplication | PublicClientApplication> {
    const { ConfidentialClientApplication, PublicClientApplication } = await import('@azure/msal-node');
    const system = { networkClient };
    switch (credential.kind) {
      case 'none':
        return new PublicClientApplication({ auth, system });
      case 'secret':
        return new ConfidentialClientApplication({ auth: { ...auth, clientSecret: credential.secret }, system });
      case 'certificate': {
        const { thumbprintSha256, privateKey } = credential.certificate;
        const clientCertificate = { thumbprintSha256, privateKey };
        return new ConfidentialClientApplication({ auth: { ...auth, clientCertificate }, system });
      }
      case 'managed identity':
        return new ConfidentialClientApplication({ auth: { ...auth, clientAssertion: await assertion() }, system });
    }
  }

  /**
   * A federated credential takes minutes to spread inside Entra after it was made
   * (AADSTS70021, 700211 to 700213), and one of Entra's servers may know it while
   * another does not. The code is not used up by that.
   */
  async function withPatience<T>(attempt: () => Promise<T>): Promise<T> {
    for (const ms of SPREADING_WAITS_MS) {
      try {
        return await attempt();
      } catch (error) {
        const code = error instanceof EntraRefusedError ? error.refusal.code : undefined;
        if (credential.kind !== 'managed identity' || !code || !SPREADING.has(code)) throw error;
        await wait(ms);
      }
    }
    return attempt();
  }

  return {
    async authorizeUrl({ state, nonce, challenge, prompt, loginHint, domainHint, maxAge }) {
      // An address needs no credential, and asking for one could fail.
      const { PublicClientApplication } = await import('@azure/msal-node');
      return new PublicClientApplication({ auth }).getAuthCodeUrl({
        redirectUri: config.redirectUri,
        scopes: [...config.scopes],
        state,
        nonce,
        codeChallenge: challenge,
        codeChallengeMethod: 'S256',
        responseMode: 'query',
        ...(prompt ? { prompt } : {}),
        ...(loginHint ? { loginHint } : {}),
        ...(domainHint ? { domainHint } : {}),
        ...(maxAge === undefined ? {} : { extraQueryParameters: { max_age: String(maxAge) } }),
      });
    },

    async redeem({ code, verifier, nonce }) {
      const answer = await withPatience(async () => {
        const network = createMsalNetwork(fetch);
        const app = await msal(network);
        return app
          .acquireTokenByCode(
            { code, codeVerifier: verifier, redirectUri: config.redirectUri, scopes: [...config.scopes], nonce },
            { code, nonce },
          )
          .catch((error: unknown) => {
            throw network.outage ?? toRefusal(error);
          });
      });
      if (!answer?.idToken) throw new UnavailableError('entra', new Error('Entra sent no id token'));
      return idTokens.verify(answer.idToken, { nonce, now: now() });
    },

    logoutUrl(postLogoutRedirectUri) {
      const url = new URL(endpoints.endSessionEndpoint);
      url.searchParams.set('post_logout_redirect_uri', postLogoutRedirectUri);
      url.searchParams.set('client_id', config.clientId);
      return url.href;
    },
  };
}

const SPREADING = new Set(['AADSTS70021', 'AADSTS700211', 'AADSTS700212', 'AADSTS700213']);

/** How often a credential that is still spreading is tried again, in milliseconds of waiting before each. */
const SPREADING_WAITS_MS = [1_000, 3_000];

function toRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { errorCode = '', errorMessage = '' } = error as { errorCode?: string; errorMessage?: string };
  return new EntraRefusedError(entraRefusal(errorCode, errorMessage || error.message));
}
