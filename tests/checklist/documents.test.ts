import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { textOf } from '../../dev/browser/index.ts';
import { createPublicFetch, type FetchDocument } from '../../src/oauth/clients/documents/public-fetch.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { documentOf } from '../support/document-hosts.ts';
import {
  authorizationUrl,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  REDIRECT_URI,
  refreshForm,
  token,
} from '../support/flows.ts';
import { documentAt, send, WEB } from './steps.ts';

/** Clients that are named by the URL of their metadata document: rows AS-06 to AS-14. */

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: AppServer;
/** Where documents lie: https on loopback, under the name documents.example. */
let host: Server;
let port: number;
/** What the host answers at each path; nothing is there where nothing is said. */
const served = new Map<string, Handler>();
/** The paths that were asked for. */
const asked: string[] = [];
let connections = 0;
/** The names that were looked up. */
const lookedUp: string[] = [];
/** How the app reaches hosts: any address unless a test has the real rule. */
let open: FetchDocument;
let way: FetchDocument;
/** The same way by the rule for addresses that the app has by itself. */
let guardedBy: (...addresses: string[]) => FetchDocument;

beforeAll(async () => {
  const folder = join(import.meta.dirname, '../fixtures/tls');
  const ca = await readFile(join(folder, 'certificate.pem'), 'utf8');
  const key = await readFile(join(folder, 'key.pem'), 'utf8');
  host = createServer({ key, cert: ca }, (request, response) => {
    asked.push(request.url ?? '');
    const answer = served.get(request.url ?? '');
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  });
  host.on('connection', () => connections++);
  await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve));
  port = (host.address() as AddressInfo).port;
  open = createPublicFetch({ ca, lookup: resolvesTo('127.0.0.1'), isAllowedAddress: () => true });
  guardedBy = (...addresses) => createPublicFetch({ ca, lookup: resolvesTo(...addresses) });
  server = await startAppServer({ fetchDocument: (url, signal) => way(url, signal) });
});
beforeEach(() => {
  way = open;
  asked.length = 0;
  lookedUp.length = 0;
  connections = 0;
  // So that no test meets the limit of new documents that another one has used up.
  server.clock.advance(60);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  host.closeAllConnections();
  await Promise.all([server.stop(), new Promise(resolve => host.close(resolve))]);
});

/** A name server that gives these addresses, whatever it is asked. */
function resolvesTo(...addresses: string[]): LookupFunction {
  return (hostname, options, done) => {
    lookedUp.push(hostname);
    const found = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all) done(null, found);
    else done(null, found[0]?.address ?? '', found[0]?.family);
  };
}

const urlOf = (path: string) => `https://documents.example:${port}${path}`;

let count = 0;
/** A client whose document is served from now on. */
function publish(
  change: Record<string, unknown> = {},
  headers: Record<string, string> = {},
  path = `/client/${++count}`,
) {
  const client_id = urlOf(path);
  const document = JSON.stringify(documentOf(client_id, change));
  served.set(path, (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(document),
  );
  return { client_id, path };
}

/** A client whose document is answered so. */
function answer(handler: Handler) {
  const path = `/client/${++count}`;
  served.set(path, handler);
  return { client_id: urlOf(path), path };
}

/** What the authorization endpoint answers to a client of that id. */
const authorize = (client_id: string, change: Record<string, string | undefined> = {}) =>
  send(authorizationUrl(server, { client_id }, change).url);
const statusFor = async (client_id: string, change?: Record<string, string | undefined>) =>
  (await authorize(client_id, change)).status;

/** A page that leads nowhere, and for programs the RFC's word. */
async function expectRefused(client_id: string, label = client_id): Promise<string> {
  const page = await authorize(client_id);
  expect([label, page.status, page.location]).toEqual([label, 400, null]);
  const json = await send(authorizationUrl(server, { client_id }).url, { headers: { accept: 'application/json' } });
  expect([json.status, JSON.parse(json.text).error], label).toEqual([400, 'invalid_client']);
  return textOf(page.text);
}

test('AS-06 client ID metadata documents are served, and advertised where they are', async () => {
  expect(await documentAt(server, '/.well-known/oauth-authorization-server')).toMatchObject({
    client_id_metadata_document_supported: true,
  });
  const client = publish();
  const { tokens } = await connect(server, 'ada', {}, client);
  expect(claimsOf(tokens.access_token).client_id).toBe(client.client_id);
  expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(200);
  expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);

  const off = await startAppServer({ fetchDocument: open, settings: { CLIENT_METADATA_DOCUMENTS: 'off' } });
  const metadata = await documentAt(off, '/.well-known/oauth-authorization-server');
  expect(metadata.client_id_metadata_document_supported ?? false).toBe(false);
  expect((await send(authorizationUrl(off, client).url)).status).toBe(400);
  await off.stop();
});

test('AS-07 a client_id that names a document is an https URL with a path, as a URL parser writes it', async () => {
  expect(await statusFor(publish().client_id)).toBe(200);
  asked.length = 0;
  connections = 0;
  const base = `https://documents.example:${port}`;
  for (const id of [
    `http://documents.example:${port}/client`,
    base,
    `${base}/`,
    `${base}/?client=1`,
    `${base}/client?x=1`,
    `${base}/client#fragment`,
    `https://user@documents.example:${port}/client`,
    `https://user:password@documents.example:${port}/client`,
    `${base}/a/../client`,
    `${base}/./client`,
    `${base}/%2e%2e/client`,
    `https://DOCUMENTS.example:${port}/client`,
    `HTTPS://documents.example:${port}/client`,
    'https://documents.example:443/client',
    `${base}\\client`,
    `${base}/cl ient`,
    `ftp://documents.example:${port}/client`,
    `//documents.example:${port}/client`,
    `https://documents.example.:${port}/client`,
    `${base}/${'x'.repeat(2_000)}`,
  ]) {
    await expectRefused(id);
  }
  expect([connections, asked]).toEqual([0, []]);
});

test('AS-08 the document’s client_id equals its URL to the byte', async () => {
  const own = publish();
  expect(await statusFor(own.client_id)).toBe(200);
  for (const claimed of [
    undefined,
    null,
    '',
    'https://claude.ai/oauth/mcp-oauth-client-metadata',
    own.client_id,
    (id: string) => `${id}/`,
    (id: string) => id.replace('documents', 'DOCUMENTS'),
    (id: string) => id.replace(`:${port}`, ''),
    (id: string) => `${id}?`,
    (id: string) => [id],
  ]) {
    const path = `/client/${++count}`;
    const id = urlOf(path);
    publish({ client_id: typeof claimed === 'function' ? claimed(id) : claimed }, {}, path);
    await expectRefused(id, JSON.stringify(claimed) ?? String(claimed));
  }
});

test('AS-09 it is JSON with client_id, client_name and redirect_uris, served as such with status 200', async () => {
  for (const member of ['client_id', 'client_name', 'redirect_uris']) {
    await expectRefused(publish({ [member]: undefined }).client_id, member);
    await expectRefused(publish({ [member]: 42 }).client_id, member);
  }
  await expectRefused(publish({ redirect_uris: [] }).client_id);
  await expectRefused(publish({ redirect_uris: ['javascript:alert(1)'] }).client_id);
  await expectRefused(publish({ client_secret: 'everybody can read this' }).client_id);
  await expectRefused(publish({ token_endpoint_auth_method: 'client_secret_post' }).client_id);
  await expectRefused(publish({}, { 'content-type': 'text/html' }).client_id, 'text/html');
  const types: [number, string, string][] = [
    [200, 'application/json', 'not JSON'],
    [200, 'application/json', '[]'],
    [200, 'application/json', 'null'],
    [200, 'application/json', ''],
    [404, 'application/json', '{}'],
    [201, 'application/json', '{}'],
  ];
  for (const [status, type, body] of types) {
    const { client_id } = answer((_request, response) =>
      response.writeHead(status, { 'content-type': type }).end(body),
    );
    await expectRefused(client_id, body);
  }
  expect(await statusFor(publish({}, { 'content-type': 'application/json; charset=utf-8' }).client_id)).toBe(200);
});

test('AS-10 the redirect URI is checked against the document, at authorize and at the token endpoint', async () => {
  const client = publish({ redirect_uris: [WEB.redirect_uri, 'http://127.0.0.1/cb'] });
  for (const redirect_uri of [WEB.redirect_uri, 'http://127.0.0.1/cb', 'http://127.0.0.1:50999/cb']) {
    expect(await statusFor(client.client_id, { redirect_uri }), redirect_uri).toBe(200);
  }
  for (const redirect_uri of [
    REDIRECT_URI,
    'https://evil.example/callback',
    `${WEB.redirect_uri}/more`,
    `${WEB.redirect_uri}?x=1`,
    'https://app.example/',
    'http://localhost/cb',
    undefined,
  ]) {
    const { status, location } = await authorize(client.client_id, { redirect_uri });
    expect([redirect_uri, status, location]).toEqual([redirect_uri, 400, null]);
  }
  const code = await obtainCode(server, client, 'ada', WEB);
  const form = codeForm(client, code);
  expect((await token(server, { ...form, redirect_uri: 'http://127.0.0.1/cb' })).body.error).toBe('invalid_grant');
  expect((await token(server, form)).status).toBe(200);
});

test('AS-11 it is kept as long as its HTTP headers say, from half a minute to a day', async () => {
  /** How many times a document is fetched when it is asked for again after so many seconds. */
  const fetches = async (headers: Record<string, string>, ...seconds: number[]) => {
    const { client_id, path } = publish({}, headers);
    const counts: number[] = [];
    for (const each of [0, ...seconds]) {
      server.clock.advance(each);
      expect(await statusFor(client_id)).toBe(200);
      counts.push(asked.filter(one => one === path).length);
    }
    return counts;
  };
  expect(await fetches({ 'cache-control': 'max-age=600' }, 0, 599, 2)).toEqual([1, 1, 1, 2]);
  expect(await fetches({ 'cache-control': 'max-age=600', age: '500' }, 99, 2)).toEqual([1, 1, 2]);
  expect(await fetches({ 'cache-control': 'no-store' }, 29, 2)).toEqual([1, 1, 2]);
  expect(await fetches({ 'cache-control': 'max-age=0' }, 29, 2)).toEqual([1, 1, 2]);
  expect(await fetches({ 'cache-control': 'max-age=31536000' }, 86_399, 2)).toEqual([1, 1, 2]);
  const date = new Date(server.clock.now);
  const expires = new Date(server.clock.now + 900_000);
  expect(await fetches({ date: date.toUTCString(), expires: expires.toUTCString() }, 899, 2)).toEqual([1, 1, 2]);

  // What changed counts from then on, and what was withdrawn counts no more.
  const { client_id, path } = publish({ redirect_uris: [WEB.redirect_uri] }, { 'cache-control': 'max-age=60' });
  expect(await statusFor(client_id, WEB)).toBe(200);
  publish({ redirect_uris: ['https://app.example/moved'] }, { 'cache-control': 'max-age=60' }, path);
  expect(await statusFor(client_id, WEB)).toBe(200);
  server.clock.advance(61);
  expect(await statusFor(client_id, WEB)).toBe(400);
  expect(await statusFor(client_id, { redirect_uri: 'https://app.example/moved' })).toBe(200);
  served.delete(path);
  server.clock.advance(61);
  expect(await statusFor(client_id, { redirect_uri: 'https://app.example/moved' })).toBe(400);
});

test('AS-12 it is 5 KB long at most, and no more of it is read', async () => {
  const sized = (length: number) => (body: string) =>
    body.slice(0, -1) + ' '.repeat(length - body.length) + body.slice(-1);
  for (const [length, status] of [
    [5_120, 200],
    [5_121, 400],
  ] as const) {
    const { client_id } = answer((request, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(sized(length)(JSON.stringify(documentOf(urlOf(request.url ?? ''))))),
    );
    expect([length, await statusFor(client_id)]).toEqual([length, status]);
  }
  // One that never ends: it is refused as too long, and not given up as too slow.
  const endless = answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"x":"${'x'.repeat(6_000)}`);
  });
  expect(await expectRefused(endless.client_id)).toContain('5120 bytes');
});

test('AS-13 it has 5 seconds to come, and what does not come is no refusal', async () => {
  // Storage has a limit of its own; what is read of it now is not read again.
  await authorize('unknown');
  const real = AbortSignal.timeout.bind(AbortSignal);
  const limits: AbortController[] = [];
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(ms => {
    if (ms !== 5_000) return real(ms);
    const limit = new AbortController();
    limits.push(limit);
    return limit.signal;
  });
  // As if the time were over, once as soon as the host is asked, once when half of its answer is out.
  const timeIsOver = () => limits.at(-1)?.abort();
  const silent = answer(timeIsOver);
  const slow = answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"half', timeIsOver);
  });
  for (const { client_id } of [silent, slow]) {
    const { status, headers, location } = await authorize(client_id);
    expect([status, location]).toEqual([503, null]);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(limits.length).toBe(2);
});

test('AS-14 nothing is fetched from where the public internet is not, by name, by address, by redirect', async () => {
  // By its name alone: not even looked up.
  for (const name of [
    'localhost',
    'app.localhost',
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '10.0.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '168.63.129.16',
    '[fd00::1]',
    '[fe80::1]',
    'metadata.google.internal',
    'printer.local',
    'intranet',
  ]) {
    await expectRefused(`https://${name}:${port}/client`, name);
  }
  expect([lookedUp, connections]).toEqual([[], 0]);

  // By the address that the name resolves to, by the app's own rule.
  for (const address of [
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '168.63.129.16',
    '172.16.0.1',
    '192.168.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    'fc00::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
  ]) {
    way = guardedBy(address);
    await expectRefused(publish().client_id, address);
    server.clock.advance(2);
  }
  // One such address among others is one too many.
  way = guardedBy('8.8.8.8', '127.0.0.1');
  await expectRefused(publish().client_id);
  expect([connections, asked]).toEqual([0, []]);
  expect(lookedUp.length).toBeGreaterThan(0);

  // By the address that is connected to, should the name have changed its mind since: nothing is sent there.
  let looks = 0;
  way = createPublicFetch({
    ca: await readFile(join(import.meta.dirname, '../fixtures/tls/certificate.pem'), 'utf8'),
    lookup: resolvesTo('127.0.0.1'),
    isAllowedAddress: () => ++looks === 1,
  });
  await expectRefused(publish().client_id);
  expect([looks, asked]).toEqual([2, []]);

  // By redirect: none is followed, to wherever.
  way = open;
  for (const status of [301, 302, 303, 307, 308]) {
    const target = publish();
    const { client_id, path } = answer((_request, response) =>
      response.writeHead(status, { location: target.client_id }).end(),
    );
    asked.length = 0;
    await expectRefused(client_id, String(status));
    expect(asked).toEqual([path]);
  }
  // By what the document names: its keys are fetched under the same rule.
  const { client_id } = publish({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: 'https://169.254.169.254/keys',
  });
  await expectRefused(client_id);
});
