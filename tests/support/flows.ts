import { createHash, randomBytes } from 'node:crypto';
import { Browser } from '../../dev/browser/index.ts';
import { type Choice, signInAs } from '../../dev/entra/sign-in.ts';
import type { AppServer } from './app-server.ts';

/** A sign-in, step by step, as an OAuth client and a person's browser make it; a test can depart from it at any. */

/** The app, in this process or in another. */
export type Target = Pick<AppServer, 'origin' | 'mcpUrl'>;

export const REDIRECT_URI = 'http://localhost:33418/callback';

export interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  scope: string;
  token_type: string;
}

export interface Client {
  client_id: string;
  client_secret?: string;
}

type Form = Record<string, string | undefined>;

/** Registers a client; a public one unless `metadata` says otherwise. */
export async function register(server: Target, metadata: Record<string, unknown> = {}): Promise<Client> {
  const response = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'A test',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      ...metadata,
    }),
  });
  if (response.status !== 201) throw new Error(`Registration: ${response.status} ${await response.text()}`);
  return (await response.json()) as Client;
}

export interface AuthorizationUrl {
  url: string;
  verifier: string;
  state: string;
}

/** What a client sends its person's browser to. */
export function authorizationUrl(server: Target, client: Client, change: Form = {}): AuthorizationUrl {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const url = new URL(`${server.origin}/oauth/authorize`);
  const parameters: Form = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: REDIRECT_URI,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    scope: 'profile notes:read notes:write',
    resource: server.mcpUrl,
    ...change,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return { url: url.href, verifier, state };
}

export const backAtClient = (url: string) => url.startsWith(REDIRECT_URI);

/** Opens the consent page, approves, and chooses a person at Entra, as far as the browser is asked; gives where it ends up. */
export async function approveAndSignIn(
  browser: Browser,
  url: string,
  who: Choice = 'ada',
  stopAt: (url: string) => boolean = backAtClient,
): Promise<string> {
  const consent = await browser.open(url, { stopAt });
  if (stopAt(consent.url)) return consent.url;
  const atEntra = await browser.submit(consent, { button: 'decision=approve', stopAt });
  if (stopAt(atEntra.url)) return atEntra.url;
  return (await signInAs(browser, atEntra, who, { stopAt })).url;
}

/** A code for a client, with all that is needed to redeem it. */
export async function obtainCode(
  server: Target,
  client: Client,
  who: Choice = 'ada',
  change: Form = {},
  browser = new Browser(),
) {
  const { url, verifier, state } = authorizationUrl(server, client, change);
  const redirectUri = change.redirect_uri ?? REDIRECT_URI;
  const back = new URL(await approveAndSignIn(browser, url, who, at => at.startsWith(redirectUri)));
  return { code: back.searchParams.get('code') ?? '', verifier, state, back, redirectUri };
}

/** The form of a code's redemption. */
export function codeForm(
  client: Client,
  { code, verifier, redirectUri = REDIRECT_URI }: { code: string; verifier: string; redirectUri?: string },
): Form {
  return {
    grant_type: 'authorization_code',
    client_id: client.client_id,
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri,
  };
}

/** The form of a renewal. */
export function refreshForm(client: Client, refresh_token: string): Form {
  return { grant_type: 'refresh_token', client_id: client.client_id, refresh_token };
}

export function post(server: Target, path: string, form: Form, headers: Record<string, string> = {}) {
  const entries = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return fetch(`${server.origin}${path}`, { method: 'POST', headers, body: new URLSearchParams(entries) });
}

/** Asks the token endpoint. */
export async function token(server: Target, form: Form, headers: Record<string, string> = {}) {
  const response = await post(server, '/oauth/token', form, headers);
  const body = (await response.json()) as Tokens & { error?: string; error_description?: string };
  return { status: response.status, headers: response.headers, body };
}

/** A whole sign-in. */
export async function connect(
  server: Target,
  who: Choice = 'ada',
  change: Form = {},
  client?: Client,
  browser = new Browser(),
) {
  const registered = client ?? (await register(server));
  const code = await obtainCode(server, registered, who, change, browser);
  const { status, body } = await token(server, codeForm(registered, code));
  if (status !== 200) throw new Error(`Token: ${status} ${JSON.stringify(body)}`);
  return { client: registered, code, tokens: body };
}

/** What a JWT says, unverified. */
export function claimsOf(jwt: string): Record<string, unknown> & { iat: number; exp: number } {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}

/** Sends one MCP message with a token, as a client without a handshake. */
export async function mcp(server: Target, accessToken: string, method: string, params: object) {
  const response = await fetch(server.mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const text = await response.text();
  const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '{}');
  return { status: response.status, headers: response.headers, body: JSON.parse(json) as ToolAnswer };
}

export function callTool(server: Target, accessToken: string, name: string, args: Record<string, unknown> = {}) {
  return mcp(server, accessToken, 'tools/call', { name, arguments: args });
}

export interface ToolAnswer {
  result?: { structuredContent?: Record<string, unknown>; isError?: boolean; content: { text: string }[] };
  error?: { code: number; message: string } | string;
}
