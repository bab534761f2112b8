import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  backAtClient,
  type Client,
  callTool,
  codeForm,
  connect,
  obtainCode,
  post,
  REDIRECT_URI,
  refreshForm,
  register,
  token,
} from '../support/flows.ts';

/**
 * A client of two servers is made to take the answer of one for that of the other (RFC 9700 section 4.4). What a server
 * can do is to say in every answer who it is (RFC 9207), and to take nothing that another one gave.
 */
let server: AppServer;
/** The same operator's second app, with the same key by mistake. */
let sibling: AppServer;
let client: Client;
beforeAll(async () => {
  const settings = { JWT_SECRET_KEY: newSecret() };
  [server, sibling] = await Promise.all([startAppServer({ settings, instances: 2 }), startAppServer({ settings })]);
  client = await register(server);
  // The very same registration has the very same id at both.
  expect((await register(sibling)).client_id).toBe(client.client_id);
});
afterAll(() => Promise.all([server.stop(), sibling.stop()]));

describe('every answer to a client names its issuer, once, and repeats its state', () => {
  const answers: [string, (browser: Browser, url: string) => Promise<string>][] = [
    ['a code', (browser, url) => approveAndSignIn(browser, url)],
    [
      'a denial by the person',
      async (browser, url) =>
        (await browser.submit(await browser.open(url), { button: 'decision=deny', stopAt: backAtClient })).url,
    ],
    ['a cancelled sign-in', (browser, url) => approveAndSignIn(browser, url, 'cancel')],
    ['a refusal of Entra’s', (browser, url) => approveAndSignIn(browser, url, 'unassigned')],
    [
      'an error that nobody knows',
      async (browser, url) => {
        const stopAt = (at: string) => at.startsWith(server.entra.url);
        const entra = await browser.submit(await browser.open(url), { button: 'decision=approve', stopAt });
        const state = new URL(entra.url).searchParams.get('state');
        const link = `${server.origin}/auth/callback?error=x&state=${state}&iss=https://evil.example`;
        return (await browser.open(link, { stopAt: backAtClient })).url;
      },
    ],
  ];

  test.each(answers)('%s', async (_name, answer) => {
    const asked = authorizationUrl(server, client);
    const back = new URL(await answer(new Browser(), asked.url));
    expect(back.searchParams.getAll('iss')).toEqual([server.origin]);
    expect(back.searchParams.getAll('state')).toEqual([asked.state]);
    expect([...back.searchParams.keys()].filter(name => ['code', 'error'].includes(name))).toHaveLength(1);
  });

  test('and a client that checks it refuses the answer of the other server', async () => {
    const insecure = { algorithm: 'oauth2', [oauth.allowInsecureRequests]: true } as const;
    const issuer = new URL(sibling.origin);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const { back, state } = await obtainCode(server, client);
    expect(() => oauth.validateAuthResponse(as, { client_id: client.client_id }, back, state)).toThrow(/iss/);
  });
});

describe('nothing of one server is taken by another, though they have the same key and the same client', () => {
  test('a code: the other does not know it, and it stays good', async () => {
    const code = await obtainCode(server, client);
    expect((await token(sibling, codeForm(client, code))).body.error).toBe('invalid_grant');
    expect((await token(server, codeForm(client, code))).status).toBe(200);
  });

  test('an access token and a refresh token', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const refused = await callTool(sibling, tokens.access_token, 'calculate_sum', { numbers: [1] });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('issuer')]);
    expect((await token(sibling, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
    for (const each of [tokens.access_token, tokens.refresh_token]) {
      expect((await post(sibling, '/oauth/revoke', { token: each, client_id: client.client_id })).status).toBe(200);
    }
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });

  test('a session, a callback', async () => {
    const browser = new Browser();
    const picker = await browser.open(`${server.origin}/auth/login`);
    const callback = await signInAs(browser, picker, 'ada', { stopAt: url => url.includes('/auth/callback') });
    const elsewhere = callback.url.replace(server.origin, sibling.origin);
    expect((await browser.open(elsewhere)).status).toBe(403);
    await browser.open(callback.url);
    const name = (of: AppServer) => `mcp-session-${new URL(of.origin).port}`;
    const cookie = browser.cookies.header(new URL(server.origin), false, false) ?? '';
    const moved = cookie.replaceAll(name(server), name(sibling));
    expect(moved).toContain(name(sibling));
    const page = await fetch(`${sibling.origin}/`, { headers: { cookie: moved } });
    expect(await page.text()).not.toContain('Ada Lovelace');
  });
});

test('a redirect URI that two clients share leads neither to the other’s code', async () => {
  const other = await register(server, { client_name: 'Another', redirect_uris: [REDIRECT_URI] });
  const code = await obtainCode(server, client);
  expect((await token(server, codeForm(other, code))).body.error).toBe('invalid_grant');
  expect((await token(server, codeForm(client, code))).status).toBe(200);
});
