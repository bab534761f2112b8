import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  post,
  REDIRECT_URI,
  refreshForm,
  register,
  token,
} from '../support/flows.ts';
import { type StorageProxy, startStorageProxy } from '../support/storage-faults.ts';

/**
 * An outage is not a sign-out: with storage down, and with Entra down, each endpoint says so and when to come again,
 * and afterwards the very same request does what it would have done.
 */
let server: AppServer;
let proxy: StorageProxy;
let client: Client;
const gateway = { client_id: 'gateway', client_secret: newSecret() };
beforeAll(async () => {
  const { client_id, client_secret } = gateway;
  const client_secret_sha256 = createHash('sha256').update(client_secret).digest('hex');
  server = await startAppServer({
    settings: { PREREGISTERED_CLIENTS: JSON.stringify([{ client_id, client_secret_sha256, introspection: true }]) },
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  client = await register(server);
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

/** A request that can be sent again as it was. */
type Ask = () => Promise<Response>;

const field = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(html)?.[1] ?? '';

/** Ada, signed in with a browser. */
async function signedIn() {
  const browser = new Browser();
  const home = await signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), 'ada');
  const cookie = browser.cookies.header(new URL(server.origin), false, true) ?? '';
  const get = (path: string) => () => fetch(server.origin + path, { redirect: 'manual', headers: { cookie } });
  const send = (path: string, fields: Record<string, string>) => () =>
    fetch(server.origin + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams(fields),
    });
  return { browser, csrf: field(home.html, 'csrf'), get, send };
}

/** Whatever each endpoint is asked, made ready while all is well. */
async function prepare(): Promise<Record<string, Ask>> {
  const { browser, csrf, get, send } = await signedIn();

  const consent = async () => (await browser.open(authorizationUrl(server, client).url)).html;
  const [approved, denied] = [field(await consent(), 'request'), field(await consent(), 'request')];
  const begun = new URL(
    (await browser.open(`${server.origin}/auth/login`, { stopAt: url => url.startsWith(server.entra.url) })).url,
  );
  const stopAt = (url: string) => url.includes('/auth/callback');
  const back = await browser.open(authorizationUrl(server, client).url);
  const callback = new URL((await browser.submit(back, { button: 'decision=approve', stopAt })).url);

  const code = await obtainCode(server, client);
  const grants = [];
  for (let i = 0; i < 4; i++) grants.push((await connect(server, 'ada', {}, client)).tokens);
  const [renewed, revoked, ended, used] = grants;
  if (!renewed || !revoked || !ended || !used) throw new Error('unreachable');
  const saved = await callTool(server, used.access_token, 'save_user_note', { note: 'kept' });
  const note = String(saved.body.result?.structuredContent?.id);
  const mcp = (name: string, args: object) => () =>
    fetch(server.mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${used.access_token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
    });
  let registrations = 0;
  const elsewhere = await signedIn();
  return {
    'GET /': get('/'),
    'GET /account': get('/account'),
    'GET /auth/login': get('/auth/login'),
    'GET /auth/login?signin=': get(`/auth/login?signin=${begun.searchParams.get('state')}`),
    'GET /auth/callback': get(callback.pathname + callback.search),
    'GET /oauth/authorize': () => fetch(authorizationUrl(server, client).url, { redirect: 'manual' }),
    'POST /oauth/consent, approved': send('/oauth/consent', {
      request: approved,
      decision: 'approve',
      scope: 'profile',
    }),
    'POST /oauth/consent, denied': send('/oauth/consent', { request: denied, decision: 'deny' }),
    'POST /oauth/token, a code': () => post(server, '/oauth/token', codeForm(client, code)),
    'POST /oauth/token, a renewal': () => post(server, '/oauth/token', refreshForm(client, renewed.refresh_token)),
    'POST /oauth/revoke': () =>
      post(server, '/oauth/revoke', { token: revoked.refresh_token, client_id: client.client_id }),
    'POST /oauth/register': () =>
      fetch(`${server.origin}/oauth/register`, {
        method: 'POST',
        body: JSON.stringify({ redirect_uris: [`${REDIRECT_URI}/${server.clock.now}/${registrations++}`] }),
      }),
    'POST /mcp, a note saved': mcp('save_user_note', { note: 'x' }),
    'POST /mcp, notes read': mcp('get_user_notes', {}),
    'POST /, a token': send('/', { csrf, action: 'issue-token', scope: 'notes:read' }),
    'POST /account, a client ended': send('/account', {
      csrf,
      action: 'end-grant',
      grant_id: String(claimsOf(ended.access_token).gid),
    }),
    'POST /account, a note deleted': send('/account', { csrf, action: 'delete-note', note_id: note }),
    'POST /account, all taken along': send('/account', { csrf, action: 'export' }),
    // From here on all that stands above is over.
    'POST /account, all ended': send('/account', { csrf, action: 'end-all' }),
    'POST /auth/logout': send('/auth/logout', { csrf }),
    'POST /account, everything deleted': elsewhere.send('/account', {
      csrf: elsewhere.csrf,
      action: 'delete-everything',
    }),
  };
}

const NEEDS_NOTHING = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/jwks.json',
];

interface Told {
  status: number;
  retryAfter: string | null;
  text: string;
}
async function tell(ask: Ask): Promise<Told> {
  const response = await ask();
  return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
}
async function askAll(asks: Record<string, Ask>): Promise<Record<string, Told>> {
  return Object.fromEntries(
    await Promise.all(Object.entries(asks).map(async ([name, ask]) => [name, await tell(ask)])),
  );
}

/** What may be said of an outage: never that a token, a code, a page or a person is not good. */
function expectOutage(name: string, { status, retryAfter, text }: Told): void {
  expect([name, status]).toEqual([name, 503]);
  expect(Number(retryAfter), name).toBeGreaterThan(0);
  expect(text, name).not.toMatch(/invalid_|access_denied|expired|not known|not registered|signed out|\bat .*:\d+:\d+/);
}

const answered = { status: expect.toBeOneOf([200, 201, 303]), retryAfter: null };

describe('storage is down', () => {
  let asks: Record<string, Ask>;
  beforeEach(async () => {
    asks = await prepare();
  });

  test.each([
    ['answers 503', { status: 503 }],
    ['answers 500', { status: 500 }],
    ['takes our key no more', { status: 403 }],
    ['asks for less', { status: 429 }],
    ['is another site', { status: 404, type: 'text/html' }],
  ])(
    'and %s: every endpoint says 503, and the same request works afterwards',
    { timeout: 60_000 },
    async (_name, fault) => {
      // What this instance has in memory it may serve: the client's registration, say.
      const inMemory = ['GET /oauth/authorize'];
      proxy.refuse({ matches: () => true, ...fault });
      const down = await askAll(asks);
      const health = await fetch(`${server.origin}/health/ready`);
      const documents = await Promise.all(NEEDS_NOTHING.map(path => fetch(server.origin + path)));
      proxy.refuse(undefined);
      for (const [name, told] of Object.entries(down)) {
        if (!(inMemory.includes(name) && told.status === 200)) expectOutage(name, told);
      }
      expect(health.status).toBe(503);
      expect(documents.map(each => each.status)).toEqual(NEEDS_NOTHING.map(() => 200));

      const up: Record<string, Told> = {};
      for (const [name, ask] of Object.entries(asks)) up[name] = await tell(ask);
      for (const [name, told] of Object.entries(up)) expect({ name, ...told }).toMatchObject({ name, ...answered });
    },
  );
});

describe('storage takes no write', () => {
  test.each([
    ['end-all', 303, / 0 ended; \d+ still have access/],
    ['delete-everything', 200, /the rest is not yet/],
  ])(
    'and %s is told as not done: a code, a token and a page are still good; it works afterwards',
    async (action, done, told) => {
      const { csrf, get, send } = await signedIn();
      const { tokens } = await connect(server, 'ada', {}, client);
      const code = await obtainCode(server, client);
      const ask = send('/account', { csrf, action });
      proxy.refuse({ matches: ({ method }) => method !== 'GET', status: 503 });
      const down = await tell(ask);
      proxy.refuse(undefined);
      expectOutage(action, down);
      expect(down.text).toMatch(told);

      expect((await tell(get('/account'))).status).toBe(200);
      expect((await callTool(server, tokens.access_token, 'get_user_notes')).status).toBe(200);
      const renewed = await token(server, refreshForm(client, tokens.refresh_token));
      const redeemed = await token(server, codeForm(client, code));
      expect([renewed.status, redeemed.status]).toEqual([200, 200]);

      expect((await ask()).status).toBe(done);
      for (const { body } of [renewed, redeemed]) {
        expect((await token(server, refreshForm(client, body.refresh_token))).body.error).toBe('invalid_grant');
        expect((await callTool(server, body.access_token, 'get_user_notes')).status).toBe(401);
      }
    },
  );
});

test('introspection answers by the list of revocations while that is of use, then 503, and again afterwards', async () => {
  const { get } = await signedIn();
  const { tokens } = await connect(server, 'ada', {}, client);
  const ask = () => post(server, '/oauth/introspect', { token: tokens.access_token, ...gateway });
  const active = { status: 200, text: expect.stringContaining('"active":true') };
  expect(await tell(ask)).toMatchObject(active);
  proxy.refuse({ matches: () => true, status: 503 });
  server.clock.advance(40);
  expect(await tell(ask)).toMatchObject(active);
  server.clock.advance(360);
  const down = await tell(ask);
  proxy.refuse(undefined);
  expectOutage('introspect', down);
  expect(down.text).not.toContain('active');
  expect(await tell(ask)).toMatchObject(active);
  expect((await tell(get('/account'))).status).toBe(200);
  expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
});

describe('Entra is down', () => {
  test.each([
    ['answers 503', 'token', 'outage'],
    ['breaks the connection', 'token', 'reset'],
    ['answers with a page', 'token', 'garbage'],
    ['does not give its keys', 'keys', 'outage'],
    ['breaks the connection for its keys', 'keys', 'reset'],
  ] as const)(
    'and %s: coming back from it is 503 and works afterwards, all else goes on',
    async (_name, endpoint, fault) => {
      // Its keys are fetched when a token comes that none of those in memory fits: at a fresh instance.
      const fresh = await startAppServer();
      const browser = new Browser();
      const own = await register(fresh);
      const asked = authorizationUrl(fresh, own);
      const picker = await browser.submit(await browser.open(asked.url), { button: 'decision=approve' });
      const callback = await signInAs(browser, picker, 'ada', { stopAt: url => url.includes('/auth/callback') });
      const stopAt = (url: string) => url.startsWith(REDIRECT_URI);
      fresh.entra.fail(endpoint, fault);
      for (let i = 0; i < 2; i++) {
        const down = await browser.open(callback.url, { stopAt });
        // Where the code was spent and the keys did not come, Entra was asked for another one.
        expect([down.status, new URL(down.url).pathname]).toEqual([503, '/auth/callback']);
        expect(Number(down.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(down.html).not.toMatch(/expired|already used|not allowed|invalid/);
      }
      fresh.entra.fail(endpoint, undefined);
      const code = new URL((await browser.open(callback.url, { stopAt })).url).searchParams.get('code') ?? '';
      const { status } = await token(fresh, codeForm(own, { code, verifier: asked.verifier }));
      expect(status).toBe(200);
      await fresh.stop();
    },
  );

  test('nothing but coming back from it needs it', async () => {
    const asks = await prepare();
    const { 'GET /auth/callback': callback, ...others } = asks;
    for (const endpoint of ['authorize', 'token', 'keys'] as const) server.entra.fail(endpoint, 'outage');
    const refused = callback ? await tell(callback) : undefined;
    const up: Record<string, Told> = {};
    for (const [name, ask] of Object.entries(others)) up[name] = await tell(ask);
    for (const endpoint of ['authorize', 'token', 'keys'] as const) server.entra.fail(endpoint, undefined);
    expect(refused?.status).toBe(503);
    for (const [name, told] of Object.entries(up)) expect({ name, ...told }).toMatchObject({ name, ...answered });
  });
});
