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
import { type AccessToken, signAccessToken } from '../../src/access/access-token.ts';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createKeyRing } from '../../src/keys/key-ring.ts';
import { createLogger } from '../../src/log.ts';
import { SETTINGS } from './settings.ts';
import { median, type Result, type Row } from './table.ts';

const CALLS = 20;
const TURNS = 150;
/** Before them, to make the code hot. */
const WARM_UP = 30;
/** In microseconds of our own, a call. */
const TARGET = 1000;

type Handle = (request: Request) => Promise<Response>;

export async function run(): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const azurite = await startAzurite();
  stack.defer(() => azurite.stop());
  const upstream = await startUpstream();
  stack.defer(() => upstream.stop());
  const { url, token, handle: gateway } = await startGateway(azurite.connectionString, upstream.url);
  const agent = new Agent({ keepAlive: true });
  stack.defer(() => agent.destroy());
  const bare = passThrough(upstream.url, agent);

  const rows: Row[] = [];
  for (const [what, accept] of [
    ['an answer in JSON', 'application/json'],
    ['an answer as a stream', 'text/event-stream'],
  ] as const) {
    const costs = await alternate({ gateway, bare }, () => callOf(url, token, accept));
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

type Contender = 'gateway' | 'bare';

/** What a call costs each, in microseconds of CPU time: the median of their turns. */
async function alternate(
  contenders: Record<Contender, Handle>,
  request: () => Request,
): Promise<Record<Contender, number>> {
  const costs: Record<Contender, number[]> = { gateway: [], bare: [] };
  const entries = Object.entries(contenders) as [Contender, Handle][];
  for (let turn = -WARM_UP; turn < TURNS; turn++) {
    for (const [name, handle] of entries) {
      const cost = await cpuPerCall(handle, request);
      if (turn >= 0) costs[name].push(cost);
    }
    // So that none always comes after the other.
    entries.reverse();
  }
  return { gateway: median(costs.gateway), bare: median(costs.bare) };
}

/** CPU time of one call, in microseconds; making the request and reading the answer are in it. */
async function cpuPerCall(handle: Handle, request: () => Request): Promise<number> {
  const start = process.cpuUsage();
  for (let n = 0; n < CALLS; n++) {
    const answer = await (await handle(request())).text();
    if (!answer.includes('"text":"6"')) throw new Error(answer);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / CALLS;
}

/** The app as it is, with an upstream whose tools have rules, and a token that it accepts. */
async function startGateway(connectionString: string, upstream: string) {
  const { config } = loadConfig({
    ...SETTINGS,
    AUTH_REDIRECT_URI: 'http://localhost:7071/auth/callback',
    AzureWebJobsStorage: connectionString,
    GATEWAY_UPSTREAMS: `sums=${upstream}`,
    GATEWAY_TOOLS: JSON.stringify({ sums: { allow: { '*': ['calculate_*'] }, deny: { '*': ['drop'] } } }),
  });
  const [{ resource } = { resource: '' }] = config.gateway.upstreams;
  if (!config.secrets) throw new Error('The settings have no secret.');
  const log = createLogger(config.logLevel, () => {});
  const endpoint = await createApp(config, { log, version: 'bench' }).endpoint('gateway');
  const issuedAt = Math.floor(Date.now() / 1000);
  const token: AccessToken = {
    person: { tid: 'tenant', oid: 'ada', name: 'Ada', email: 'ada@example.com' },
    clientId: 'client',
    grantId: 'grant',
    tokenId: 'token',
    resource,
    scopes: ['sums:use'],
    roles: [],
    signedInAt: issuedAt,
    issuedAt,
    expiresAt: issuedAt + 3600,
  };
  const handle: Handle = request => endpoint(request, { correlationId: '1'.repeat(32), log });
  return {
    url: resource,
    token: await signAccessToken(await createKeyRing(config.secrets), config.origin, token),
    handle,
  };
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
