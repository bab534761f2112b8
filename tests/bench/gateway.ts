/**
 * What a call through the gateway costs this process, in CPU time: the app's endpoint, with its guard, a token for the
 * upstream, the checks of message and answer, and the record; beside a bare pass-through with node:http that does none of
 * it. Both reach the same upstream, in a process of its own, taking turns.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import './tsx.ts';
import { startAzurite } from '../../dev/azurite/index.ts';
import { startSignedIn } from './signed-in.ts';
import type { Result, Row } from './table.ts';
import { costPerCall, type Handle } from './turns.ts';

const TURNS = { calls: 20, turns: 150, warmUp: 30, expected: '"text":"6"' };
/** In microseconds of our own, a call. */
const TARGET = 1000;

export async function run(): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const azurite = await startAzurite();
  stack.defer(() => azurite.stop());
  const upstream = await startUpstream();
  stack.defer(() => upstream.stop());
  const { url, token, handle: gateway, stop } = await startGateway(azurite.connectionString, upstream.url);
  stack.defer(stop);
  const agent = new Agent({ keepAlive: true });
  stack.defer(() => agent.destroy());
  const bare = passThrough(upstream.url, agent);

  const rows: Row[] = [];
  for (const [what, accept] of [
    ['an answer in JSON', 'application/json'],
    ['an answer as a stream', 'text/event-stream'],
  ] as const) {
    const costs = await costPerCall({ gateway, bare }, () => callOf(url, token, accept), TURNS);
    const own = costs.gateway - costs.bare;
    rows.push({
      what: `a tool call, ${what}, beside node:http`,
      measured: `${costs.gateway.toFixed(0)} µs`,
      beside: `${costs.bare.toFixed(0)} µs`,
      ratio: costs.gateway / costs.bare,
      target: '< 1 ms more',
      reached: own <= TARGET,
    });
  }
  return { rows };
}

/** The app as it is, with an upstream whose tools have rules, and a token that it accepts. */
function startGateway(connectionString: string, upstream: string) {
  return startSignedIn({
    settings: {
      AUTH_REDIRECT_URI: 'http://localhost:7071/auth/callback',
      AzureWebJobsStorage: connectionString,
      GATEWAY_UPSTREAMS: `sums=${upstream}`,
      GATEWAY_TOOLS: JSON.stringify({ sums: { allow: { '*': ['calculate_*'] }, deny: { '*': ['drop'] } } }),
    },
    endpoint: 'gateway',
    resource: ({ gateway }) => gateway.upstreams[0]?.resource ?? '',
    scopes: ['sums:use'],
  });
}

/** The least that hands a request on and an answer back. */
function passThrough(url: string, agent: Agent): Handle {
  return async request => {
    const headers = { 'content-type': 'application/json', accept: request.headers.get('accept') ?? '' };
    const sent = httpRequest(url, { method: 'POST', agent, headers });
    sent.end(await request.text());
    const [answer] = await once(sent, 'response');
    return new Response(await text(answer), { status: answer.statusCode });
  };
}

const callOf = (url: string, token: string, accept: string) =>
  new Request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      authorization: `Bearer ${token}`,
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'calculate_sum', arguments: { numbers: [1, 2, 3] } },
    }),
  });

/** Says the same to everybody, in the form that is asked for; in a process of its own, whose time does not count. */
const UPSTREAM = `
const answer = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"6"}]}}';
const server = require('node:http').createServer((incoming, outgoing) => {
  const type = incoming.headers.accept;
  incoming.resume().on('end', () => {
    outgoing.writeHead(200, { 'content-type': type });
    outgoing.end(type === 'text/event-stream' ? 'event: message\\ndata: ' + answer + '\\n\\n' : answer);
  });
}).listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

async function startUpstream(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', UPSTREAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  return {
    url: `http://127.0.0.1:${String(port).trim()}/mcp`,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}
