/**
 * What an authorized tool call costs over the library's own handler, in CPU time: the app's endpoint, with its bearer
 * guard, its list of revocations, its checks of origin, body and scopes, beside `createMcpHandler` alone. Both serve the
 * same tool in this process, taking turns, in both eras of the protocol.
 *
 * The bare handler is there twice. "Server" is the least that one can write: the library's plain server, which lists and
 * calls these very tools. "McpServer" has the one that is called registered, as the library's guide shows it.
 */
import { setImmediate } from 'node:timers/promises';
import { createMcpHandler, McpServer, ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { startAzurite } from '../../dev/azurite/index.ts';
import { type AccessToken, signAccessToken } from '../../src/access/access-token.ts';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createKeyRing } from '../../src/keys/key-ring.ts';
import { createLogger } from '../../src/log.ts';
import type { ToolContext } from '../../src/mcp/define-tool.ts';
import { STATELESS_REVISION } from '../../src/mcp/revisions.ts';
import calculateSum from '../../src/mcp/tools/calculate-sum.ts';
import { tools } from '../../src/mcp/tools/index.ts';
import { samples } from '../../src/samples.ts';
import { SETTINGS } from './settings.ts';
import { median, type Result, type Row } from './table.ts';

/** Short turns with the event loop between them, as a server has it. Long ones measure the garbage collector's moods. */
const CALLS = 30;
const TURNS = 600;
/** Before them, to make the code hot. */
const WARM_UP = 200;
const TARGET = 1.15;

type Handle = (request: Request) => Promise<Response>;

export async function run(): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const azurite = await startAzurite();
  stack.defer(() => azurite.stop());
  const { url, token, handle: guarded } = await startGuarded(azurite.connectionString);

  const contenders = { guarded, server: bareServer, mcpServer: bareMcpServer };
  const rows: Row[] = [];
  for (const [era, request] of Object.entries(ERAS)) {
    const costs = await alternate(contenders, () => request(url, token));
    const compare = (other: Contender) => ({
      measured: `${costs.guarded.toFixed(0)} µs`,
      beside: `${costs[other].toFixed(0)} µs`,
      ratio: costs.guarded / costs[other],
    });
    const least = compare('server');
    rows.push(
      {
        what: `${era}: authorized call, beside Server`,
        ...least,
        target: `<= ${TARGET}`,
        reached: least.ratio <= TARGET,
      },
      { what: `${era}: the same, beside McpServer`, ...compare('mcpServer') },
    );
  }
  return { rows };
}

type Contender = 'guarded' | 'server' | 'mcpServer';

/** What a call costs each, in microseconds of CPU time: the median of their turns. */
async function alternate(
  contenders: Record<Contender, Handle>,
  request: () => Request,
): Promise<Record<Contender, number>> {
  const costs: Record<Contender, number[]> = { guarded: [], server: [], mcpServer: [] };
  const entries = Object.entries(contenders) as [Contender, Handle][];
  for (let turn = -WARM_UP; turn < TURNS; turn++) {
    for (const [name, handle] of entries) {
      const cost = await cpuPerCall(handle, request);
      if (turn >= 0) costs[name].push(cost);
    }
    // So that none always comes after the same other one.
    entries.reverse();
  }
  return { guarded: median(costs.guarded), server: median(costs.server), mcpServer: median(costs.mcpServer) };
}

/** The app as it is, and a token that it accepts. */
async function startGuarded(connectionString: string): Promise<{ url: string; token: string; handle: Handle }> {
  const { config } = loadConfig({ ...SETTINGS, AzureWebJobsStorage: connectionString });
  if (!config.secrets) throw new Error('The settings have no secret.');
  const log = createLogger(config.logLevel, (_level, line) => console.error(line));
  const endpoint = await createApp(config, { log, version: 'bench', ...samples }).endpoint('mcp');
  const issuedAt = Math.floor(Date.now() / 1000);
  const token: AccessToken = {
    person: { tid: 'tenant', oid: 'ada', name: 'Ada', email: 'ada@example.com' },
    clientId: 'client',
    grantId: 'grant',
    tokenId: 'token',
    resource: config.resource,
    scopes: ['profile', 'notes:read', 'notes:write'],
    roles: [],
    signedInAt: issuedAt,
    issuedAt,
    expiresAt: issuedAt + 3600,
  };
  return {
    url: config.resource,
    token: await signAccessToken(await createKeyRing(config.secrets), config.origin, token),
    handle: request => endpoint(request, { correlationId: 'bench', log }),
  };
}

const byName = new Map(tools.map(tool => [tool.name, tool]));
const bareServer: Handle = createMcpHandler(() => {
  const server = new Server({ name: 'bare', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools: tools.map(tool => tool.listing) }));
  server.setRequestHandler('tools/call', ({ params }) => {
    const tool = byName.get(params.name);
    if (!tool) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no such tool.');
    // The one that is called here uses nothing of its context.
    return tool.call(params.arguments, {} as ToolContext);
  });
  return server;
}).fetch;

const inputSchema = z.object({ numbers: z.array(z.number()).min(1).max(1000) });
const outputSchema = z.object({ sum: z.number(), count: z.int() });
const bareMcpServer: Handle = createMcpHandler(() => {
  const server = new McpServer({ name: 'bare', version: '1' });
  const { name, listing } = calculateSum;
  const { title = name, description = '' } = listing;
  server.registerTool(name, { title, description, inputSchema, outputSchema }, ({ numbers }) => {
    const result = { sum: numbers.reduce((total, number) => total + number, 0), count: numbers.length };
    return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result };
  });
  return server;
}).fetch;

/** CPU time of one call, in microseconds; making the request and reading the answer are in it. */
async function cpuPerCall(handle: Handle, request: () => Request): Promise<number> {
  // Lets what the app does behind the scenes go on, such as reading the list of revocations.
  await setImmediate();
  const start = process.cpuUsage();
  for (let n = 0; n < CALLS; n++) {
    const text = await (await handle(request())).text();
    if (!text.includes('"sum":6')) throw new Error(text);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / CALLS;
}

const callIn = (headers: Record<string, string>, params: object) => (url: string, token: string) =>
  new Request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: calculateSum.name, arguments: { numbers: [1, 2, 3] }, ...params },
    }),
  });

/** How a client of each era makes the call. */
const ERAS = {
  [STATELESS_REVISION]: callIn(
    { 'mcp-protocol-version': STATELESS_REVISION, 'mcp-method': 'tools/call', 'mcp-name': calculateSum.name },
    {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': STATELESS_REVISION,
        'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  ),
  '2025-11-25': callIn({ 'mcp-protocol-version': '2025-11-25' }, {}),
};
