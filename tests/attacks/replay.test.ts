import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  backAtClient,
  type Client,
  callTool,
  codeForm,
  connect,
  obtainCode,
  post,
  refreshForm,
  register,
  token,
} from '../support/flows.ts';

/** Things that were good once, sent again. Codes and refresh tokens after their windows are in code.test.ts and renewal.test.ts. */
let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
});
afterAll(() => server.stop());

const atEntra = (url: string) => url.startsWith(server.entra.url);
const atCallback = (url: string) => url.startsWith(`${server.origin}/auth/callback`);
const approve = 'decision=approve';

test('a sign-in that is through: its consent page, its link to log in and its callback begin nothing more', async () => {
  const browser = new Browser();
  const asked = authorizationUrl(server, client);
  const consent = await browser.open(asked.url);
  const entra = await browser.submit(consent, { button: approve, stopAt: atEntra });
  const signin = new URL(entra.url).searchParams.get('state');
  const callback = await signInAs(browser, await browser.open(entra.url), 'ada', { stopAt: atCallback });
  const back = await browser.open(callback.url, { stopAt: backAtClient });
  const code = new URL(back.url).searchParams.get('code') ?? '';
  expect((await token(server, codeForm(client, { code, verifier: asked.verifier }))).status).toBe(200);

  const again = [
    () => browser.submit(consent, { button: approve, stopAt: backAtClient }),
    () => browser.open(`${server.origin}/auth/login?signin=${signin}`, { stopAt: backAtClient }),
    () => browser.open(entra.url, { stopAt: backAtClient }),
  ];
  for (const each of again) expect((await each()).status).toBe(400);
  // For 30 seconds the browser's own reload of the callback leads where it led, and to nothing new.
  expect((await browser.open(callback.url, { stopAt: backAtClient })).url).toBe(back.url);
  server.clock.advance(31);
  for (const each of [...again, () => browser.open(callback.url, { stopAt: backAtClient })]) {
    expect((await each()).status).toBe(400);
  }
});

describe('within the seconds in which an answer is repeated', () => {
  test('a code whose grant was revoked meanwhile gives nothing', async () => {
    const code = await obtainCode(server, client);
    const { body } = await token(server, codeForm(client, code));
    await post(server, '/oauth/revoke', { token: body.refresh_token, client_id: client.client_id });
    expect(await token(server, codeForm(client, code))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  test('a refresh token whose grant was revoked meanwhile gives nothing', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const { body } = await token(server, refreshForm(client, tokens.refresh_token));
    await post(server, '/oauth/revoke', { token: body.refresh_token, client_id: client.client_id });
    for (const each of [tokens.refresh_token, body.refresh_token]) {
      expect((await token(server, refreshForm(client, each))).body.error).toBe('invalid_grant');
    }
  });

  test('a code, once its refresh token is spent, does not bring the spent one back to life', async () => {
    const code = await obtainCode(server, client);
    const first = (await token(server, codeForm(client, code))).body;
    const second = (await token(server, refreshForm(client, first.refresh_token))).body;
    const third = (await token(server, refreshForm(client, second.refresh_token))).body;
    const again = (await token(server, codeForm(client, code))).body;
    expect((await token(server, refreshForm(client, again.refresh_token ?? first.refresh_token))).body.error).toBe(
      'invalid_grant',
    );
    expect((await token(server, refreshForm(client, third.refresh_token))).status).toBe(200);
  });
});

describe('a person’s page', () => {
  const sessionOf = async (browser: Browser) => {
    const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), 'ada');
    const cookie = browser.cookies.header(new URL(server.origin), false, true) ?? '';
    return { cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '' };
  };
  const send = (path: string, cookie: string, fields: Record<string, string>) =>
    fetch(server.origin + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams(fields),
    });

  test('the cookie of a session that was ended opens nothing, nor do its forms', async () => {
    const { cookie, csrf } = await sessionOf(new Browser());
    expect((await send('/auth/logout', cookie, { csrf })).status).toBe(200);
    for (const path of ['/', '/account']) {
      expect(await (await fetch(server.origin + path, { headers: { cookie } })).text()).not.toContain('Ada Lovelace');
    }
    expect((await send('/', cookie, { csrf, action: 'issue-token', scope: 'profile' })).status).toBe(403);
    expect((await send('/account', cookie, { csrf, action: 'delete-everything' })).status).toBe(403);
  });

  test('a form of an earlier session of the same person does nothing in the next', async () => {
    const browser = new Browser();
    const earlier = await sessionOf(browser);
    await send('/auth/logout', earlier.cookie, { csrf: earlier.csrf });
    const later = await sessionOf(new Browser());
    expect((await send('/account', later.cookie, { csrf: earlier.csrf, action: 'end-all' })).status).toBe(403);
  });

  test('all sessions of a person who had all deleted are over, and so are all tokens', async () => {
    const [one, two] = [await sessionOf(new Browser()), await sessionOf(new Browser())];
    const { tokens } = await connect(server, 'ada', {}, client);
    const page = await send('/account', one.cookie, { csrf: one.csrf, action: 'delete-everything' });
    expect(page.status).toBe(200);
    expect((await send('/account', two.cookie, { csrf: two.csrf, action: 'export' })).status).toBe(403);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
    server.clock.advance(31);
    for (const _instance of server.apps) {
      expect((await callTool(server, tokens.access_token, 'get_user_notes')).status).toBe(401);
    }
  });
});
