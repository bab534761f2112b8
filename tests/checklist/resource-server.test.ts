import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { createKeyRing, type KeyRing } from '../../src/keys/key-ring.ts';
import { parseSecrets } from '../../src/keys/secret.ts';
import { challengeOf as s256 } from '../../src/oauth/authorize/transaction.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  mcp,
  obtainCode,
  refreshForm,
  register,
  type Tokens,
  token,
} from '../support/flows.ts';
import { PUBLIC_ORIGIN, startDeployed } from './deployed.ts';
import { type Answer, challengeOf, documentAt, send, signInAtLanding } from './steps.ts';

/** What MCP asks of a resource server: rows RS-28 to RS-57. */

const METADATA = '/.well-known/oauth-protected-resource/mcp';
const secret = newSecret();

let server: AppServer;
/** The same as people reach it over https, its pages narrowed to one. */
let deployed: AppServer;
/** The keys of both. */
let keys: KeyRing;
let client: Client;
/** Ada's, with every scope. */
let tokens: Tokens;
/** All that the app has sent to Entra. */
const upstream: string[] = [];

beforeAll(async () => {
  const settings = { JWT_SECRET_KEY: secret };
  const recording: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    upstream.push(JSON.stringify([request.url, [...request.headers], await request.clone().text()]));
    return fetch(request);
  };
  [server, deployed, keys] = await Promise.all([
    startAppServer({ settings, fetch: recording }),
    startDeployed({ ...settings, ALLOWED_ORIGINS: 'https://inspector.example' }),
    createKeyRing(parseSecrets(secret)),
  ]);
  client = await register(server);
  tokens = (await connect(server, 'ada', {}, client)).tokens;
});
afterAll(() => Promise.all([server.stop(), deployed.stop()]));

const CALL_SUM = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'calculate_sum', arguments: { numbers: [1, 2] } },
});

/** A POST to the MCP endpoint as a client makes it, with these headers besides. */
const message = (body: string, headers: Record<string, string> = {}, url = server.mcpUrl) =>
  send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body,
  });

const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });
const statusOf = async (accessToken: string) => (await message(CALL_SUM, bearer(accessToken))).status;

/** The claims of Ada's token with these changed, signed by the server's own key unless another is given. */
function sign(
  changes: Record<string, unknown> = {},
  { header = {}, key = keys.signing.privateKey }: { header?: Partial<JWTHeaderParameters>; key?: SignKey } = {},
) {
  return new SignJWT({ ...claimsOf(tokens.access_token), ...changes })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keys.signing.kid, ...header })
    .sign(key);
}
type SignKey = Parameters<SignJWT['sign']>[0];

const json64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A 401 that says that the token is not valid, and why. */
function expectInvalid(answer: Answer, description: RegExp): void {
  expect(answer.status).toBe(401);
  const challenge = challengeOf(answer.headers);
  expect(challenge).toMatchObject({ error: 'invalid_token', resource_metadata: server.origin + METADATA });
  expect(challenge.error_description).toMatch(description);
}

test('RS-28 the resource metadata is at the root and at the path-suffixed location', async () => {
  const document = await documentAt(server, METADATA);
  expect(document.resource).toBe(server.mcpUrl);
  expect(await documentAt(server, '/.well-known/oauth-protected-resource')).toEqual(document);
});

test('RS-29 it names an authorization server, and that one answers', async () => {
  const { authorization_servers } = await documentAt<{ authorization_servers: string[] }>(server, METADATA);
  expect(authorization_servers).toEqual([server.origin]);
  const { status, text } = await send(`${authorization_servers[0]}/.well-known/oauth-authorization-server`);
  expect([status, JSON.parse(text).issuer]).toEqual([200, authorization_servers[0]]);
});

test('RS-30 every 401 says where the resource metadata is', async () => {
  const refused = await Promise.all([
    ...['GET', 'POST', 'DELETE', 'HEAD'].map(method => send(server.mcpUrl, { method })),
    message(CALL_SUM),
    message(CALL_SUM, bearer('no-token')),
    message(CALL_SUM, bearer(await sign({ exp: 1 }))),
    message(CALL_SUM, { authorization: 'Basic eDp5' }),
  ]);
  for (const { status, headers } of refused) {
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(challengeOf(headers).resource_metadata).toBe(server.origin + METADATA);
  }
});

test('RS-31 the challenge names the scopes', async () => {
  const { scopes_supported } = await documentAt<{ scopes_supported: string[] }>(server, METADATA);
  expect(scopes_supported.length).toBeGreaterThan(0);
  for (const headers of [{}, bearer('no-token')]) {
    expect(challengeOf((await message(CALL_SUM, headers)).headers).scope).toBe(scopes_supported.join(' '));
  }
});

test('RS-33 offline_access is in no challenge and not in the resource metadata', async () => {
  const readOnly = (await connect(server, 'ada', { scope: 'notes:read offline_access' }, client)).tokens;
  const short = await callTool(server, readOnly.access_token, 'save_user_note', { note: 'x' });
  expect(short.status).toBe(403);
  const challenges = [await message(CALL_SUM), await message(CALL_SUM, bearer('no-token')), short];
  const said = challenges.map(({ headers }) => headers.get('www-authenticate'));
  said.push(JSON.stringify(await documentAt(server, METADATA)), claimsOf(readOnly.access_token).scope as string);
  for (const text of said) expect(text).not.toContain('offline_access');
  // The authorization server does know it.
  const { scopes_supported } = await documentAt(server, '/.well-known/oauth-authorization-server');
  expect(scopes_supported).toContain('offline_access');
});

test('RS-34 every request is authorized, whatever came before it or with it', async () => {
  expect(await statusOf(tokens.access_token)).toBe(200);
  const browser = new Browser();
  await signInAtLanding(server, browser);
  const others: Record<string, string>[] = [
    {},
    { cookie: browser.cookies.header(new URL(server.origin), false) },
    { 'mcp-session-id': 'session-1' },
    { 'x-ms-client-principal-id': 'ada' },
    { authorization: '' },
  ];
  for (const headers of others) {
    for (const method of ['initialize', 'ping', 'tools/list', 'server/discover', 'notifications/initialized']) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} });
      expect((await message(body, headers)).status, `${method} ${JSON.stringify(headers)}`).toBe(401);
    }
    for (const method of ['GET', 'HEAD', 'DELETE'])
      expect((await send(server.mcpUrl, { method, headers })).status).toBe(401);
  }
  expect(await statusOf(tokens.access_token)).toBe(200);
});

test('RS-35 a token in the query or in the body does not count', async () => {
  for (const name of ['access_token', 'token', 'authorization', 'bearer']) {
    const answer = await message(CALL_SUM, {}, `${server.mcpUrl}?${name}=${tokens.access_token}`);
    // As if there were none: without an error code (RFC 6750 section 3.1).
    expect([answer.status, challengeOf(answer.headers).error]).toEqual([401, undefined]);
  }
  const form = await send(server.mcpUrl, {
    method: 'POST',
    body: new URLSearchParams({ access_token: tokens.access_token }),
  });
  expect(form.status).toBe(401);
  const { bearer_methods_supported } = await documentAt(server, METADATA);
  expect(bearer_methods_supported).toEqual(['header']);
});

test('RS-36 signature, issuer and audience of a token are checked', async () => {
  // What is made here is good but for what is changed.
  expect(await statusOf(await sign())).toBe(200);

  const [header = '', payload = '', signature = ''] = tokens.access_token.split('.');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { publicKey: theirs, privateKey: own } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const hs256 = `${json64({ alg: 'HS256', typ: 'at+jwt', kid: keys.signing.kid })}.${payload}`;
  const publicJwk = JSON.stringify(keys.jwks.keys[0]);
  const forged = [
    await sign({}, { key: privateKey }),
    // A key of the sender's own, in the header.
    await sign({}, { key: own, header: { jwk: theirs.export({ format: 'jwk' }) } as never }),
    await sign({}, { header: { kid: 'another' } }),
    `${header}.${json64({ ...claimsOf(tokens.access_token), scope: 'admin' })}.${signature}`,
    `${header}.${payload}.${randomBytes(64).toString('base64url')}`,
    `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    `${header}.${payload}.`,
    `${json64({ alg: 'none', typ: 'at+jwt', kid: keys.signing.kid })}.${payload}.`,
    `${json64({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    `${hs256}.${createHmac('sha256', publicJwk).update(hs256).digest('base64url')}`,
    `${hs256}.${createHmac('sha256', secret).update(hs256).digest('base64url')}`,
  ];
  for (const jwt of forged) expectInvalid(await message(CALL_SUM, bearer(jwt)), /signature|not an access token/);

  for (const iss of ['https://evil.example', `${server.origin}/`, server.mcpUrl, undefined]) {
    expectInvalid(await message(CALL_SUM, bearer(await sign({ iss }))), /issuer|not an access token/);
  }
  for (const aud of ['https://other.example/mcp', server.origin, `${server.mcpUrl}/`, [], undefined]) {
    expectInvalid(await message(CALL_SUM, bearer(await sign({ aud }))), /resource|audience|not an access token/);
  }
});

test('RS-37 expiry and type of a token are checked', async () => {
  const now = Math.floor(server.clock.now / 1000);
  expect(await statusOf(await sign({ exp: now + 5 }))).toBe(200);
  for (const exp of [now, now - 1, now - 3600, 0]) {
    expectInvalid(await message(CALL_SUM, bearer(await sign({ exp }))), /expired/);
  }
  for (const changes of [{ exp: undefined }, { nbf: now + 3600 }, { iat: now + 3600 }]) {
    expectInvalid(await message(CALL_SUM, bearer(await sign(changes))), /./);
  }
  for (const typ of ['JWT', 'id_token+jwt', 'dpop+jwt', 'logout+jwt', undefined]) {
    expectInvalid(await message(CALL_SUM, bearer(await sign({}, { header: { typ } as never }))), /type/);
  }
  // Other things that this server has given out are no access tokens either.
  const { code } = await obtainCode(server, client);
  for (const other of [tokens.refresh_token, code, client.client_id]) {
    expectInvalid(await message(CALL_SUM, bearer(other)), /not an access token/);
  }
});

test('RS-38 an invalid or expired token is 401 with error="invalid_token"', async () => {
  for (const jwt of ['x', 'a.b.c', `${tokens.access_token}x`, await sign({ exp: 1 }), '%00', 'two tokens']) {
    const answer = await message(CALL_SUM, bearer(jwt));
    expect([answer.status, challengeOf(answer.headers).error]).toEqual([401, 'invalid_token']);
  }
});

test('RS-39 a token of Entra’s is refused', async () => {
  const { entra } = server;
  const verifier = 'v'.repeat(43);
  const callback = `${server.origin}/auth/callback`;
  const url = new URL(`${entra.url}/${entra.tenantId}/oauth2/v2.0/authorize`);
  url.search = new URLSearchParams({
    client_id: entra.clientId,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid profile email offline_access',
    nonce: 'nonce',
    state: 'state',
    code_challenge: s256(verifier),
    code_challenge_method: 'S256',
  }).toString();
  const browser = new Browser();
  const stopAt = (at: string) => at.startsWith(callback);
  const back = await signInAs(browser, await browser.open(url.href), 'ada', { stopAt });
  const answer = await send(`${entra.url}/${entra.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: entra.clientId,
      client_secret: entra.clientSecret ?? '',
      code: new URL(back.url).searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: verifier,
      scope: 'openid profile email offline_access',
    }),
  });
  const issued = JSON.parse(answer.text) as Record<string, string>;
  for (const name of ['id_token', 'access_token', 'refresh_token']) {
    expect(issued[name], name).toBeTruthy();
    expectInvalid(await message(CALL_SUM, bearer(issued[name] ?? '')), /./);
  }
});

test('RS-40 what a client sends never goes upstream, neither to Entra nor to storage', async () => {
  const sent: string[] = [];
  const record = (event: unknown) => {
    const { request } = event as { request: ClientRequest };
    sent.push(JSON.stringify([request.path, request.getHeaders()]));
  };
  subscribe('http.client.request.start', record);
  upstream.length = 0;
  const { tokens: fresh, code } = await connect(server, 'ada', {}, client);
  await callTool(server, fresh.access_token, 'save_user_note', { note: 'A note' });
  for (const name of ['get_user_notes', 'get_user_profile', 'get_server_info']) {
    expect((await callTool(server, fresh.access_token, name)).status).toBe(200);
  }
  const renewed = await token(server, refreshForm(client, fresh.refresh_token));
  expect(renewed.status).toBe(200);
  unsubscribe('http.client.request.start', record);

  const all = [...upstream, ...sent].join('\n');
  expect(upstream.length).toBeGreaterThan(0);
  expect(sent.length).toBeGreaterThan(0);
  const theirs = [fresh, renewed.body].flatMap(({ access_token, refresh_token }) => [access_token, refresh_token]);
  for (const value of [...theirs, code.code, code.verifier]) expect(all).not.toContain(value);
});

test('RS-41 nothing leaks before authorization: all requests of a kind are refused alike', async () => {
  const bodies = [
    CALL_SUM,
    CALL_SUM.replace('calculate_sum', 'no_such_tool'),
    '{"jsonrpc":"2.0","id":7,"method":"tools/list"}',
    '{"jsonrpc":"2.0","id":7,"method":"no/such/method"}',
    '{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen"}',
    '[{"jsonrpc":"2.0","id":1,"method":"initialize"}]',
    'not json',
    '',
    `"${'x'.repeat(2 * 1024 * 1024)}"`,
  ];
  for (const headers of [{}, bearer('x.y.z'), bearer(await sign({ exp: 1 }))]) {
    const answers = [
      ...(await Promise.all(bodies.map(body => message(body, headers)))),
      ...(await Promise.all(['GET', 'DELETE'].map(method => send(server.mcpUrl, { method, headers })))),
    ];
    const seen = answers.map(answer => [answer.status, answer.text, answer.headers.get('www-authenticate')].join('\n'));
    expect(new Set(seen).size).toBe(1);
    expect(seen[0]).toMatch(/^401\n/);
    expect(seen[0]).not.toMatch(/tool|calculate|jsonrpc|session/i);
  }
});

test('RS-42 401 without a good token, 403 without the scope, 400 for what is malformed', async () => {
  const readOnly = (await connect(server, 'ada', { scope: 'notes:read' }, client)).tokens.access_token;
  const save = CALL_SUM.replace('calculate_sum', 'save_user_note');
  expect((await message(save)).status).toBe(401);
  expect((await message(save, bearer('x.y.z'))).status).toBe(401);
  expect((await message(save, bearer(readOnly))).status).toBe(403);
  expect((await message('{', bearer(tokens.access_token))).status).toBe(400);
  expect((await message('{"headers":{}}', bearer(tokens.access_token))).status).toBe(400);
  // 403 and 400 do not come before 401.
  expect((await message('{', bearer('x.y.z'))).status).toBe(401);
  const malformed = await token(server, { ...codeForm(client, { code: 'x', verifier: 'y' }), grant_type: undefined });
  expect([malformed.status, malformed.body.error]).toEqual([400, 'invalid_request']);
});

test('RS-43 a call short of scope is 403 insufficient_scope, which names all the scopes to ask for', async () => {
  const { access_token } = (await connect(server, 'ada', { scope: 'profile' }, client)).tokens;
  const one = await callTool(server, access_token, 'get_user_notes');
  expect([one.status, challengeOf(one.headers)]).toMatchObject([403, { error: 'insufficient_scope' }]);
  // What it has is kept by asking for both.
  expect(challengeOf(one.headers).scope).toBe('profile notes:read');

  // One answer is enough, for all messages of a batch.
  const batch = ['get_user_notes', 'save_user_note', 'calculate_sum'].map((name, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: {} },
  }));
  const several = await message(JSON.stringify(batch), bearer(access_token));
  const { scope = '' } = challengeOf(several.headers);
  expect([several.status, scope]).toEqual([403, 'profile notes:read notes:write']);

  // And with what it names the same calls are served.
  const stepped = (await connect(server, 'ada', { scope }, client)).tokens.access_token;
  expect((await message(JSON.stringify(batch), bearer(stepped))).status).toBe(200);
});

test('RS-44 the 403 says where the resource metadata is', async () => {
  const { access_token } = (await connect(server, 'ada', { scope: 'profile' }, client)).tokens;
  const refused = [
    await callTool(server, access_token, 'save_user_note', { note: 'x' }),
    await mcp(server, access_token, 'resources/list', {}),
  ];
  for (const { status, headers } of refused) {
    expect([status, challengeOf(headers).resource_metadata]).toEqual([403, server.origin + METADATA]);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer /);
  }
});

test('RS-47 who may write notes may read them, and not the other way round', async () => {
  const { access_token: writes } = (await connect(server, 'ada', { scope: 'notes:write' }, client)).tokens;
  expect(claimsOf(writes).scope).toBe('notes:write');
  expect((await callTool(server, writes, 'save_user_note', { note: 'x' })).status).toBe(200);
  const read = await callTool(server, writes, 'get_user_notes');
  expect([read.status, read.body.result?.isError]).toEqual([200, undefined]);
  expect((await mcp(server, writes, 'resources/list', {})).status).toBe(200);
  expect((await callTool(server, writes, 'get_user_profile')).status).toBe(403);
  const { access_token: reads } = (await connect(server, 'ada', { scope: 'notes:read' }, client)).tokens;
  expect((await callTool(server, reads, 'save_user_note', { note: 'x' })).status).toBe(403);
});

test('RS-50 handles are random, and there are no sessions', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const saved = await callTool(server, tokens.access_token, 'save_user_note', { note: 'The same note' });
    ids.push(saved.body.result?.structuredContent?.id as string);
  }
  // Their last 32 hexadecimal digits are 128 random bits: no two have much in common.
  for (const id of ids) expect(id).toMatch(/[0-9a-f]{32}$/);
  expect(mostInCommon(ids.map(id => id.slice(-32)))).toBeLessThanOrEqual(12);

  const answer = await message(CALL_SUM, { ...bearer(tokens.access_token), 'mcp-session-id': 'chosen-by-the-client' });
  expect([answer.status, answer.headers.get('mcp-session-id')]).toEqual([200, null]);
  const grants = [tokens.access_token, (await connect(server, 'ada', {}, client)).tokens.access_token].map(claimsOf);
  expect(mostInCommon(grants.map(({ gid }) => String(gid)))).toBeLessThanOrEqual(8);
  for (const { gid, jti } of grants) for (const id of [gid, jti]) expect(id).toMatch(/^[\w-]{22}$/);
});

test('RS-51 a handle is its person’s: in another’s hands it names nothing', async () => {
  const grace = (await connect(server, 'grace', {}, client)).tokens.access_token;
  for (let i = 0; i < 2; i++)
    await callTool(server, tokens.access_token, 'save_user_note', { note: 'Only Ada reads this' });
  const page = await callTool(server, tokens.access_token, 'get_user_notes', { limit: 1 });
  const { notes, next_cursor: cursor } = page.body.result?.structuredContent ?? {};
  const id = (notes as { id: string }[])[0]?.id ?? '';
  const uri = `note://${id}`;
  expect((await mcp(server, tokens.access_token, 'resources/read', { uri })).body.result).toBeTruthy();
  expect((await mcp(server, grace, 'resources/read', { uri })).body).toMatchObject({ error: {} });
  const removed = await callTool(server, grace, 'delete_user_note', { id });
  expect(removed.body.result?.structuredContent).toMatchObject({ deleted: false });
  const paged = await callTool(server, grace, 'get_user_notes', { cursor });
  expect(paged.body.result?.structuredContent).toEqual({ notes: [] });
  expect((await mcp(server, tokens.access_token, 'resources/read', { uri })).body.result).toBeTruthy();
});

test('RS-52 a page of an origin that is not allowed gets 403, with a good token too', async () => {
  const asAda = bearer(tokens.access_token);
  const foreign = [
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'file://',
    'https://',
    server.entra.url.replace('http:', 'https:').replace('localhost', 'login.example'),
  ];
  for (const origin of foreign) {
    for (const headers of [{ origin }, { origin, ...asAda }]) {
      expect((await message(CALL_SUM, headers)).status, origin).toBe(403);
    }
  }
  for (const origin of [server.origin, 'http://localhost:6274', 'http://127.0.0.1:3000']) {
    expect((await message(CALL_SUM, { origin, ...asAda })).status, origin).toBe(200);
  }
  // Where people reach it over https only the pages of the setting, and none of a laptop’s.
  const jwt = bearer(await sign({ iss: PUBLIC_ORIGIN, aud: `${PUBLIC_ORIGIN}/mcp` }));
  const at = async (origin: string) => (await message(CALL_SUM, { origin, ...jwt }, deployed.mcpUrl)).status;
  expect(await at('https://inspector.example')).toBe(200);
  for (const origin of [
    'https://mcp.example.evil.example',
    'http://inspector.example',
    'http://localhost:6274',
    'null',
  ])
    expect(await at(origin), origin).toBe(403);
});

test('RS-56 scheme and host of `resource` are taken in any case, at authorize, token and renewal', async () => {
  const resource = server.mcpUrl.replace('http://localhost', 'HTTP://LocalHost');
  const form = codeForm(client, await obtainCode(server, client, 'ada', { resource }));
  const first = await token(server, { ...form, resource });
  const second = await token(server, { ...refreshForm(client, first.body.refresh_token), resource });
  for (const { status, body } of [first, second]) {
    expect(status).toBe(200);
    expect(claimsOf(body.access_token).aud).toBe(server.mcpUrl);
    expect(await statusOf(body.access_token)).toBe(200);
  }
  // The path is compared as it is written.
  const { status } = await send(authorizationUrl(server, client, { resource: `${server.origin}/MCP` }).url);
  expect(status).toBe(400);
});

test('RS-57 the canonical URI has no slash at its end, whichever was asked for', async () => {
  const { resource } = await documentAt<{ resource: string }>(server, METADATA);
  expect(resource).toBe(`${server.origin}/mcp`);
  for (const asked of [`${server.mcpUrl}/`, `${server.origin}/`, server.origin]) {
    const { body } = await token(server, {
      ...codeForm(client, await obtainCode(server, client, 'ada', { resource: asked })),
      resource: asked,
    });
    expect(claimsOf(body.access_token).aud, asked).toBe(resource);
  }
});

/** At how many places two of the texts have the same character, at the most. */
function mostInCommon(texts: readonly string[]): number {
  const inCommon = (one: string, two: string) => [...one].filter((character, i) => character === two[i]).length;
  return Math.max(...texts.flatMap((one, i) => texts.slice(i + 1).map(two => inCommon(one, two))));
}
