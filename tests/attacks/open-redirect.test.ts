import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { authorizationUrl, type Client, register } from '../support/flows.ts';

/** Nobody is sent to an address that the client did not register, by no door and no error, nor by a link on a page. */
const WEB = 'https://client.example/callback';
const LOOPBACK = 'http://127.0.0.1/callback';
const WITH_QUERY = 'https://client.example/callback?tenant=a';
const PRIVATE = 'cursor://anysphere.cursor-mcp/oauth/callback';

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server, { redirect_uris: [WEB, LOOPBACK, WITH_QUERY, PRIVATE] });
});
afterAll(() => server.stop());

const LOOKALIKES = [
  // Another host, or one that only begins or ends like it.
  'https://evil.example/callback',
  'https://client.example.evil.example/callback',
  'https://evilclient.example/callback',
  'https://sub.client.example/callback',
  'https://client.example.:443/callback',
  'https://client.example./callback',
  'https://client。example/callback',
  'https://client%2eexample/callback',
  'https://cl\u0456ent.example/callback',
  'https://xn--clent-6ve.example/callback',
  // The host in another part of the URI.
  'https://client.example@evil.example/callback',
  'https://client.example:x@evil.example/callback',
  'https://user@client.example/callback',
  'https://evil.example/https://client.example/callback',
  'https://evil.example?https://client.example/callback',
  'https://evil.example#https://client.example/callback',
  'https://evil.example\\@client.example/callback',
  'https:\\\\client.example\\callback',
  'https:///client.example/callback',
  'https:/client.example/callback',
  'https:client.example/callback',
  '//client.example/callback',
  '/callback',
  'callback',
  // Another scheme, port or case.
  'http://client.example/callback',
  'javascript://client.example/callback%0aalert(1)',
  'data:text/html,https://client.example/callback',
  'https://client.example:444/callback',
  'https://client.example:443/callback',
  'HTTPS://client.example/callback',
  'https://CLIENT.example/callback',
  // Another path, or one that a parser makes the same.
  'https://client.example/callback/',
  'https://client.example/callback/..',
  'https://client.example/x/../callback',
  'https://client.example/x/%2e%2e/callback',
  'https://client.example/./callback',
  'https://client.example//callback',
  'https://client.example/callback%2f',
  'https://client.example/%63allback',
  'https://client.example/Callback',
  'https://client.example/',
  'https://client.example',
  'https://client.example/callback;x',
  // A query or a fragment more, or another.
  'https://client.example/callback?',
  'https://client.example/callback?x=1',
  'https://client.example/callback?tenant=b',
  'https://client.example/callback?tenant=a&x=1',
  'https://client.example/callback#',
  'https://client.example/callback#x',
  // White space and control characters, which parsers drop.
  ' https://client.example/callback',
  'https://client.example/callback ',
  'https://client.example/call\tback',
  'https://client.example/callback\r\nSet-Cookie: a=b',
  'https://client.example/callback\0',
  '\ufeffhttps://client.example/callback',
  // Loopback: only the port may differ.
  'http://127.0.0.1.nip.io/callback',
  'http://127.0.0.2/callback',
  'http://127.1/callback',
  'http://2130706433/callback',
  'http://0x7f000001/callback',
  'http://0177.0.0.1/callback',
  'http://localhost/callback',
  'http://[::1]/callback',
  'http://[::ffff:127.0.0.1]/callback',
  'http://127.0.0.1:1/other',
  'http://127.0.0.1:99999/callback',
  'http://127.0.0.1:-1/callback',
  'http://127.0.0.1:1@evil.example/callback',
  'http://127.0.0.1:80:80/callback',
  'https://127.0.0.1/callback',
  // Private-use schemes.
  'cursor://evil/oauth/callback',
  'cursor:anysphere.cursor-mcp/oauth/callback',
  'cursor://anysphere.cursor-mcp/oauth/callback?x=1',
  'vscode://anysphere.cursor-mcp/oauth/callback',
];

describe('an authorization request', () => {
  test('to an address that only looks like a registered one gets a page, which leads nowhere else', async () => {
    for (const redirectUri of LOOKALIKES) {
      for (const change of [{}, { prompt: 'none' }]) {
        const { url } = authorizationUrl(server, client, { redirect_uri: redirectUri, ...change });
        const response = await fetch(url, { redirect: 'manual' });
        expect([redirectUri, response.status, response.headers.get('location')]).toEqual([redirectUri, 400, null]);
        expect(linksOf(await response.text()), redirectUri).toEqual([]);
      }
    }
  });

  test.each([WEB, WITH_QUERY, PRIVATE, 'http://127.0.0.1:54321/callback'])('to %s is taken', async redirectUri => {
    const { url } = authorizationUrl(server, client, { redirect_uri: redirectUri });
    expect((await fetch(url)).status).toBe(200);
  });

  test('that is wrong otherwise is not sent to a client that has registered itself a moment ago', async () => {
    const evil = await register(server, { redirect_uris: ['https://evil.example/callback'] });
    for (const change of [
      { response_type: 'token' },
      { prompt: 'none' },
      { code_challenge: undefined },
      { resource: 'https://other.example' },
      { response_mode: 'form_post' },
      { request: 'e30.e30.' },
    ]) {
      const { url } = authorizationUrl(server, evil, { redirect_uri: 'https://evil.example/callback', ...change });
      const response = await fetch(url, { redirect: 'manual' });
      expect(response.headers.get('location')).toBeNull();
    }
  });
});

/** Links and refreshes of a page that lead away from this server. */
function linksOf(html: string): string[] {
  const all = [...html.matchAll(/(?:href|src|action|content)="([^"]*(?:\/\/|javascript:|data:)[^"]*)"/gi)];
  // An empty icon keeps browsers from asking for one.
  return all.map(([, link = '']) => link).filter(link => link !== 'data:,' && !link.startsWith(server.origin));
}

test.each(['redirect_uri', 'redirect', 'return_to', 'returnUrl', 'next', 'continue', 'url', 'to', 'from', 'show', 'q'])(
  'a parameter named %s leads nowhere, at any page',
  async name => {
    const browser = new Browser();
    await signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'ada');
    const cookie = browser.cookies.header(new URL(server.origin), false, false) ?? '';
    for (const path of ['/', '/account', '/auth/login', '/auth/callback', '/oauth/consent', '/oauth/authorize']) {
      for (const value of ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
        const query = new URLSearchParams({ [name]: value });
        const response = await fetch(`${server.origin}${path}?${query}`, { redirect: 'manual', headers: { cookie } });
        const location = response.headers.get('location') ?? server.entra.url;
        expect(location.startsWith(`${server.entra.url}`), `${path} leads to ${location}`).toBe(true);
        expect(location).not.toContain('evil');
        expect(linksOf(await response.text()).filter(link => /evil|alert/.test(link))).toEqual([]);
      }
    }
  },
);

test('fields that a consent form brings along do not change where it leads', async () => {
  const browser = new Browser();
  const page = await browser.open(authorizationUrl(server, client, { redirect_uri: WEB }).url);
  const stopAt = (url: string) => !url.startsWith(server.origin);
  const fields = { redirect_uri: 'https://evil.example/', state: 'x', client_id: 'x', action: 'https://evil.example' };
  const denied = await browser.submit(page, { button: 'decision=deny', fields, stopAt });
  expect(denied.url.startsWith(`${WEB}?error=access_denied`)).toBe(true);
});

test('what is added to a registered query cannot be swallowed by it', async () => {
  const browser = new Browser();
  const page = await browser.open(
    authorizationUrl(server, client, { redirect_uri: WITH_QUERY, state: '&code=x#y' }).url,
  );
  const stopAt = (url: string) => url.startsWith('https://client.example');
  const back = new URL((await browser.submit(page, { button: 'decision=deny', stopAt })).url);
  expect(Object.fromEntries(back.searchParams)).toMatchObject({
    tenant: 'a',
    error: 'access_denied',
    state: '&code=x#y',
  });
  expect([back.searchParams.get('code'), back.hash]).toEqual([null, '']);
});
