import type {
  AuthenticationResult,
  ConfidentialClientApplication,
  InteractionRequiredAuthError,
  PublicClientApplication,
} from '@azure/msal-node';
import type { Config } from '../config.ts';
import type { EntraEndpoints } from './endpoints.ts';
import { EntraRefusedError, entraRefusal } from './errors.ts';
import { createMsalNetwork, type MsalNetwork } from './network.ts';

/** What a token request has given. */
export interface Acquired {
  readonly accessToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly idToken?: string;
  /** Entra gives a new one with each answer; the older ones stay good for a while. */
  readonly refreshToken?: string;
}

export type MsalApp = ConfidentialClientApplication | PublicClientApplication;

export interface Msal {
  /** An application that only makes addresses, and so needs no credential. */
  addressMaker(): Promise<PublicClientApplication>;
  /**
   * Makes one token request with an application of its own: its cache holds one
   * person's tokens, and goes with it.
   *
   * @throws EntraRefusedError when Entra says no
   * @throws UnavailableError when Entra, or this app's own credential, cannot be had
   */
  acquire(request: (app: MsalApp) => Promise<AuthenticationResult | null>): Promise<Acquired>;
}

/** A credential that is still spreading is tried again after these, in milliseconds. */
const SPREADING_WAITS_MS = [1_000, 3_000];

const SPREADING = new Set(['AADSTS70021', 'AADSTS700211', 'AADSTS700212', 'AADSTS700213']);

export interface MsalOptions {
  readonly config: Pick<Config['entra'], 'tenantId' | 'clientId' | 'credential'>;
  readonly endpoints: EntraEndpoints;
  readonly fetch: typeof globalThis.fetch;
  /** A client assertion, for the credential "managed identity". */
  readonly assertion: () => Promise<string>;
  /** Waits, in milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
}

/** Microsoft's library, set up for this app. It is loaded when it is first needed. */
export function createMsal({ config, endpoints, fetch, assertion, wait }: MsalOptions): Msal {
  const { credential } = config;
  const auth = {
    clientId: config.clientId,
    // Without it no API challenges this app, as Graph does when what a token rests on has changed; see docs/entra.md.
    clientCapabilities: ['CP1'],
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

  async function open(networkClient: MsalNetwork): Promise<MsalApp> {
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

  async function attempt(request: (app: MsalApp) => Promise<AuthenticationResult | null>): Promise<Acquired> {
    const network = createMsalNetwork(fetch);
    const app = await open(network);
    const answer = await request(app).catch((error: unknown) => {
      throw network.outage ?? toRefusal(error);
    });
    if (!answer) throw toRefusal(new Error('Entra answered nothing'));
    const refreshToken = refreshTokenOf(app.getTokenCache().serialize());
    return {
      accessToken: answer.accessToken,
      expiresAt: answer.expiresOn?.getTime() ?? 0,
      ...(answer.idToken ? { idToken: answer.idToken } : {}),
      ...(refreshToken ? { refreshToken } : {}),
    };
  }

  return {
    async addressMaker() {
      const { PublicClientApplication } = await import('@azure/msal-node');
      return new PublicClientApplication({ auth });
    },

    /**
     * A federated credential takes minutes to spread inside Entra after it was made
     * (AADSTS70021, 700211 to 700213), and one of Entra's servers may know it while
     * another does not. A code is not used up by that.
     */
    async acquire(request) {
      for (const ms of SPREADING_WAITS_MS) {
        try {
          return await attempt(request);
        } catch (error) {
          const code = error instanceof EntraRefusedError ? error.refusal.code : undefined;
          if (credential.kind !== 'managed identity' || !code || !SPREADING.has(code)) throw error;
          await wait(ms);
        }
      }
      return attempt(request);
    },
  };
}

/** MSAL hands out no refresh token, but its cache holds it, in a format that it keeps stable for other libraries. */
function refreshTokenOf(cache: string): string | undefined {
  const { RefreshToken = {} } = JSON.parse(cache) as { RefreshToken?: Record<string, { secret?: string }> };
  return Object.values(RefreshToken)[0]?.secret;
}

function toRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { errorCode = '', errorMessage = '', claims } = error as Partial<InteractionRequiredAuthError>;
  const refusal = entraRefusal(errorCode, errorMessage || error.message);
  return new EntraRefusedError({ ...refusal, ...(claims ? { claims } : {}) });
}
