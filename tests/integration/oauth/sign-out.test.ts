import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import { type Choice, signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { callTool, connect, refreshForm, token } from '../../support/flows.ts';
import { countTrips, type StorageProxy, startStorageProxy } from '../../support/storage-faults.ts';

let server: AppServer;
let proxy: StorageProxy | undefined;
const sids: string[] = [];

beforeAll(async () => {
  server = await startAppServer({
    instances: 2,
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  await server.entra.spoilIdTokens({
    claims: claims => {
      sids.push(String(claims.sid));
      return claims;
    },
  });
});
afterAll(async () => {
  await server.stop();
  await proxy?.stop();
});

async function signIn(browser: Browser, who: Choice = 'ada'): Promise<Page> {
  return signInAs(browser, await browser.open(`${server.origin}/auth/login`), who);
}

/** Presses "Sign out" of a page's header. */
const signOut = (browser: Browser, page: Page) =>
  browser.submit({ ...page, forms: page.forms.filter(form => form.action.endsWith('/auth/logout')) });

const isSignedIn = async (browser: Browser) =>
  textOf((await browser.open(server.origin)).html).includes('Signed in as');
const issuer = () => `${server.entra.url}/${server.entra.tenantId}/v2.0`;
const tell = (query: Record<string, string>) =>
  fetch(`${server.origin}/auth/front-channel-logout?${new URLSearchParams(query)}`);

describe('signing out', () => {
  test('leaves applications connected, and the page leads out of Entra and back', async () => {
    const { client, tokens } = await connect(server, 'ada');
    const browser = new Browser();
    const page = await signOut(browser, await signIn(browser));
    expect(await isSignedIn(browser)).toBe(false);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
    const out = /href="(http[^"]*logout[^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(out.startsWith(server.entra.url)).toBe(true);
    expect((await browser.open(out)).url).toBe(`${server.origin}/`);
  });

  test('its page ends all of the person’s applications, and nobody else’s', async () => {
    const mine = [await connect(server, 'ada'), await connect(server, 'ada')];
    const other = await connect(server, 'grace');
    const browser = new Browser();
    const page = await signOut(browser, await signIn(browser));
    const done = await browser.submit(page, { button: 'action=end-all' });
    expect([done.status, textOf(done.html).includes('lost their access')]).toEqual([200, true]);
    server.clock.advance(31);
    for (const { client, tokens } of mine) {
      expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
      for (const _instance of server.apps) {
        expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(401);
      }
    }
    expect((await token(server, refreshForm(other.client, other.tokens.refresh_token))).status).toBe(200);
  });

  test('that offer holds for ten minutes, for what it was made for, and for its own page alone', async () => {
    const { client, tokens } = await connect(server, 'grace');
    const browser = new Browser();
    const page = await signOut(browser, await signIn(browser, 'grace'));
    const elsewhere = { ...page, url: 'https://evil.example/', headers: new Headers() };
    expect((await browser.submit(elsewhere, { button: 'action=end-all' })).status).toBe(403);
    for (const person of ['', 'x', server.entra.people.grace.oid, undefined]) {
      expect((await browser.submit(page, { button: 'action=end-all', fields: { person } })).status).toBe(403);
    }
    server.clock.advance(600);
    expect((await browser.submit(page, { button: 'action=end-all' })).status).toBe(403);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });

  test('an outage while they are ended is a page with 503, and the form can be sent again', async () => {
    const { client, tokens } = await connect(server, 'ada');
    const browser = new Browser();
    const page = await signOut(browser, await signIn(browser));
    proxy?.refuse({ status: 503, matches: ({ method, url }) => method === 'PUT' && (url ?? '').includes('/grants') });
    const cut = await browser.submit(page, { button: 'action=end-all' });
    proxy?.refuse(undefined);
    expect([cut.status, cut.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await browser.submit(page, { button: 'action=end-all' })).status).toBe(200);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
  });
});

describe('Entra’s front-channel logout', () => {
  test('ends the sessions of its `sid` on every instance, with no cookie, and no other', async () => {
    const [first, second, other] = [new Browser(), new Browser(), new Browser()];
    await signIn(first);
    const sid = sids.at(-1) ?? '';
    await signIn(second);
    await signIn(other, 'grace');
    // Of the same Entra session an hour later, which lies in another partition.
    server.clock.advance(3600);
    await first.open(`${server.origin}/auth/login`);
    expect(sids.at(-1)).toBe(sid);
    const former = first.cookies.header(new URL(server.origin), false);
    expect((await tell({ iss: issuer(), sid })).status).toBe(200);
    for (const _instance of server.apps) {
      expect(await isSignedIn(first)).toBe(false);
      expect(await (await fetch(server.origin, { headers: { cookie: former } })).text()).not.toContain('Ada');
    }
    expect([await isSignedIn(second), await isSignedIn(other)]).toEqual([true, true]);
    await server.apps[0]?.flush();
    expect(server.logLines.filter(line => line.includes('signed out by Entra')).length).toBe(1);
  });

  test('comes without an issuer too', async () => {
    const browser = new Browser();
    await signIn(browser);
    await tell({ sid: sids.at(-1) ?? '' });
    expect(await isSignedIn(browser)).toBe(false);
  });

  test('by another issuer ends nothing, and answers alike', async () => {
    const browser = new Browser();
    await signIn(browser);
    const sid = sids.at(-1) ?? '';
    const right = await tell({ iss: issuer(), sid: 'nobody’s' });
    const like = async (response: Response) => [
      response.status,
      await response.text(),
      [...response.headers.keys()].filter(name => name !== 'date').sort(),
    ];
    const expected = await like(right);
    for (const query of [
      { iss: 'https://login.microsoftonline.com/common/v2.0', sid },
      { iss: issuer().replace(server.entra.tenantId, 'c0a8e4d2-96b7-4f13-8d5a-1b7e60f39a24'), sid },
      { iss: `${issuer()}/`, sid },
      { iss: issuer(), sid: '' },
      { iss: issuer(), sid: `${sid}' or RowKey ge '` },
      { iss: issuer(), sid: 'x'.repeat(3000) },
    ]) {
      expect(await like(await tell(query))).toEqual(expected);
    }
    expect(await isSignedIn(browser)).toBe(true);
  });

  test('may be framed by Entra and nobody else; other pages by nobody', async () => {
    const { headers } = await tell({ iss: issuer(), sid: 'x' });
    expect(headers.get('content-security-policy')).toBe(`default-src 'none'; frame-ancestors ${server.entra.url}`);
    expect(headers.get('x-frame-options')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await fetch(server.origin)).headers.get('x-frame-options')).toBe('DENY');
  });

  test('costs a query for each hour in which a session may end, and none for another issuer', async () => {
    const trips = async (query: Record<string, string>) =>
      (await countTrips(server.storage.accountName, () => tell(query))).trips;
    // Each is counted before the proxy and behind it.
    expect([await trips({ iss: issuer(), sid: 'x' }), await trips({ iss: 'x', sid: 'x' })]).toEqual([2 * 9, 0]);
  });

  test('while storage is down it says so, and the session lives', async () => {
    const browser = new Browser();
    await signIn(browser);
    const sid = sids.at(-1) ?? '';
    proxy?.refuse({ status: 503, matches: ({ url }) => (url ?? '').includes('/sessions') });
    expect((await tell({ iss: issuer(), sid })).status).toBe(503);
    proxy?.refuse(undefined);
    expect(await isSignedIn(browser)).toBe(true);
    await tell({ iss: issuer(), sid });
    expect(await isSignedIn(browser)).toBe(false);
  });
});
