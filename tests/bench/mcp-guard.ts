/**
 * What an authorized tool call costs over the library's own handler, in CPU time: the app's endpoint, with its bearer
 * guard, its list of revocations, its checks of origin, body and scopes, beside `createMcpHandler` alone. Both serve the
 * same tool in this process, taking turns, in both eras of the protocol.
 *
 * The bare handler is there twice. "Server" is the least that one can write: the library's plain server, which lists and
 * calls these very tools. "McpServer" has the one that is called registered, as the library's guide shows it.
 */
import { createMcpHandler, McpServer, ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { startAzurite } from '../../dev/azurite/index.ts';
import type { ToolContext } from '../../src/mcp/define-tool.ts';
import { STATELESS_REVISION } from '../../src/mcp/revisions.ts';
import calculateSum from '../../src/mcp/tools/calculate-sum.ts';
import { tools } from '../../src/mcp/tools/index.ts';
import { samples } from '../../src/samples.ts';
import { startSignedIn } from './signed-in.ts';
import type { Result, Row } from './table.ts';
import { costPerCall, type Handle } from './turns.ts';

const TURNS = { calls: 30, turns: 600, warmUp: 200, expected: '"sum":6' };
const TARGET = 1.15;

export async function run(): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const azurite = await startAzurite();
  stack.defer(() => azurite.stop());
  const {
    url,
    token,
    handle: guarded,
  } = await startSignedIn({
    settings: { AzureWebJobsStorage: azurite.connectionString },
    endpoint: 'mcp',
    resource: ({ resource }) => resource,
    scopes: Object.keys(samples.scopes),
    served: samples,
  });

  const contenders = { guarded, server: bareServer, mcpServer: bareMcpServer };
  const rows: Row[] = [];
  for (const [era, request] of Object.entries(ERAS)) {
    const costs = await costPerCall(contenders, () => request(url, token), TURNS);
    const compare = (other: keyof typeof contenders) => ({
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
