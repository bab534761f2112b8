/** An application that is built on one of the TypeScript SDKs, and the person who uses it. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OAuthClientInformationFull, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { Transport as TransportOf1 } from '@modelcontextprotocol/sdk/shared/transport.js';
import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { REDIRECT_URI, type Target } from '../../support/flows.ts';

/** What the libraries ask of an application: it keeps everything in memory, and its person's browser is at hand. */
export class Application {
  readonly redirectUrl = REDIRECT_URI;
  readonly clientMetadata = {
    client_name: 'An application',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  /** Where its metadata document is; absent: it registers. */
  readonly clientMetadataUrl: string | undefined;
  /** The addresses that the person was sent to. */
  readonly windows: URL[] = [];
  /** What the library threw away. */
  readonly thrownAway: string[] = [];
  /** The scopes that the person leaves ticked; absent: all. */
  leavesTicked: readonly string[] | undefined;
  readonly #browser = new Browser();
  #client: OAuthClientInformationFull | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  #discovery: unknown;
  #answer = new URLSearchParams();

  constructor(clientMetadataUrl?: string) {
    this.clientMetadataUrl = clientMetadataUrl;
  }

  /** What the browser came back with last. */
  get answer(): URLSearchParams {
    return this.#answer;
  }

  clientInformation = () => this.#client;
  saveClientInformation(client: unknown): void {
    this.#client = client as OAuthClientInformationFull;
  }

  tokens = () => this.#tokens;
  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }

  codeVerifier = () => this.#verifier;
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  discoveryState = () => this.#discovery;
  saveDiscoveryState(discovery: unknown): void {
    this.#discovery = discovery;
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    this.windows.push(url);
    const stopAt = (at: string) => at.startsWith(REDIRECT_URI);
    const consent = await this.#browser.open(url.href);
    const fields = this.leavesTicked ? { scope: this.leavesTicked } : {};
    const atEntra = await this.#browser.submit(consent, { button: 'decision=approve', fields, stopAt });
    // Who has signed in at Entra before is not asked there again.
    const back = stopAt(atEntra.url) ? atEntra : await signInAs(this.#browser, atEntra, 'ada', { stopAt });
    this.#answer = new URL(back.url).searchParams;
  }

  invalidateCredentials(what: string): void {
    this.thrownAway.push(what);
    if (what === 'all' || what === 'client') this.#client = undefined;
    if (what === 'all' || what === 'tokens') this.#tokens = undefined;
  }
}

export interface Connection {
  call(name: string, args?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Hands the browser's answer to the library. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export type Library = (target: Target, application: Application) => Promise<Connection>;

const ABOUT = { name: 'An application', version: '1' };

/** Connects; where the person has to sign in first, once more after that. */
async function connecting(connect: () => Promise<void>, finish: () => Promise<void>): Promise<void> {
  try {
    await connect();
  } catch (error) {
    if (!(error instanceof Error) || error.constructor.name !== 'UnauthorizedError') throw error;
    await finish();
    await connect();
  }
}

const sdk2: Library = async ({ mcpUrl }, application) => {
  const client = new Client2(ABOUT, { versionNegotiation: { mode: 'auto' } });
  // Their types do not agree with themselves under exactOptionalPropertyTypes.
  const authProvider = application as never;
  let transport = new Transport2(new URL(mcpUrl), { authProvider });
  const finish = () => transport.finishAuth(application.answer);
  await connecting(() => {
    transport = new Transport2(new URL(mcpUrl), { authProvider });
    return client.connect(transport);
  }, finish);
  return {
    call: (name, args = {}) => client.callTool({ name, arguments: args }) as Promise<Record<string, unknown>>,
    finish,
    close: () => client.close(),
  };
};

const sdk1: Library = async ({ mcpUrl }, application) => {
  const client = new Client1(ABOUT);
  const authProvider = application as never;
  let transport = new Transport1(new URL(mcpUrl), { authProvider });
  const finish = () => transport.finishAuth(application.answer.get('code') ?? '');
  await connecting(() => {
    transport = new Transport1(new URL(mcpUrl), { authProvider });
    return client.connect(transport as TransportOf1);
  }, finish);
  return {
    call: (name, args = {}) => client.callTool({ name, arguments: args }) as Promise<Record<string, unknown>>,
    finish,
    close: () => client.close(),
  };
};

export const LIBRARIES: Readonly<Record<'TypeScript SDK 1' | 'TypeScript SDK 2', Library>> = {
  'TypeScript SDK 1': sdk1,
  'TypeScript SDK 2': sdk2,
};
