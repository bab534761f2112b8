/** Servers that others wrote, behind the gateway, used by real clients of both eras. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OlderTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CreateMessageRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../../../dev/local/ports.ts';
import { type ReferenceServer, startReferenceServer } from '../../../dev/local/reference-server.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { claimsOf, connect, register } from '../../support/flows.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SAMPLE = join(ROOT, 'examples/protect/typescript/server.ts');

let server: AppServer;
let everything: ReferenceServer;
let reports: ChildProcess;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  const [first, second] = await freePorts(2);
  const sample = `http://localhost:${second}/mcp`;
  server = await startAppServer({
    instances: 2,
    settings: {
      GATEWAY_UPSTREAMS: `everything=http://localhost:${first}/mcp reports=${sample}`,
      GATEWAY_SCOPES: JSON.stringify({ reports: { 'reports:read': 'Read your reports' } }),
      GATEWAY_TOOLS: JSON.stringify({ everything: { deny: { '*': ['get-env'] } } }),
    },
  });
  reports = spawn(process.execPath, [SAMPLE], {
    env: { ...process.env, ISSUER: server.origin, RESOURCE: sample },
    stdio: 'ignore',
  });
  everything = await startReferenceServer(first ?? 0);
  const client = await register(server);
  for (const name of ['everything', 'reports']) {
    const change = { resource: at(name).href, scope: name === 'reports' ? 'reports:read' : `${name}:use` };
    tokens[name] = (await connect(server, 'ada', change, client)).tokens.access_token;
  }
  await answers(sample);
}, 60_000);
afterAll(async () => {
  await everything?.stop();
  if (reports?.exitCode === null) {
    reports.kill();
    await once(reports, 'exit');
  }
  await server?.stop();
});

/** Waits until a server listens. */
async function answers(url: string): Promise<void> {
  while ((await fetch(url).catch(() => undefined)) === undefined) await setTimeout(50);
}

const at = (name: string) => new URL(`${server.origin}/${name}/mcp`);
const bearer = (name: string) => ({ requestInit: { headers: { authorization: `Bearer ${tokens[name]}` } } });

/** A client of today, which asks for the newest revision first. */
async function newer(name: string) {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const transport = new StreamableHTTPClientTransport(at(name), bearer(name));
  await client.connect(transport);
  return { client, transport, version: client.getNegotiatedProtocolVersion() };
}

/** A client of the library before. */
async function older(name: string) {
  const client = new OlderClient({ name: 'test', version: '1' }, { capabilities: { roots: {}, sampling: {} } });
  const transport = new OlderTransport(at(name), bearer(name));
  // Its types do not agree with themselves under exactOptionalPropertyTypes.
  await client.connect(transport as Transport);
  return { client, transport, version: transport.protocolVersion };
}

describe.each([
  ['newer', newer],
  ['older', older],
])('a %s client', (era, connectAs) => {
  test('uses the reference server, which has sessions', async () => {
    const { client, transport, version } = await connectAs('everything');
    expect(version).toBe('2025-11-25');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('echo');
    expect(tools.map(({ name }) => name)).not.toContain('get-env');
    expect(await client.callTool({ name: 'echo', arguments: { message: 'through' } })).toMatchObject({
      content: [{ type: 'text', text: 'Echo: through' }],
    });
    await expect(client.callTool({ name: 'get-env' })).rejects.toThrow('You may not use this tool.');
    const { resources } = await client.listResources();
    expect((await client.readResource({ uri: resources[0]?.uri ?? '' })).contents).toHaveLength(1);
    const { messages } = await client.getPrompt({ name: 'simple-prompt' });
    expect(messages).toHaveLength(1);
    // Sealed: nobody else can use it, and the server's own is not told.
    expect(transport.sessionId).toMatch(/^[\w-]{80,}$/);
    await transport.terminateSession();
    expect(transport.sessionId).toBeUndefined();
    await client.close();
  });

  test('uses a server that verifies the token that it gets from here', async () => {
    const { client, version } = await connectAs('reports');
    expect(version).toBe(era === 'newer' ? '2026-07-28' : '2025-11-25');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['list_reports']);
    const { content } = await client.callTool({ name: 'list_reports' });
    expect(content).toEqual([{ type: 'text', text: `Reports of ${claimsOf(tokens.reports ?? '').sub}: none yet.` }]);
    await client.close();
  });
});

test('progress comes as it happens, and what the server asks in between goes both ways', async () => {
  const { client } = await older('everything');
  client.setRequestHandler(CreateMessageRequestSchema, async () => ({
    model: 'none',
    role: 'assistant',
    content: { type: 'text', text: 'sampled' },
  }));
  const rootsAsked = new Promise<void>(resolve => {
    client.setRequestHandler(ListRootsRequestSchema, async () => {
      resolve();
      return { roots: [{ uri: 'file:///here', name: 'here' }] };
    });
  });
  const seen: number[] = [];
  await client.callTool(
    { name: 'trigger-long-running-operation', arguments: { duration: 0.05, steps: 3 } },
    undefined,
    { onprogress: ({ progress }) => seen.push(progress) },
  );
  expect(seen).toEqual([1, 2, 3]);
  const sampled = await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'say' } });
  expect(JSON.stringify(sampled.content)).toContain('sampled');
  // Asked over the stream that the client has opened by GET.
  await rootsAsked;
  await client.close();
});

test('another person cannot use a session, and it lives on for its own', async () => {
  const { client, transport } = await older('everything');
  const strangers = await connect(server, 'grace', { resource: at('everything').href, scope: 'everything:use' });
  const ask = (token: string | undefined, sessionId: string) =>
    fetch(at('everything'), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': sessionId,
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 'x', method: 'ping' }),
    });
  const refused = await ask(strangers.tokens.access_token, transport.sessionId ?? '');
  expect([refused.status, ((await refused.json()) as { id: string }).id]).toEqual([404, 'x']);
  const own = await ask(tokens.everything, transport.sessionId ?? '');
  expect([own.status, own.headers.get('mcp-session-id')]).toEqual([200, transport.sessionId]);
  await own.body?.cancel();
  await client.close();
});
