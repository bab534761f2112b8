import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import { type Choice, signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { callTool, claimsOf } from '../../support/flows.ts';

let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
});
afterAll(() => server.stop());

const ISSUE = 'action=issue-token';

/** Signs in as a person without a client does, and lands on the landing page. */
async function signIn(browser: Browser, who: Choice = 'ada'): Promise<Page> {
  const picker = await browser.open(`${server.origin}/auth/login?prompt=login`);
  return signInAs(browser, picker, who);
}

const tokenOf = (page: Page) => /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(page.html)?.[0] ?? '';
const sum = async (token: string) => (await callTool(server, token, 'calculate_sum', { numbers: [1] })).status;

describe('a person with a browser', () => {
  test('signs in at /auth/login, comes back by /auth/callback, and / says who it is', async () => {
    const browser = new Browser();
    expect(textOf((await browser.open(server.origin)).html)).not.toContain('Ada Lovelace');
    const page = await signIn(browser);
    expect(page.url).toBe(`${server.origin}/`);
    expect(textOf(page.html)).toContain('Ada Lovelace');
    expect(textOf((await browser.open(server.origin)).html)).toContain('Ada Lovelace');
    expect(textOf((await new Browser().open(server.origin)).html)).not.toContain('Ada Lovelace');
  });

  test('a callback that is loaded again leads to the landing page, and signs nobody else in', async () => {
    const browser = new Browser();
    const picker = await browser.open(`${server.origin}/auth/login?prompt=login`);
    const stopAt = (url: string) => url.startsWith(`${server.origin}/auth/callback`);
    const callback = await signInAs(browser, picker, 'ada', { stopAt });
    expect(textOf((await browser.open(callback.url)).html)).toContain('Ada Lovelace');
    expect(textOf((await browser.open(callback.url)).html)).toContain('Ada Lovelace');
    const other = new Browser();
    await other.open(`${server.origin}/auth/login?prompt=login`);
    expect((await other.open(callback.url)).status).toBe(403);
  });

  test.each([
    ['cancel', 'AADSTS65004', 'You cancelled'],
    ['disabled', 'AADSTS50057', 'disabled'],
    ['unassigned', 'AADSTS50105', 'not assigned'],
    ['foreigner', 'another organization', 'another organization'],
  ] as const)('%s: a page says what happened and what to do', async (who, code, words) => {
    const browser = new Browser();
    const page = await signIn(browser, who);
    expect(page.status).toBe(403);
    const text = textOf(page.html);
    expect(text).toContain(code);
    expect(text).toContain(words);
    expect(text).toMatch(/[0-9a-f]{32}/);
    // And the page leads on to another account, which Entra would not ask for by itself.
    const another = /href="(\/auth\/login[^"]*)"/.exec(page.html)?.[1] ?? '';
    const picker = await browser.open(server.origin + another);
    expect((await signInAs(browser, picker, 'ada')).url).toBe(`${server.origin}/`);
  });

  test('the session ends after eight hours', async () => {
    const browser = new Browser();
    await signIn(browser);
    server.clock.advance(8 * 3600);
    expect(textOf((await browser.open(server.origin)).html)).not.toContain('Ada Lovelace');
  });

  test('signing out is a post of the page’s own form, and then the cookie opens nothing', async () => {
    const browser = new Browser();
    const page = await signIn(browser);
    const out = page.forms.find(form => form.action.endsWith('/auth/logout'));
    expect(out?.method).toBe('POST');
    const kept = browser.cookies.header(new URL(server.origin), false);
    const signedOut = await browser.submit({ ...page, forms: out ? [out] : [] });
    expect(textOf(signedOut.html)).toContain('signed out');
    const again = await fetch(server.origin, { headers: { cookie: kept } });
    expect(await again.text()).not.toContain('Ada Lovelace');
  });

  test('a forged sign-out, from another site or without the page’s token, leaves the session alone', async () => {
    const browser = new Browser();
    const page = await signIn(browser);
    const form = page.forms.filter(each => each.action.endsWith('/auth/logout'));
    await browser.submit({ ...page, forms: form, url: 'https://evil.example/', headers: new Headers() });
    expect((await browser.submit({ ...page, forms: form }, { fields: { csrf: 'forged' } })).status).toBe(403);
    expect(textOf((await browser.open(server.origin)).html)).toContain('Ada Lovelace');
  });
});

describe('a token for scripts', () => {
  test('has the chosen scopes, lives one hour, is not to be kept, and is shown once', async () => {
    const browser = new Browser();
    const page = await browser.submit(await signIn(browser), { button: ISSUE, fields: { scope: ['notes:read'] } });
    const token = tokenOf(page);
    expect(page.headers.get('cache-control')).toContain('no-store');
    expect((await callTool(server, token, 'get_user_notes')).status).toBe(200);
    expect((await callTool(server, token, 'save_user_note', { note: 'x' })).status).toBe(403);
    const claims = claimsOf(token);
    expect(claims.exp - claims.iat).toBe(3600);
    expect(claims.sub).not.toBe(claims.client_id);
    expect(tokenOf(await browser.open(server.origin))).toBe('');
    server.clock.advance(3601);
    expect(await sum(token)).toBe(401);
  });

  test('can be ended on the page, and then stops', async () => {
    const browser = new Browser();
    const page = await browser.submit(await signIn(browser), { button: ISSUE, fields: { scope: ['profile'] } });
    const token = tokenOf(page);
    for (const _instance of server.apps) expect(await sum(token)).toBe(200);
    const landing = await browser.open(server.origin);
    const end = landing.forms.filter(
      form =>
        form.fields.some(field => field.value === 'end-token') ||
        form.buttons.some(button => button.value === 'end-token'),
    );
    expect(end.length).toBeGreaterThan(0);
    await browser.submit({ ...landing, forms: end });
    server.clock.advance(30);
    for (const _instance of server.apps) expect(await sum(token)).toBe(401);
  });

  test('nobody ends another’s', async () => {
    const [ada, grace] = [new Browser(), new Browser()];
    const token = tokenOf(await ada.submit(await signIn(ada), { button: ISSUE, fields: { scope: ['profile'] } }));
    const grant = claimsOf(token).gid as string;
    const page = await signIn(grace, 'grace');
    const issued = await grace.submit(page, { button: ISSUE, fields: { scope: ['profile'] } });
    const end = issued.forms.filter(form => JSON.stringify(form).includes('end-token'));
    await grace.submit({ ...issued, forms: end }, { fields: { grant_id: grant } });
    server.clock.advance(30);
    expect(await sum(token)).toBe(200);
  });

  test('is not given later than 15 minutes after signing in, nor without a scope', async () => {
    const browser = new Browser();
    const page = await signIn(browser);
    expect((await browser.submit(page, { button: ISSUE, fields: { scope: [] } })).status).toBe(400);
    server.clock.advance(15 * 60);
    const late = await browser.submit(page, { button: ISSUE, fields: { scope: ['profile'] } });
    expect([late.status, tokenOf(late)]).toEqual([403, '']);
    expect(textOf((await browser.open(server.origin)).html)).toMatch(/sign in again/i);
  });

  test('is not given, nor anything deleted, where a session at Entra was enough to sign in', async () => {
    const browser = new Browser();
    const page = await signIn(browser);
    const silent = await browser.open(`${server.origin}/auth/login`);
    expect([silent.url, silent.html.includes('issue-token')]).toEqual([`${server.origin}/`, false]);
    const csrf = /name="csrf" value="([^"]+)"/.exec(silent.html)?.[1] ?? '';
    const pressed = await browser.submit(page, { button: ISSUE, fields: { csrf, scope: ['profile'] } });
    expect([pressed.status, tokenOf(pressed)]).toEqual([403, '']);
    const sure = await browser.open(`${server.origin}/account?show=delete`);
    expect(sure.html).not.toContain('delete-everything');
    // Each offers what helps: Entra asks who they are.
    const offers = [silent, pressed, sure].map(({ html }) => /href="([^"]*prompt=login)"/.exec(html)?.[1] ?? '');
    for (const offer of offers) {
      const picker = await browser.open(server.origin + offer.replaceAll('&amp;', '&'));
      expect(picker.url.startsWith(server.entra.url)).toBe(true);
    }
  });

  test('is not given to a form of another site, another session, or none', async () => {
    const [browser, other] = [new Browser(), new Browser()];
    const page = await signIn(browser);
    await signIn(other, 'grace');
    const press = { button: ISSUE, fields: { scope: ['profile'] } };
    const forged = [
      await browser.submit({ ...page, url: 'https://evil.example/', headers: new Headers() }, press),
      await browser.submit(page, { ...press, fields: { scope: ['profile'], csrf: undefined } }),
      await other.submit(page, press),
      await new Browser().submit(page, press),
    ];
    for (const answer of forged) expect([answer.status, tokenOf(answer)]).toEqual([403, '']);
  });

  test('20 are as many as one person may have, also where 40 are asked for at once', async () => {
    server.clock.advance(3601);
    const browser = new Browser();
    const page = await signIn(browser, 'grace');
    const press = { button: ISSUE, fields: { scope: ['profile'] } };
    const ask = () => browser.submit(page, press);
    const given = (await Promise.all(Array.from({ length: 40 }, ask))).filter(answer => tokenOf(answer) !== '').length;
    expect(given).toBeLessThanOrEqual(20);
    for (let count = given; count < 20; count++) expect(tokenOf(await ask())).not.toBe('');
    const last = await ask();
    expect([last.status, tokenOf(last)]).toEqual([403, '']);
    expect(textOf(last.html)).toContain('End one of them first');
    expect((await browser.open(server.origin)).html.match(/value="end-token"/g)).toHaveLength(20);
  });

  test('are issued and ended 60 times a minute at each instance, and no more', async () => {
    server.clock.advance(60);
    const browser = new Browser();
    const page = await signIn(browser, 'grace');
    const ask = () => browser.submit(page, { button: ISSUE, fields: { scope: [] } });
    const statuses = (await Promise.all(Array.from({ length: 130 }, ask))).map(({ status }) => status);
    expect(statuses.filter(status => status === 429).length).toBeGreaterThanOrEqual(10);
    server.clock.advance(1);
    expect((await ask()).status).not.toBe(429);
  });

  test('a setting turns it off', async () => {
    const off = await startAppServer({ settings: { SCRIPT_TOKENS: 'off' } });
    const browser = new Browser();
    const page = await signInAs(browser, await browser.open(`${off.origin}/auth/login?prompt=login`), 'ada');
    expect(page.html).not.toContain('issue-token');
    await off.stop();
  });
});
