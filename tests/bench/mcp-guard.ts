/**
 * What an authorized tool call costs over the library's own handler, in CPU
 * time: both serve calculate_sum in this process, in alternating rounds.
 * `node tests/bench/mcp-guard.ts` prints the medians and their ratio for each era.
 */
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { STATELESS_REVISION } from '../../src/mcp/revisions.ts';
import { RESOURCE, startProtectedResource } from '../support/protected-resource.ts';

const ROUNDS = 21;
const CALLS = 500;

const resource = await startProtectedResource({ connectionString: 'UseDevelopmentStorage=true' });
const authorization = `Bearer ${await resource.token()}`;

const inputSchema = z.object({ numbers: z.array(z.number()).min(1).max(1000) });
const outputSchema = z.object({ sum: z.number(), count: z.int() });
const bare = createMcpHandler(() => {
  const server = new McpServer({ name: 'bare', version: '1' });
  server.registerTool(
    'calculate_sum',
    {
      title: 'Add numbers',
      description: 'Adds 1 to 1000 numbers.',
      inputSchema,
      outputSchema,
    },
    ({ numbers }) => {
      const result = { sum: numbers.reduce((total, number) => total + number, 0), count: numbers.length };
      return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result };
    },
  );
  return server;
});

const eras = {
  [STATELESS_REVISION]: {
    headers: { 'mcp-protocol-version': STATELESS_REVISION, 'mcp-method': 'tools/call', 'mcp-name': 'calculate_sum' },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': STATELESS_REVISION,
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
  '2025-11-25': { headers: { 'mcp-protocol-version': '2025-11-25' }, _meta: {} },
};

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** CPU time of one call, in microseconds. */
async function round(fetch: Fetch, { headers, _meta }: (typeof eras)[keyof typeof eras]): Promise<number> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'calculate_sum', arguments: { numbers: [1, 2, 3] }, _meta },
  });
  const init = {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization,
      ...headers,
    },
    body,
  };
  const start = process.cpuUsage();
  for (let n = 0; n < CALLS; n++) {
    const text = await (await fetch(RESOURCE, init)).text();
    if (!text.includes('"sum":6')) throw new Error(text);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / CALLS;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const bareFetch: Fetch = (url, init) => bare.fetch(new Request(url, init));
for (const [era, message] of Object.entries(eras)) {
  await round(bareFetch, message);
  await round(resource.fetch, message);
  const costs: { bare: number[]; guarded: number[] } = { bare: [], guarded: [] };
  for (let n = 0; n < ROUNDS; n++) {
    costs.bare.push(await round(bareFetch, message));
    costs.guarded.push(await round(resource.fetch, message));
  }
  const [before, after] = [median(costs.bare), median(costs.guarded)];
  console.log(
    `${era}: bare ${before.toFixed(0)} µs, authorized ${after.toFixed(0)} µs CPU a call, ratio ${(after / before).toFixed(2)}`,
  );
}
