/**
 * The OAuth side of an MCP client. The SDK does the protocol: discovery, registration, PKCE, the token requests and
 * their renewal. What is here is the application's part: where credentials are kept, how the person is sent to the
 * browser and how the answer comes back.
 */
import { randomBytes } from 'node:crypto';
import {
  discoverOAuthServerInfo,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import type { CredentialStore } from './credentials.ts';
import type { LoopbackReceiver } from './loopback.ts';

/** How long the person may take in the browser, in milliseconds. */
const patience = 10 * 60_000;

export interface SignInOptions {
  clientName: string;
  store: CredentialStore;
  receiver: LoopbackReceiver;
  /** Shows the authorization server's page to the person. */
  show(url: URL): Promise<void> | void;
}

export class SignIn implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly clientMetadata: OAuthClientMetadata;
  readonly #options: SignInOptions;
  #state = '';
  #verifier = '';
  #justRegistered = false;
  #discovery: OAuthDiscoveryState | undefined;
  #answer: Promise<URLSearchParams> | undefined;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.redirectUrl = options.receiver.redirectUrl;
    this.clientMetadata = {
      client_name: options.clientName,
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      // A program on somebody's machine cannot keep a secret; PKCE is its proof.
      token_endpoint_auth_method: 'none',
    };
  }

  /**
   * The answer of the browser, after the SDK said that the person has to sign in (`UnauthorizedError`). It goes to the
   * transport's `finishAuth`, which checks its `iss` and redeems its code; its `state` is checked here.
   */
  async answer(): Promise<URLSearchParams> {
    const answer = this.#answer;
    if (answer === undefined) throw new Error('No sign-in is under way.');
    this.#answer = undefined;
    return answer;
  }

  /**
   * Ends the grant at the authorization server (RFC 7009) and forgets the tokens; the registration stays.
   * @returns false when the server has no way to end it, so that the tokens live on until they expire
   */
  async signOut(serverUrl: URL): Promise<boolean> {
    const { client, tokens } = await this.#options.store.load();
    await this.#options.store.save({ client });
    if (client === undefined || tokens === undefined) return true;

    const { authorizationServerMetadata: server } = this.#discovery ?? (await discoverOAuthServerInfo(serverUrl));
    const endpoint = server !== undefined && 'revocation_endpoint' in server ? server.revocation_endpoint : undefined;
    if (typeof endpoint !== 'string') return false;
    // The refresh token first: without it nothing can bring the access token back.
    for (const token of [tokens.refresh_token, tokens.access_token]) {
      if (token === undefined) continue;
      const body = new URLSearchParams({ token, client_id: client.client_id });
      if (client.client_secret) body.set('client_secret', client.client_secret);
      const response = await fetch(endpoint, { method: 'POST', body, redirect: 'error' });
      if (!response.ok) throw new Error(`The server did not end the sign-in: ${response.status} from ${endpoint}`);
    }
    return true;
  }

  // From here on, what the SDK asks for.

  state(): string {
    this.#state = randomBytes(32).toString('base64url');
    return this.#state;
  }

  async clientInformation(): Promise<StoredOAuthClientInformation | undefined> {
    const { client, tokens } = await this.#options.store.load();
    // A new sign-in registers anew: a server may have forgotten the client since, or want the port of now. To a server
    // that knows the client it is the same registration, or one more that it will forget.
    return tokens !== undefined || this.#justRegistered ? client : undefined;
  }

  async saveClientInformation(client: StoredOAuthClientInformation): Promise<void> {
    this.#justRegistered = true;
    await this.#change({ client });
  }

  async tokens(): Promise<StoredOAuthTokens | undefined> {
    return (await this.#options.store.load()).tokens;
  }

  async saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    this.#justRegistered = false;
    await this.#change({ tokens });
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    this.#answer = this.#options.receiver.answerTo(this.#state, patience);
    // Whoever asks for the answer gets its error; if nobody does, there is nobody to tell.
    this.#answer.catch(() => {});
    await this.#options.show(url);
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  /** Remembered so that the code goes to the server that the person was sent to, and to no other. */
  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  async invalidateCredentials(what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): Promise<void> {
    if (what === 'all' || what === 'verifier') this.#verifier = '';
    if (what === 'all' || what === 'discovery') this.#discovery = undefined;
    if (what === 'all' || what === 'client') await this.#change({ client: undefined });
    if (what === 'all' || what === 'tokens') await this.#change({ tokens: undefined });
  }

  async #change(credentials: {
    client?: StoredOAuthClientInformation | undefined;
    tokens?: StoredOAuthTokens | undefined;
  }) {
    await this.#options.store.save({ ...(await this.#options.store.load()), ...credentials });
  }
}
