/** The steps of a recorded client's sign-in and use, in its order and its shapes. */
import { createHash, randomBytes } from 'node:crypto';
import { Browser } from '../../../dev/browser/index.ts';
import type { Choice } from '../../../dev/entra/sign-in.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  type Client,
  codeForm,
  refreshForm,
  type Target,
  type Tokens,
  token,
} from '../../support/flows.ts';
import type { RecordedClient } from './recorded.ts';
import { send } from './wire.ts';

export interface Discovered {
  readonly resource: string;
  readonly challenged: readonly string[];
  readonly server: {
    issuer: string;
    authorization_endpoint: string;
    registration_endpoint: string;
    scopes_supported: string[];
    [name: string]: unknown;
  };
}

/** Asks without a token, and follows what the answer says. */
export async function discover({ mcpUrl, origin }: Target, client: RecordedClient): Promise<Discovered> {
  const headers = { ...client.discovery, ...versionOf(client) };
  const refused =
    client.probe === 'POST'
      ? await say({ mcpUrl, origin }, client, undefined, opening(client))
      : await send(mcpUrl, { method: client.probe, headers });
  const challenge = refused.headers.get('www-authenticate') ?? '';
  const [, metadataUrl = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];
  const [, scope = ''] = /scope="([^"]+)"/.exec(challenge) ?? [];
  if (refused.status !== 401 || !metadataUrl || !scope) throw new Error(`No challenge: ${refused.status} ${challenge}`);
  const root = `${origin}/.well-known/oauth-protected-resource`;
  const { resource, authorization_servers } = await document<{ resource: string; authorization_servers: string[] }>(
    client.looksAt === 'root' ? root : metadataUrl,
    client,
  );
  const server = `${authorization_servers[0]}/.well-known/oauth-authorization-server`;
  return { resource, challenged: scope.split(' '), server: await document<Discovered['server']>(server, client) };
}

async function document<T>(url: string, client: RecordedClient): Promise<T> {
  const response = await send(url, { headers: client.discovery });
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  return (await response.json()) as T;
}

/** What a client registers, with a redirect URI at this port. */
export function registrationOf(client: RecordedClient, port: number): Record<string, unknown> {
  return {
    redirect_uris: [client.redirectUri(port)],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...client.registration,
  };
}

export type Registered = Client & { redirect_uris: string[]; token_endpoint_auth_method: string };

export async function registerAs(target: Target, metadata: Record<string, unknown>, chunked = false) {
  const response = await send(`${target.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
    chunked,
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Registered };
}

export interface SignInOptions {
  readonly port?: number;
  readonly who?: Choice;
  readonly browser?: Browser;
  /** A registration of before. */
  readonly registered?: Client;
  /** Further parameters of the authorization request; `undefined` leaves one out. */
  readonly change?: Record<string, string | undefined>;
}

export interface SignedIn {
  readonly discovered: Discovered;
  readonly registered: Client;
  /** Where the browser came back to. */
  readonly back: URL;
  /** The form of the code's redemption, as it was sent. */
  readonly exchange: Record<string, string | undefined>;
  readonly tokens: Tokens;
  readonly resource: string;
}

/** An authorization request, as a client makes it. */
export function authorization(
  target: Target,
  client: RecordedClient,
  { challenged, server, resource }: Discovered,
  { registered, port, change = {} }: { registered: Client; port: number; change?: Record<string, string | undefined> },
) {
  const verifier = randomBytes(client.verifierLength).toString('base64url').slice(0, client.verifierLength);
  const state = randomBytes(client.stateLength).toString('base64url').slice(0, client.stateLength);
  const { url } = authorizationUrl(target, registered, {
    redirect_uri: client.redirectUri(port),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    state,
    scope: client.scope(challenged, server.scopes_supported).join(' '),
    resource,
    prompt: client.prompt,
    ...change,
  });
  return { url, verifier, state };
}

/** A whole sign-in, from the first refusal to the tokens. */
export async function signIn(
  target: Target,
  client: RecordedClient,
  { port = 41_000, who = 'ada', browser = new Browser(), registered: before, change = {} }: SignInOptions = {},
): Promise<SignedIn> {
  const discovered = await discover(target, client);
  const registered = before ?? (await registerAs(target, registrationOf(client, port), client.chunked)).body;
  const { url, verifier, state } = authorization(target, client, discovered, { registered, port, change });
  const redirectUri = client.redirectUri(port);
  const back = new URL(await approveAndSignIn(browser, url, who, at => at.startsWith(redirectUri)));
  // Most refuse an answer without `iss`, or with another one.
  if (back.searchParams.get('state') !== state || back.searchParams.get('iss') !== discovered.server.issuer) {
    throw new Error(`The answer is not the server's: ${back}`);
  }
  const resource = change.resource ?? discovered.resource;
  const exchange = {
    ...codeForm(registered, { code: back.searchParams.get('code') ?? '', verifier, redirectUri }),
    ...secretOf(registered),
    resource,
  };
  const { status, body } = await token(target, exchange);
  if (status !== 200) throw new Error(`Token: ${status} ${JSON.stringify(body)}`);
  return { discovered, registered, back, exchange, tokens: body, resource };
}

const secretOf = ({ client_secret }: Client) => (client_secret ? { client_secret } : {});

/** The form of a renewal, as a client makes it. */
export function renewalForm(client: RecordedClient, { registered, tokens, resource }: SignedIn) {
  return {
    ...refreshForm(registered, tokens.refresh_token),
    ...secretOf(registered),
    resource,
    ...(client.renewalScope ? { scope: [tokens.scope, ...client.renewalScope.adds].join(' ') } : {}),
  };
}

interface Message {
  readonly method: string;
  readonly params?: Record<string, unknown>;
  /** Absent: a notification. */
  readonly id?: number;
}

/** A client's first message. */
function opening({ name, revision }: RecordedClient): Message {
  if (revision === '2026-07-28') return { id: 0, method: 'server/discover' };
  const clientInfo = { name, version: '1' };
  return { id: 0, method: 'initialize', params: { protocolVersion: revision, capabilities: {}, clientInfo } };
}

function versionOf({ revision, sendsNoVersion }: RecordedClient): Record<string, string> {
  return sendsNoVersion ? {} : { 'mcp-protocol-version': revision };
}

/** Sends one message to the MCP endpoint, in the client's revision. */
export function say(
  { mcpUrl }: Target,
  client: RecordedClient,
  accessToken: string | undefined,
  { id, method, params = {} }: Message,
): Promise<Response> {
  const isModern = client.revision === '2026-07-28';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': client.revision,
    'io.modelcontextprotocol/clientInfo': { name: client.name, version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return send(mcpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(method === 'initialize' ? {} : versionOf(client)),
      ...(isModern ? { 'mcp-method': method } : {}),
      ...(isModern && typeof params.name === 'string' ? { 'mcp-name': params.name } : {}),
      ...client.mcpHeaders,
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      ...(id === undefined ? {} : { id }),
      method,
      params: isModern ? { ...params, _meta } : params,
    }),
    chunked: client.chunked,
  });
}

/** The result of a message, streamed or not. */
export async function ask<T = Record<string, unknown>>(
  target: Target,
  client: RecordedClient,
  accessToken: string,
  method: string,
  params?: Record<string, unknown>,
): Promise<{ status: number; headers: Headers; result: T; error?: { code: number } }> {
  const response = await say(target, client, accessToken, { id: 1, method, ...(params ? { params } : {}) });
  const text = await response.text();
  const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '{}');
  return { status: response.status, headers: response.headers, ...JSON.parse(json) };
}

/** Opens the conversation, lists the tools and calls one; gives what each said. */
export async function useTools(target: Target, client: RecordedClient, accessToken: string) {
  const { method, params } = opening(client);
  const hello = await ask<{ capabilities: Record<string, unknown>; protocolVersion?: string }>(
    target,
    client,
    accessToken,
    method,
    params,
  );
  if (method === 'initialize') await say(target, client, accessToken, { method: 'notifications/initialized' });
  const { result: list } = await ask<{ tools: { name: string }[] }>(target, client, accessToken, 'tools/list');
  const { result: sum } = await ask<{ structuredContent: { sum: number } }>(target, client, accessToken, 'tools/call', {
    name: 'calculate_sum',
    arguments: { numbers: [1, 2] },
  });
  return { hello: hello.result, tools: list.tools.map(({ name }) => name), sum: sum.structuredContent.sum };
}
