import { afterEach, describe, expect, test } from 'vitest';
import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, type AppServerOptions, startAppServer } from '../../support/app-server.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  backAtClient,
  callTool,
  codeForm,
  connect,
  mcp,
  obtainCode,
  post,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
import { countTrips, type StorageProxy, startStorageProxy } from '../../support/storage-faults.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each();
});

async function start(options: AppServerOptions = {}): Promise<AppServer> {
  const server = await startAppServer(options);
  cleanUp.push(() => server.stop());
  return server;
}

async function startBehindProxy(
  settings: Record<string, string> = {},
): Promise<{ server: AppServer; proxy: StorageProxy }> {
  let proxy: StorageProxy | undefined;
  const server = await start({
    instances: 2,
    settings,
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      const { stop } = proxy;
      cleanUp.push(stop);
      return proxy.connectionString;
    },
  });
  if (!proxy) throw new Error('no proxy');
  return { server, proxy };
}

describe('storage round trips, counted where they leave the process', () => {
  test('a client’s first sign-in 8, later ones 6, a renewal 2, an authorized request 0, each tool for notes 1', async () => {
    const server = await start();
    // Once through, so that every table is there and the list of revocations is read.
    const warm = await connect(server, 'grace');
    const call = (name: string, args = {}) => callTool(server, warm.tokens.access_token, name, args);
    const saved = await call('save_user_note', { note: 'warm' });
    const id = saved.body.result?.structuredContent?.id;

    const count = async (work: () => Promise<unknown>) => (await countTrips(server.storage.accountName, work)).trips;
    let client = warm.client;
    let refreshToken = '';
    const signIn = async () => {
      refreshToken = (await connect(server, 'ada', {}, client)).tokens.refresh_token;
    };
    const trips = {
      register: await count(async () => {
        client = await register(server, { client_name: 'New' });
      }),
      registerAgain: await count(() => register(server, { client_name: 'New' })),
      // With the second the note that the client is used falls away, with the third its read.
      firstSignIn: await count(signIn),
      secondSignIn: await count(signIn),
      signIn: await count(signIn),
      renewal: await count(() => token(server, refreshForm(client, refreshToken))),
      authorized: await count(() => call('calculate_sum', { numbers: [1, 2] })),
      save: await count(() => call('save_user_note', { note: 'x' })),
      read: await count(() => mcp(server, warm.tokens.access_token, 'resources/read', { uri: `note://${id}` })),
      page: await count(() => call('get_user_notes')),
      delete: await count(() => call('delete_user_note', { id })),
    };
    const notes = { save: 1, read: 1, page: 1, delete: 1 };
    const signIns = { firstSignIn: 8, secondSignIn: 7, signIn: 6 };
    expect(trips).toEqual({ register: 2, registerAgain: 0, ...signIns, renewal: 2, authorized: 0, ...notes });
  });

  test('parallel requests share one reading of the revocations', async () => {
    const server = await start();
    const { tokens } = await connect(server);
    await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] });
    server.clock.advance(60);
    const { trips } = await countTrips(server.storage.accountName, () =>
      Promise.all(
        Array.from({ length: 20 }, () => callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })),
      ),
    );
    expect(trips).toBe(1);
  });
});

describe('the reply of a write lost on the wire', () => {
  const writes =
    (method: string, table: string) => (request: { method?: string | undefined; url?: string | undefined }) =>
      request.method === method && (request.url ?? '').includes(table);

  test.each([
    ['the sign-in’s insert at consent', 'POST', '/signins'],
    ['the claim at the callback, and of the code', 'PUT', '/signins'],
    ['the grant’s insert', 'POST', '/grants'],
  ])('%s: the sign-in goes on all the same', async (_name, method, table) => {
    const { server, proxy } = await startBehindProxy();
    const client = await register(server);
    await connect(server, 'grace', {}, client);
    proxy.loseNextReply(writes(method, table));
    const { tokens } = await connect(server, 'ada', {}, client);
    expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(200);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });

  test('the claim of the code itself: one grant, the honest answer', async () => {
    const { server, proxy } = await startBehindProxy();
    const client = await register(server);
    const { url, verifier } = authorizationUrl(server, client);
    const back = new URL(await approveAndSignIn(new Browser(), url));
    const code = back.searchParams.get('code') ?? '';
    proxy.loseNextReply(writes('PUT', '/signins'));
    const first = await token(server, codeForm(client, { code, verifier }));
    const second = await token(server, codeForm(client, { code, verifier }));
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.refresh_token).toBe(first.body.refresh_token);
  });

  test('the renewal’s transaction: the same successor, no sign-out', async () => {
    const { server, proxy } = await startBehindProxy();
    const { client, tokens } = await connect(server);
    proxy.loseNextReply(writes('POST', '$batch'));
    const renewed = await token(server, refreshForm(client, tokens.refresh_token));
    expect(renewed.status).toBe(200);
    expect((await token(server, refreshForm(client, renewed.body.refresh_token))).status).toBe(200);
  });

  test('a registration, a person’s session, a revocation', async () => {
    const { server, proxy } = await startBehindProxy();
    proxy.loseNextReply(writes('POST', '/clients'));
    const client = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
    expect(client.client_secret).toBeTruthy();
    const browser = new Browser();
    // A session and what finds it, in one transaction.
    proxy.loseNextReply(writes('POST', '$batch'));
    const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'ada');
    expect(page.html).toContain('Ada Lovelace');
    const connected = await connect(server);
    proxy.loseNextReply(writes('PUT', '/grants'));
    const revoked = await post(server, '/oauth/revoke', {
      token: connected.tokens.refresh_token,
      client_id: connected.client.client_id,
    });
    expect(revoked.status).toBe(200);
    expect((await token(server, refreshForm(connected.client, connected.tokens.refresh_token))).body.error).toBe(
      'invalid_grant',
    );
  });
});

describe('writes that storage refuses', () => {
  const refusing = (method: string, table: string, status = 503) => ({
    status,
    matches: (request: { method?: string | undefined; url?: string | undefined }) =>
      request.method === method && (request.url ?? '').includes(table),
  });

  test('a renewal whose answer is lost is no replay, even without a retry window', async () => {
    const { server, proxy } = await startBehindProxy({ REFRESH_RETRY_SECONDS: '0' });
    const { client, tokens } = await connect(server);
    proxy.loseNextReply(request => request.method === 'POST' && (request.url ?? '').includes('$batch'));
    const renewed = await token(server, refreshForm(client, tokens.refresh_token));
    expect(renewed.status).toBe(200);
    expect((await token(server, refreshForm(client, renewed.body.refresh_token))).status).toBe(200);
  });

  test('a revocation that got half-way ends the grant for good, and the next attempt completes it', async () => {
    const { server, proxy } = await startBehindProxy();
    const { client, tokens } = await connect(server);
    const revoke = () => post(server, '/oauth/revoke', { token: tokens.refresh_token, client_id: client.client_id });
    for (const half of [refusing('PUT', '/grants'), refusing('PUT', '/revocations')]) {
      proxy.refuse(half);
      expect((await revoke()).status).toBe(503);
      // Its access tokens end by the first half: the audit says so, whether or not anybody asks again.
      expect(server.logLines.some(line => line.includes('"grant ended"'))).toBe(true);
    }
    proxy.refuse(undefined);
    expect((await revoke()).status).toBe(200);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
    server.clock.advance(30);
    for (const _instance of server.apps) {
      expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(401);
    }
    server.clock.advance(7200);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
  });

  test('a code whose grant could not be stored is as good as new while it lives', async () => {
    const { server, proxy } = await startBehindProxy();
    const client = await register(server);
    const code = await obtainCode(server, client);
    await connect(server, 'grace', {}, client);
    proxy.refuse(refusing('POST', '/grants'));
    expect((await token(server, codeForm(client, code))).status).toBe(503);
    proxy.refuse(undefined);
    server.clock.advance(40);
    const { status, body } = await token(server, codeForm(client, code));
    expect(status).toBe(200);
    expect((await token(server, refreshForm(client, body.refresh_token))).status).toBe(200);
  });

  test('a code is answered only when its client is known to be used, so that no used client is ever forgotten', async () => {
    const { server, proxy } = await startBehindProxy();
    const client = await register(server);
    const code = await obtainCode(server, client);
    proxy.refuse(refusing('PATCH', '/clients'));
    expect((await token(server, codeForm(client, code))).status).toBe(503);
    proxy.refuse(undefined);
    expect((await token(server, codeForm(client, code))).status).toBe(200);
    server.clock.advance(40 * 86_400);
    expect(await server.apps[0]?.purge()).toMatchObject({ clients: 0 });
    await connect(server, 'ada', {}, client);
  });

  test('a callback whose claim could not be stored goes on with a new code of Entra’s', async () => {
    const { server, proxy } = await startBehindProxy();
    const client = await register(server);
    const browser = new Browser();
    const consent = await browser.open(authorizationUrl(server, client).url);
    const picker = await browser.submit(consent, { button: 'decision=approve' });
    const stopAt = (url: string) => url.startsWith(`${server.origin}/auth/callback`);
    const callback = await signInAs(browser, picker, 'ada', { stopAt });
    proxy.refuse(refusing('PUT', '/signins'));
    expect((await browser.open(callback.url, { stopAt: backAtClient })).status).toBe(503);
    proxy.refuse(undefined);
    const back = await browser.open(callback.url, { stopAt: backAtClient });
    expect(new URL(back.url).searchParams.get('code')).toMatch(/^ac\./);
  });

  test('a 404 of something on the way to storage says nothing about a row', async () => {
    const { server, proxy } = await startBehindProxy();
    const { client, tokens } = await connect(server);
    proxy.refuse({ matches: () => true, status: 404, type: 'text/html' });
    const answers = [
      await token(server, refreshForm(client, tokens.refresh_token)),
      await post(server, '/oauth/revoke', { token: tokens.refresh_token, client_id: client.client_id }),
      await fetch(`${server.origin}/oauth/register`, {
        method: 'POST',
        body: JSON.stringify({ redirect_uris: ['http://localhost/new'], token_endpoint_auth_method: 'none' }),
      }),
      await fetch(`${server.origin}/health/ready`),
      await fetch(authorizationUrl(server, client).url),
    ];
    expect(answers.map(answer => answer.status)).toEqual([503, 503, 503, 503, 503]);
    proxy.refuse(undefined);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });
});

// The emulator stops and starts seven times.
