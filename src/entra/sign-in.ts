import type { ConfidentialClientApplication, PublicClientApplication } from '@azure/msal-node';
import type { Config } from '../config.ts';
import { UnavailableError } from '../http/errors.ts';
import { entraEndpoints } from './endpoints.ts';
import { EntraRefusedError, entraRefusal } from './errors.ts';
import { createIdTokenVerifier, type SignedIn } from './id-token.ts';
import { createMsalNetwork, type MsalNetwork } from './network.ts';

/** Signing people in at Entra (OpenID Connect's code flow with PKCE and nonce), as one ordinary client of it. */
export interface Entra {
  /** The URL that a browser is sent to. Never carries a `resource`: Entra refuses it. */
  authorizeUrl(request: EntraAuthorizeRequest): Promise<string>;
  /**
   * Redeems Entra's code.
   * @throws EntraRefusedError when Entra, or the check of its id token, says no
   * @throws UnavailableError when Entra cannot be reached
   */
  redeem(request: { code: string; verifier: string; nonce: string; now: number }): Promise<SignedIn>;
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
  /** In seconds. */
  readonly maxAge?: number;
}

/** @param fetch the only way to Entra */
export function createEntra(config: Config['entra'], fetch: typeof globalThis.fetch): Entra {
  const endpoints = entraEndpoints(config.authorityHost, config.tenantId);
  const idTokens = createIdTokenVerifier(endpoints, { tenantId: config.tenantId, clientId: config.clientId, fetch });

  /** One MSAL application a sign-in: its cache holds one person's tokens, and goes with it. */
  async function msal(networkClient: MsalNetwork): Promise<ConfidentialClientApplication | PublicClientApplication> {
    const { ConfidentialClientApplication, PublicClientApplication } = await import('@azure/msal-node');
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
    const system = { networkClient };
    return config.clientSecret
      ? new ConfidentialClientApplication({ auth: { ...auth, clientSecret: config.clientSecret }, system })
      : new PublicClientApplication({ auth, system });
  }

  return {
    async authorizeUrl({ state, nonce, challenge, prompt, loginHint, maxAge }) {
      const app = await msal(createMsalNetwork(fetch));
      return app.getAuthCodeUrl({
        redirectUri: config.redirectUri,
        scopes: [...config.scopes],
        state,
        nonce,
        codeChallenge: challenge,
        codeChallengeMethod: 'S256',
        responseMode: 'query',
        ...(prompt ? { prompt } : {}),
        ...(loginHint ? { loginHint } : {}),
        ...(maxAge === undefined ? {} : { extraQueryParameters: { max_age: String(maxAge) } }),
      });
    },

    async redeem({ code, verifier, nonce, now }) {
      const network = createMsalNetwork(fetch);
      const app = await msal(network);
      const answer = await app
        .acquireTokenByCode(
          { code, codeVerifier: verifier, redirectUri: config.redirectUri, scopes: [...config.scopes], nonce },
          { code, nonce },
        )
        .catch((error: unknown) => {
          throw network.outage ?? toRefusal(error);
        });
      if (!answer?.idToken) throw new UnavailableError('entra', new Error('Entra sent no id token'));
      return idTokens.verify(answer.idToken, { nonce, now });
    },

    logoutUrl(postLogoutRedirectUri) {
      const url = new URL(endpoints.endSessionEndpoint);
      url.searchParams.set('post_logout_redirect_uri', postLogoutRedirectUri);
      url.searchParams.set('client_id', config.clientId);
      return url.href;
    },
  };
}

function toRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { errorCode = '', errorMessage = '' } = error as { errorCode?: string; errorMessage?: string };
  return new EntraRefusedError(entraRefusal(errorCode, errorMessage || error.message));
}
