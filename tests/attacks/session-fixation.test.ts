import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import { authorizationUrl, type Client, register } from '../support/flows.ts';

/** Cookies that an attacker has got from the server himself, and plants in the victim’s browser. */
let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
});
afterAll(() => server.stop());

const nameOf = (base: string) => `${base}-${new URL(server.origin).port}`;
const cookieOf = (browser: Browser, base: string) =>
  new RegExp(`${nameOf(base)}=([^;]+)`).exec(browser.cookies.header(new URL(server.origin), false, false) ?? '')?.[1];
const plant = (browser: Browser, base: string, value: string) =>
  browser.cookies.store(new URL(server.origin), [`${nameOf(base)}=${value}; Path=/`]);

describe('the session of a person', () => {
  test('is a new one at each sign-in, whatever the browser brought', async () => {
    const attacker = new Browser();
    await signInAs(attacker, await attacker.open(`${server.origin}/auth/login`), 'ada');
    const planted = cookieOf(attacker, 'mcp-session') ?? '';
    expect(planted).toBeTruthy();

    const victim = new Browser();
    plant(victim, 'mcp-session', planted);
    const page = await signInAs(victim, await victim.open(`${server.origin}/auth/login`), 'grace');
    expect(page.html).toContain('Grace Hopper');
    expect(cookieOf(victim, 'mcp-session')).not.toBe(planted);
    // What the attacker holds is still his own, and no more.
    expect((await attacker.open(`${server.origin}/`)).html).not.toContain('Grace Hopper');
  });

  test('ends where another begins in the same browser, on every instance, and in no other browser', async () => {
    const [browser, other] = [new Browser(), new Browser()];
    for (const each of [browser, other]) await signInAs(each, await each.open(`${server.origin}/auth/login`), 'grace');
    const copied = new Browser();
    plant(copied, 'mcp-session', cookieOf(browser, 'mcp-session') ?? '');
    expect((await copied.open(server.origin)).html).toContain('Grace Hopper');
    // At Entra they are signed in still.
    await browser.open(`${server.origin}/auth/login`);
    for (const _instance of server.apps) {
      expect((await copied.open(server.origin)).html).not.toContain('Grace Hopper');
      for (const still of [browser, other]) expect((await still.open(server.origin)).html).toContain('Grace Hopper');
    }
  });

  test('of a made-up value begins nothing', async () => {
    const browser = new Browser();
    const made = `${Math.floor(server.clock.now / 3_600_000)}.${'A'.repeat(43)}`;
    plant(browser, 'mcp-session', made);
    const page = await browser.open(`${server.origin}/`);
    expect(page.html).not.toContain('Sign out');
    await signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'grace');
    expect(cookieOf(browser, 'mcp-session')).not.toBe(made);
  });
});

describe('the binding of a browser', () => {
  test('that comes twice, one of them planted for a deeper path, is none', async () => {
    const attacker = new Browser();
    await attacker.open(authorizationUrl(server, client).url);
    const victim = new Browser();
    const consent = await victim.open(authorizationUrl(server, client).url);
    const own = cookieOf(victim, 'mcp-signin') ?? '';
    const planted = cookieOf(attacker, 'mcp-signin') ?? '';
    for (const cookie of [`${own}; ${nameOf('mcp-signin')}=${planted}`, `${planted}; ${nameOf('mcp-signin')}=${own}`]) {
      const response = await fetch(`${server.origin}/oauth/consent`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: `${nameOf('mcp-signin')}=${cookie}`, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({
          request: /name="request" value="([^"]+)"/.exec(consent.html)?.[1] ?? '',
          decision: 'approve',
          scope: 'profile',
        }),
      });
      expect(response.status).toBe(403);
    }
  });

  test('is kept where a browser has a good one, and set nowhere but where a flow begins', async () => {
    const browser = new Browser();
    const consent = await browser.open(authorizationUrl(server, client).url);
    const before = cookieOf(browser, 'mcp-signin');
    const picker = await browser.submit(consent, { button: 'decision=approve' });
    const callback = await signInAs(browser, picker, 'ada', { stopAt: url => url.includes('/auth/callback') });
    for (const path of ['/auth/login?signin=x', '/auth/callback', callback.url.slice(server.origin.length), '/']) {
      const response = await fetch(server.origin + path, { redirect: 'manual' });
      expect(response.headers.getSetCookie().filter(each => each.startsWith(nameOf('mcp-signin')))).toEqual([]);
    }
    expect(cookieOf(browser, 'mcp-signin')).toBe(before);
  });
});

describe('on https', () => {
  /** Called in this process: the cookie's own attributes are all that is looked at. */
  async function answerOf(path: string, cookie?: string) {
    const { config } = loadConfig({
      AUTH_TENANT_ID: server.entra.tenantId,
      AUTH_CLIENT_ID: server.entra.clientId,
      AUTH_AUTHORITY_HOST: server.entra.url,
      AUTH_REDIRECT_URI: 'https://mcp.example/auth/callback',
      AzureWebJobsStorage: server.storage.connectionString,
      JWT_SECRET_KEY: secret,
    });
    const log = createLogger('error', () => {});
    const app = createApp(config, { log, version: '0', now: () => server.clock.now });
    const name = path.startsWith('/oauth/authorize')
      ? 'authorize'
      : path.startsWith('/auth/login')
        ? 'login'
        : 'landing';
    const request = new Request(`https://mcp.example${path}`, cookie ? { headers: { cookie } } : {});
    return (await app.endpoint(name))(request, { correlationId: 'c0ffee', log });
  }
  const secret = newSecret();
  const query = () => {
    const url = new URL(authorizationUrl(server, client).url);
    url.searchParams.delete('resource');
    return `/oauth/authorize${url.search}`;
  };

  test.each(['authorize', 'login'])(
    'the cookie that %s sets is __Host-, which no other host and no path can plant',
    async door => {
      const response = await answerOf(door === 'authorize' ? query() : '/auth/login');
      const [cookie = '', ...others] = response.headers.getSetCookie();
      expect(others).toEqual([]);
      const [pair = '', ...attributes] = cookie.split('; ');
      expect(pair).toMatch(/^__Host-mcp-signin=[\w.-]+$/);
      expect(attributes.sort()).toEqual(['HttpOnly', 'Max-Age=3600', 'Path=/', 'SameSite=Lax', 'Secure']);
    },
  );

  test('one of the same name without the prefix is not read', async () => {
    const first = (await answerOf(query())).headers.getSetCookie()[0] ?? '';
    const value = /=([^;]+)/.exec(first)?.[1];
    const again = await answerOf(query(), `__Host-mcp-signin=${value}`);
    expect(again.headers.getSetCookie()[0]).toContain(`=${value};`);
    for (const name of ['mcp-signin', 'mcp-signin-443', '__host-mcp-signin', '__Secure-mcp-signin']) {
      const other = await answerOf(query(), `${name}=${value}`);
      expect(other.headers.getSetCookie()[0], name).not.toContain(`=${value};`);
    }
  });
});
