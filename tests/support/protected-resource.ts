import { createHash } from 'node:crypto';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as TransportOf1 } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type AccessToken, signAccessToken } from '../../src/access/access-token.ts';
import { impliedScopes } from '../../src/access/declared-scopes.ts';
import { createMessageLimit } from '../../src/access/door.ts';
import { createDpop } from '../../src/access/dpop.ts';
import { createOriginRule } from '../../src/access/origin.ts';
import { SCOPES } from '../../src/access/scopes.ts';
import { createKeyRing, type KeyRing } from '../../src/keys/key-ring.ts';
import { parseSecrets } from '../../src/keys/secret.ts';
import { createLogger } from '../../src/log.ts';
import type { Services } from '../../src/mcp/define-tool.ts';
import { createMcpEndpoint, type McpEndpointOptions } from '../../src/mcp/endpoint.ts';
import { prompts } from '../../src/mcp/prompts/index.ts';
import { resources } from '../../src/mcp/resources/index.ts';
import { STATELESS_REVISION } from '../../src/mcp/revisions.ts';
import { tools } from '../../src/mcp/tools/index.ts';
import { openUsedNames } from '../../src/storage/assertions.ts';
import { createStorageCheck } from '../../src/storage/check.ts';
import { openNotes } from '../../src/storage/notes.ts';
import { openTables } from '../../src/storage/tables.ts';

/** The MCP endpoint on real storage, called in-process, with tokens of any kind for it. */

export const ISSUER = 'https://mcp.example';
export const RESOURCE = `${ISSUER}/mcp`;
export const METADATA_URL = `${ISSUER}/.well-known/oauth-protected-resource/mcp`;

export const ada = { tid: 'tenant', oid: 'ada', name: 'Ada', email: 'ada@example.com' };
export const grace = { tid: 'tenant', oid: 'grace' };
export const everything = Object.keys(SCOPES);

/** Keys that come out the same in every run. */
export function testKeys(seed = 'keys'): Promise<KeyRing> {
  return createKeyRing(parseSecrets(createHash('sha256').update(seed).digest('base64url')));
}

/** For an endpoint that no authorization server stands beside: other APIs are out of reach. */
export const noDownstream: Pick<Services, 'tokenFor' | 'graph'> = {
  tokenFor: async () => {
    throw new Error('there is no authorization server here');
  },
  graph: { url: 'https://graph.example/v1.0', fetch: globalThis.fetch, userRead: false },
};

export interface ProtectedResource {
  /** Calls the endpoint as `fetch` would. */
  fetch: (url: string | URL | Request, init?: RequestInit) => Promise<Response>;
  keys: KeyRing;
  /** A token that the endpoint accepts, but for what `changes` says. */
  token(changes?: Partial<AccessToken> & { issuer?: string; keys?: KeyRing }): Promise<string>;
  /** The clock, in milliseconds; tests move it. */
  clock: { now: number };
  /** Revoked grants; tests add to them. */
  revoked: Set<string>;
  /** What was logged, a line each. */
  lines: string[];
}

export async function startProtectedResource(
  storage: { connectionString: string },
  { requestsPerMinute = 0, ...changes }: Partial<McpEndpointOptions> & { requestsPerMinute?: number } = {},
): Promise<ProtectedResource> {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const revoked = new Set<string>();
  const lines: string[] = [];
  const keys = await testKeys();
  const now = () => clock.now;
  let drawn = 0;
  const random = (length: number) => createHash('sha512').update(`${++drawn}`).digest().subarray(0, length);
  const tables = openTables({ connection: storage, timeoutMs: 2_000 });
  const endpoint = createMcpEndpoint({
    issuer: ISSUER,
    resource: RESOURCE,
    scopes: everything,
    implied: impliedScopes(SCOPES),
    resourceMetadataUrl: METADATA_URL,
    isOriginAllowed: createOriginRule({ publicOrigin: ISSUER }),
    keys: async () => keys,
    dpop: createDpop({ keys: async () => keys, now }),
    revocations: { isRevoked: async ({ grantId }) => revoked.has(grantId) },
    services: {
      notes: openNotes(tables, { now: () => ++clock.now, random }),
      storageAnswers: createStorageCheck(tables),
      ...noDownstream,
    },
    tools,
    resources,
    prompts,
    random,
    usedStates: openUsedNames(tables, 'request state'),
    record: async () => {},
    server: { name: 'test', version: '1.2.3', startedAt: clock.now - 5_000 },
    now,
    limit: createMessageLimit(requestsPerMinute, now),
    ...changes,
  });
  const log = createLogger('debug', (_level, line) => lines.push(line));
  return {
    fetch: (url, init) => endpoint(new Request(url, init), { correlationId: 'c0ffee', log }),
    keys,
    clock,
    revoked,
    lines,
    token: ({ issuer = ISSUER, keys: signing = keys, ...token } = {}) => {
      const issuedAt = Math.floor(clock.now / 1000);
      return signAccessToken(signing, issuer, {
        person: ada,
        clientId: 'client',
        grantId: 'grant',
        tokenId: 'token',
        resource: RESOURCE,
        scopes: everything,
        roles: [],
        signedInAt: issuedAt,
        issuedAt,
        expiresAt: issuedAt + 3600,
        ...token,
      });
    },
  };
}

/** What each client does, whichever library it is of. */
export interface McpClient {
  listTools(): Promise<{ tools: { name: string; title?: string | undefined }[] }>;
  callTool(call: { name: string; arguments?: Record<string, unknown> }): Promise<Record<string, unknown>>;
  listResources(params?: {
    cursor: string;
  }): Promise<{ resources: { uri: string }[]; nextCursor?: string | undefined }>;
  readResource(params: { uri: string }): Promise<{ contents: unknown[] }>;
  getPrompt(params: { name: string; arguments?: Record<string, string> }): Promise<{ messages: unknown[] }>;
  complete(params: {
    ref: { type: 'ref/resource'; uri: string } | { type: 'ref/prompt'; name: string };
    argument: { name: string; value: string };
  }): Promise<{ completion: { values: string[] } }>;
  close(): Promise<void>;
}

const implementation = { name: 'test', version: '1' };

/** The clients that people have: of the newest revision, of the same library with the old handshake, and the library before. */
export const CLIENTS: Record<string, (resource: ProtectedResource, token: string) => Promise<McpClient>> = {
  [`client 2, ${STATELESS_REVISION}`]: (resource, token) => connect2(resource, token, { pin: STATELESS_REVISION }),
  'client 2, initialize': (resource, token) => connect2(resource, token, 'legacy'),
  'client 1': async ({ fetch }, token) => {
    const client = new Client1(implementation);
    // Its types do not agree with themselves under exactOptionalPropertyTypes.
    await client.connect(new Transport1(new URL(RESOURCE), { fetch, ...bearer(token) }) as TransportOf1);
    return client;
  },
};

async function connect2({ fetch }: ProtectedResource, token: string, mode: { pin: string } | 'legacy') {
  const client = new Client(implementation, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(RESOURCE), { fetch, ...bearer(token) }));
  return client;
}

function bearer(token: string) {
  return { requestInit: { headers: { authorization: `Bearer ${token}` } } };
}

/** A JSON-RPC message over the bare wire, as the clients of `2025-06-18` send it. */
export function post(
  { fetch }: ProtectedResource,
  token: string | undefined,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(RESOURCE, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** A call of a tool, as a message. */
export function call(name: string, args: unknown = {}, id: string | number = 1) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}
