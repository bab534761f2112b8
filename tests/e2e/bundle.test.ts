import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Entra, startEntra } from '../../dev/entra/index.ts';
import { type RunningHost, spawnFunctionsHost } from '../../dev/functions-host/index.ts';
import { zipFolder } from '../../dev/infra/zip.ts';
import { freePorts } from '../../dev/local/ports.ts';
import { newSecret } from '../support/app-server.ts';
import { freshStorage } from '../support/azurite.ts';
import { callTool, connect, type Target, type Tokens } from '../support/flows.ts';
import { startInsights } from '../support/insights.ts';
import { copyOfProject } from './support/project.ts';

/**
 * The very package that is deployed, as `npm run package` makes it, unpacked into an empty folder with no node_modules
 * near it, on the local Functions host, through the library's own streaming path.
 */
let dist: string;
let zip: Uint8Array;
let port: number;
let entra: Entra;
let host: RunningHost;
let server: Target;
let tokens: Tokens;
const output: string[] = [];

const run = (at: number, settings: Record<string, string> = {}): Promise<RunningHost> =>
  spawnFunctionsHost({
    root: dist,
    port: at,
    env: {
      AUTH_TENANT_ID: entra.tenantId,
      AUTH_CLIENT_ID: entra.clientId,
      AUTH_CLIENT_SECRET: entra.clientSecret,
      AUTH_AUTHORITY_HOST: entra.url,
      AUTH_REDIRECT_URI: `http://localhost:${at}/auth/callback`,
      AzureWebJobsStorage: freshStorage().connectionString,
      AzureWebJobsDisableHomepage: 'true',
      LOG_LEVEL: 'debug',
      ...settings,
    },
    onOutput: line => output.push(line),
  });

beforeAll(async () => {
  const project = await copyOfProject();
  const packing = project.run('dev/infra/package.ts');
  if ((await packing.ended) !== 0) throw new Error(packing.output());
  zip = await readFile(join(project.folder, '.local/package.zip'));
  await project.remove();
  dist = await mkdtemp(join(tmpdir(), 'package-'));
  for (const [name, content] of Object.entries(unzipSync(zip))) {
    await mkdir(dirname(join(dist, name)), { recursive: true });
    await writeFile(join(dist, name), content);
  }
  [port = 0] = await freePorts(1);
  const origin = `http://localhost:${port}`;
  entra = await startEntra({ redirectUris: [`${origin}/auth/callback`], clientSecret: newSecret() });
  host = await run(port);
  server = { origin, mcpUrl: `${origin}/mcp` };
  tokens = (await connect(server)).tokens;
});
afterAll(async () => {
  await Promise.all([host?.stop(), entra?.stop()]);
  await rm(dist, { recursive: true });
});

/** With a byte-order mark, as .NET reads it. */
function utf32(text: string): Buffer {
  const points = [...`\ufeff${text}`].map(letter => letter.codePointAt(0) ?? 0);
  return Buffer.concat(points.map(point => Buffer.from(Uint32Array.of(point).buffer)));
}

interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  chunked?: boolean;
}

/** A request as it is written, with nothing added: `fetch` would mend its path and headers. */
function send(path: string, { method = 'GET', headers = {}, body, chunked = false }: Sent = {}, at = port) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>((resolve, reject) => {
    const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = request(
      { host: '127.0.0.1', port: at, path, method, headers: { ...length, ...headers } },
      async answer => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk as Buffer);
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() });
      },
    );
    sent.on('error', reject);
    if (body !== undefined) sent.write(body);
    sent.end();
  });
}

const sumMessage = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'calculate_sum', arguments: { numbers: [1, 2] } },
});
const asAda = () => ({
  authorization: `Bearer ${tokens.access_token}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
});

describe('the deployed package', () => {
  test('holds the bundle with its source maps, host.json and package.json at its root, and nothing else', async () => {
    const files = Object.keys(unzipSync(zip));
    expect(files).toEqual(expect.arrayContaining(['host.json', 'package.json', 'index.js', 'index.js.map']));
    const others = files.filter(name => !/^(chunks\/[\w-]+|index)\.js(\.map|\.LEGAL\.txt)?$/.test(name));
    expect(others).toEqual(['host.json', 'package.json']);
    const scripts = files.filter(name => name.endsWith('.js'));
    expect(scripts.filter(name => !files.includes(`${name}.map`))).toEqual([]);
    expect(Buffer.from(await zipFolder(dist)).equals(zip)).toBe(true);
  });

  test('registers every function', () => {
    const routes = host.functions.map(each => `${each.route ?? each.name}`).sort();
    expect(routes).toEqual(
      [
        '.well-known/jwks.json',
        '.well-known/oauth-authorization-server',
        '.well-known/oauth-protected-resource',
        '.well-known/oauth-protected-resource/mcp',
        '.well-known/oauth-protected-resource/{name}/mcp',
        '.well-known/openid-configuration',
        'account',
        'auth/callback',
        'auth/front-channel-logout',
        'auth/interaction',
        'auth/login',
        'auth/logout',
        'health',
        'health/ready',
        'manage',
        'mcp',
        'oauth/authorize',
        'oauth/consent',
        'oauth/introspect',
        'oauth/register',
        'oauth/revoke',
        'oauth/token',
        'purge',
        '{ignored:maxlength(0)?}',
        '{*path}',
        '{name}/mcp',
      ].sort(),
    );
  });

  test.each([
    ['GET', {}],
    ['POST', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['PUT', {}],
    ['HEAD', {}],
    ['OPTIONS', {}],
  ])('to a stranger %s /manage is as an unknown path is', async (method, headers) => {
    const [page, unknown] = await Promise.all(
      ['/manage', '/nothing-is-here'].map(async path => {
        const answer = await fetch(new URL(path, host.url), { method, headers });
        const names = [...answer.headers.keys()].sort();
        return { status: answer.status, body: await answer.text(), names };
      }),
    );
    expect(page).toEqual(unknown);
    expect(page?.status).toBe(404);
  });

  test('signs in and serves a tool', async () => {
    const { status, body } = await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1, 2] });
    expect([status, body.result?.structuredContent]).toEqual([200, { sum: 3, count: 2 }]);
    await callTool(server, tokens.access_token, 'save_user_note', { note: 'from the package' });
    const kept = await callTool(server, tokens.access_token, 'get_user_notes', {});
    expect(JSON.stringify(kept.body)).toContain('from the package');
  });

  test.each([
    ['GET', '/', 200],
    ['GET', '/account', 200],
    ['GET', '/health', 200],
    ['GET', '/health/ready', 200],
    ['GET', '/mcp', 401],
    ['HEAD', '/mcp', 401],
    ['POST', '/mcp', 401],
    ['DELETE', '/mcp', 401],
    ['OPTIONS', '/mcp', 204],
    ['PUT', '/mcp', 404],
    ['POST', '/MCP/', 401],
    ['GET', '/auth/logout', 200],
    ['GET', '/oauth/token', 404],
    ['GET', '/.well-known/oauth-authorization-server/mcp', 404],
    ['GET', '/nothing', 404],
  ])('%s %s is %i', async (method, path, status) => {
    expect((await send(path, { method })).status).toBe(status);
  });

  test('the 401 tells where the metadata is and all scopes', async () => {
    const { headers } = await send('/mcp', { method: 'POST' });
    expect(headers['www-authenticate']).toContain(
      `resource_metadata="${server.origin}/.well-known/oauth-protected-resource/mcp"`,
    );
    expect(headers['www-authenticate']).toContain('scope="profile notes:read notes:write"');
  });

  test('takes a body in chunks, as the C# SDK sends it', async () => {
    const { status, text } = await send('/mcp', { method: 'POST', headers: asAda(), body: sumMessage, chunked: true });
    expect([status, text.includes('"sum":3')]).toEqual([200, true]);
  });

  test('a body over the limit is 413, and the connection goes on', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { x: 'x'.repeat(2_000_000) } });
    for (const chunked of [true, false]) {
      expect((await send('/mcp', { method: 'POST', headers: asAda(), body, chunked })).status).toBe(413);
      expect((await send('/oauth/register', { method: 'POST', body, chunked })).status).toBe(413);
      expect((await send('/mcp', { method: 'POST', body, chunked })).status).toBe(401);
    }
    expect((await send('/mcp', { method: 'POST', headers: asAda(), body: sumMessage })).status).toBe(200);
  });

  test('the purge runs', async () => {
    expect(
      (
        await send('/admin/functions/purge', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        })
      ).status,
    ).toBe(202);
    await expect.poll(() => output.some(line => line.includes('"event":"purged"'))).toBe(true);
  });
});

describe('headers that the host would replace', () => {
  /** Every address of the app, with the methods that reach it; the routes of no fixed path stand for `/`. */
  const addresses = () =>
    host.functions
      .filter(({ route }) => route !== undefined)
      .map(({ route = '', methods = [] }) => {
        const path = route.replace('{name}', 'name');
        return { path: path.startsWith('{') ? '/' : `/${path}`, methods };
      });

  const KEYS = [
    'Headers',
    'headers',
    'HEADERS',
    '%48eaders',
    '%68%65%61%64%65%72%73',
    'x=1&HeAdErS',
    'Headers=x&Headers',
  ];
  test.each(KEYS)('a query with %s is 400 everywhere, by every method', async key => {
    for (const { path, methods } of addresses()) {
      for (const method of methods) {
        const { status } = await send(`${path}?${key}={"Cookie":"forged"}`, { method });
        expect([method, path, status]).toEqual([method, path, 400]);
      }
    }
  });

  const BODIES: [string, string | Buffer][] = [
    ['plainly', '{"Headers":{"Authorization":"forged","Cookie":"forged","Origin":"null"}}'],
    ['in lower case', '{"headers":{}}'],
    ['in upper case', '{"HEADERS":{}}'],
    ['escaped', '{"\\u0048eaders":{}}'],
    ['with a byte-order mark', '\ufeff{"Headers":{}}'],
    ['in UTF-16', Buffer.from('\ufeff{"Headers":{}}', 'utf16le')],
    ['after a comment', '/* */{"Headers":{}}'],
    ['in single quotes', "{'Headers':{}}"],
    ['without quotes', '{Headers:{}}'],
    ['in UTF-16, big-endian', Buffer.from('\ufeff{"Headers":{}}', 'utf16le').swap16()],
    ['in UTF-32', utf32('{"Headers":{}}')],
    ['with white space around', ' \r\n{"Headers":{}}\t'],
    ['with a comma too many', '{"Headers":{},}'],
    ['in a string', '{"Headers":"{\\"Cookie\\":\\"forged\\"}"}'],
    ['twice', '{"Headers":"x","Headers":{}}'],
  ];
  const TYPES = ['application/json', 'text/plain', 'application/x-www-form-urlencoded'];

  test.each(BODIES)('a body that names them %s is refused everywhere, whatever its type', async (_name, body) => {
    for (const { path } of addresses().filter(({ methods }) => methods.includes('POST'))) {
      for (const type of TYPES) {
        const { status } = await send(path, { method: 'POST', headers: { ...asAda(), 'content-type': type }, body });
        expect(status, `${path} as ${type}`).toBeGreaterThanOrEqual(400);
        expect(status, `${path} as ${type}`).toBeLessThan(500);
      }
    }
  });
});

test('with HTTP_STREAMING=off a body in chunks is 411, and others are served', async () => {
  const [other = 0] = await freePorts(1);
  const buffered = await run(other, { HTTP_STREAMING: 'off' });
  const body = JSON.stringify({ redirect_uris: ['http://localhost/cb'], token_endpoint_auth_method: 'none' });
  const headers = { 'content-type': 'application/json' };
  expect((await send('/oauth/register', { method: 'POST', headers, body, chunked: true }, other)).status).toBe(411);
  expect((await send('/oauth/register', { method: 'POST', headers, body }, other)).status).toBe(201);
  await buffered.stop();
});

test('settings that are wrong stop the start, all of them named', async () => {
  const [other = 0] = await freePorts(1);
  const start = run(other, { AUTH_TENANT_ID: 'contoso', LOG_LEVEL: 'loud', TOKEN_EXPIRY_SECONDS: '1' });
  await expect(start).rejects.toThrow(/AUTH_TENANT_ID[\s\S]*TOKEN_EXPIRY_SECONDS[\s\S]*LOG_LEVEL/);
});

test('the log has lines of JSON with the answer’s correlation id, and no token', async () => {
  const { headers } = await send('/oauth/authorize?client_id=x');
  const id = String(headers['x-correlation-id']);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  await expect.poll(() => output.some(line => line.includes(id))).toBe(true);
  const signature = tokens.access_token.split('.')[2] ?? '-';
  expect(output.filter(line => line.includes(signature) || line.includes(tokens.refresh_token))).toEqual([]);
});

test('Application Insights is told, by the identity, what waits when the instance ends', async () => {
  const platform = createServer((_request, response) => {
    const expires_on = Math.floor(Date.now() / 1000) + 3600;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: 'of-the-identity', expires_on, token_type: 'Bearer' }));
  });
  await new Promise<void>(resolve => platform.listen(0, '127.0.0.1', resolve));
  await using insights = await startInsights();
  const [at = 0] = await freePorts(1);
  const told = await run(at, {
    ...insights.settings,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=66666666-7777-8888-9999-000000000000;Authorization=AAD',
    IDENTITY_ENDPOINT: `http://127.0.0.1:${(platform.address() as AddressInfo).port}/msi/token`,
    IDENTITY_HEADER: 'of-the-platform',
  });
  const traceId = 'abcdef0123456789abcdef0123456789';
  const headers = { traceparent: `00-${traceId}-0123456789abcdef-01` };
  await fetch(`http://localhost:${at}/mcp`, { method: 'POST', headers });
  await told.stop();
  platform.close();
  const calls = insights.spans().filter(({ data }) => data.baseData.name === 'mcp');
  expect(calls.map(({ tags, data }) => [tags['ai.operation.id'], data.baseData.properties.status])).toEqual([
    [traceId, '401'],
  ]);
  expect(new Set(insights.tokens)).toEqual(new Set(['Bearer of-the-identity']));
});
