import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  claimsOf,
  codeForm,
  post,
  register,
  type Tokens,
  token,
} from '../support/flows.ts';

/**
 * A person has approved a client before, and their browser remembers them. Links that an attacker makes of that get no
 * more than was approved, for nobody else, and nowhere else. What is remembered, and for whom, is in remembered.test.ts.
 */
const CALLBACK = 'https://client.example/callback';
const APPROVED = { redirect_uri: CALLBACK, scope: 'notes:read' };

let server: AppServer;
let client: Client;
let browser: Browser;
let tokens: Tokens;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server, {
    client_name: 'Notes',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code'],
  });
  browser = new Browser();
  const asked = authorizationUrl(server, client, APPROVED);
  const picker = await browser.submit(await browser.open(asked.url), { button: 'decision=approve' });
  const back = await signInAs(browser, picker, 'ada', { stopAt });
  const code = new URL(back.url).searchParams.get('code') ?? '';
  tokens = (await token(server, codeForm(client, { code, verifier: asked.verifier, redirectUri: CALLBACK }))).body;
});
afterAll(() => server.stop());

const stopAt = (url: string) => url.startsWith('https://');
const isAsked = async (change: Record<string, string | undefined>, who = client) => {
  const page = await browser.open(authorizationUrl(server, who, { ...APPROVED, ...change }).url, { stopAt });
  return textOf(page.html).includes('Allow this app?');
};

test('the same request goes through without a page: what follows is about the difference', async () => {
  expect(await isAsked({})).toBe(false);
});

describe('a link that asks for more is asked about', () => {
  test.each([
    ['another scope', { scope: 'notes:write' }],
    ['a scope more', { scope: 'notes:read notes:write' }],
    ['staying signed in', { scope: 'notes:read offline_access' }],
    ['no scope, which means all', { scope: undefined }],
    ['an unknown scope, which means all', { scope: 'everything' }],
    ['a scope in another case, which is none', { scope: 'NOTES:READ' }],
  ])('%s', async (_name, change) => {
    expect(await isAsked(change)).toBe(true);
  });

  test('and whoever denies it keeps what was approved', async () => {
    const page = await browser.open(authorizationUrl(server, client, { ...APPROVED, scope: 'notes:write' }).url);
    const back = await browser.submit(page, { button: 'decision=deny', stopAt });
    expect(back.url).toContain('error=access_denied');
    expect(await isAsked({})).toBe(false);
  });
});

describe('a client that looks the same is another one', () => {
  test.each<[string, { redirect_uris?: string[]; token_endpoint_auth_method?: string }]>([
    ['with a redirect URI more', { redirect_uris: [CALLBACK, 'https://attacker.example/callback'] }],
    ['with a secret of its own', { token_endpoint_auth_method: 'client_secret_post' }],
    ['with the same name and another address', { redirect_uris: ['https://client.example/other'] }],
  ])('%s', async (_name, change) => {
    const double = await register(server, {
      client_name: 'Notes',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
      ...change,
    });
    expect(double.client_id).not.toBe(client.client_id);
    const redirect_uri = change.redirect_uris?.at(-1) ?? CALLBACK;
    expect(await isAsked({ redirect_uri }, double)).toBe(true);
  });
});

test('a token that comes of it is the person’s own, with the scopes of the page and no refresh token', async () => {
  const asked = authorizationUrl(server, client, APPROVED);
  const code = new URL((await browser.open(asked.url, { stopAt })).url).searchParams.get('code') ?? '';
  const { body } = await token(server, codeForm(client, { code, verifier: asked.verifier, redirectUri: CALLBACK }));
  expect(claimsOf(body.access_token)).toMatchObject({ scope: 'notes:read', oid: server.entra.people.ada.oid });
  expect([tokens.refresh_token, body.refresh_token]).toEqual([undefined, undefined]);
});

test('a link that is opened in another browser is asked about', async () => {
  const stranger = new Browser();
  const page = await stranger.open(authorizationUrl(server, client, APPROVED).url, { stopAt });
  expect(textOf(page.html)).toContain('Allow this app?');
});

test('once the person has ended the client it is asked about again', async () => {
  const home = await browser.open(`${server.origin}/account`);
  const ids = [...home.html.matchAll(/name="grant_id" value="([^"]+)"/g)].map(([, id = '']) => id);
  expect(ids.length).toBeGreaterThan(0);
  const csrf = /name="csrf" value="([^"]+)"/.exec(home.html)?.[1] ?? '';
  const cookie = browser.cookies.header(new URL(server.origin), false, true) ?? '';
  const headers = { cookie, 'sec-fetch-site': 'same-origin' };
  await post(server, '/account', { csrf, action: 'end-all' }, headers);
  expect(await isAsked({})).toBe(true);
});
