import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  claimsOf,
  codeForm,
  post,
  REDIRECT_URI,
  register,
  token,
} from '../support/flows.ts';
import { PUBLIC_ORIGIN, reached, startDeployed } from './deployed.ts';
import {
  APPROVE,
  type AtConsent,
  backAtWebClient,
  DENY,
  openConsent,
  openToClient,
  registerWeb,
  send,
  signInAtLanding,
  stopAtClient,
  toCallback,
  WEB,
} from './steps.ts';
import { storedRows } from './stored-rows.ts';

/** What MCP asks of an OAuth proxy with one upstream client, the confused deputy: rows PX-58 to PX-74. */

let server: AppServer;
/** The app behind https. */
let deployed: AppServer;
let client: Client;
let web: Client;
beforeAll(async () => {
  [server, deployed] = await Promise.all([startAppServer(), startDeployed()]);
  client = await register(server, { client_name: 'Notes <b>Desktop</b>' });
  web = await registerWeb(server);
});
afterAll(() => Promise.all([server.stop(), deployed.stop()]));

const atEntra = (url: string) => url.startsWith(server.entra.url);
const atCallback = (url: string) => url.startsWith(`${server.origin}/auth/callback`);
const isConsentPage = (page: Page) => page.html.includes('name="decision"');
const approve = ({ browser, page }: AtConsent, stopAt = atEntra) => browser.submit(page, { button: APPROVE, stopAt });
const stateOf = (url: string) => new URL(url).searchParams.get('state') ?? '';

/** Asks for a client in a browser, and says whether the person was asked. */
async function isAsked(
  browser: Browser,
  of: Client,
  change: Record<string, string | undefined> = {},
): Promise<boolean> {
  const page = await browser.open(authorizationUrl(server, of, { ...WEB, ...change }).url, {
    stopAt: url => atEntra(url) || stopAtClient(url),
  });
  if (!isConsentPage(page) && !atEntra(page.url)) throw new Error(`${page.url} (${page.status})`);
  return isConsentPage(page);
}

/** A whole sign-in to a web client, after which its approval can be remembered. */
async function signInToWeb(browser: Browser, of: Client, change: Record<string, string | undefined> = {}) {
  server.clock.advance(1);
  const atConsent = await openConsent(server, of, { ...WEB, ...change }, browser);
  const back = await openToClient(browser, await toCallback(server, atConsent));
  const code = { code: back.searchParams.get('code') ?? '', verifier: atConsent.verifier };
  const { status, body } = await token(server, { ...codeForm(of, code), redirect_uri: undefined });
  expect(status).toBe(200);
  return body;
}

test('PX-58 nothing is forwarded upstream before the person has approved this very client', async () => {
  const before = server.entra.requests.length;
  const atConsent = await openConsent(server, client);
  // Doors that a browser could try instead of the decision.
  const cookie = atConsent.browser.cookies.header(new URL(server.origin), false);
  const request = atConsent.page.forms[0]?.fields.find(({ name }) => name === 'request')?.value ?? '';
  const rows = await storedRows(server, 'signins');
  for (const signin of ['unknown', `490000${'A'.repeat(22)}`, request]) {
    const { status, location } = await send(`${server.origin}/auth/login?signin=${signin}`, { headers: { cookie } });
    expect([status, location]).toEqual([400, null]);
  }
  const undecided = await atConsent.browser.submit(atConsent.page, { button: APPROVE, fields: { scope: [] } });
  expect(undecided.status).toBe(400);
  const denied = await atConsent.browser.submit(atConsent.page, { button: DENY, stopAt: stopAtClient });
  expect(new URL(denied.url).searchParams.get('error')).toBe('access_denied');
  expect(server.entra.requests.length).toBe(before);
  expect(await storedRows(server, 'signins')).toEqual(rows);

  // The approval of one client is none of another's, in the same browser.
  const browser = new Browser();
  await signInToWeb(browser, web);
  const requests = server.entra.requests.length;
  expect(await isAsked(browser, await registerWeb(server, { client_name: 'Another' }))).toBe(true);
  expect(await isAsked(browser, client, { redirect_uri: REDIRECT_URI })).toBe(true);
  expect(server.entra.requests.length).toBe(requests);
});

test('PX-59 an approval is kept for its person and client, and for no more than was approved', async () => {
  const one = await registerWeb(server, {
    client_name: 'One',
    redirect_uris: [WEB.redirect_uri, 'https://app.example/2'],
  });
  const two = await registerWeb(server, { client_name: 'Two' });
  const ada = new Browser();
  const scope = 'profile notes:read';
  await signInToWeb(ada, one, { scope });
  // Kept: the same and less.
  expect(await isAsked(ada, one, { scope })).toBe(false);
  expect(await isAsked(ada, one, { scope: 'profile' })).toBe(false);
  // Not for more, another client, another redirect URI, or when the client wants the page.
  expect(await isAsked(ada, one, { scope: `${scope} notes:write` })).toBe(true);
  expect(await isAsked(ada, one)).toBe(true);
  expect(await isAsked(ada, two, { scope })).toBe(true);
  expect(await isAsked(ada, one, { scope, redirect_uri: 'https://app.example/2' })).toBe(true);
  expect(await isAsked(ada, one, { scope, prompt: 'consent' })).toBe(true);
  // Nor for another person, or for a browser in which nobody is signed in.
  const grace = new Browser();
  await signInAtLanding(server, grace, 'grace');
  expect(await isAsked(grace, one, { scope })).toBe(true);
  expect(await isAsked(new Browser(), one, { scope })).toBe(true);
  // Nor where any program of the computer could be the client.
  await signInToWeb(ada, client, { redirect_uri: REDIRECT_URI });
  expect(await isAsked(ada, client, { redirect_uri: REDIRECT_URI })).toBe(true);
});

test('PX-60 approvals are kept on the server, checked before anything goes upstream, and ended with their grant', async () => {
  const remembered = await registerWeb(server, { client_name: 'Remembered' });
  const ada = new Browser();
  const tokens = await signInToWeb(ada, remembered);
  // The browser holds no approval: its cookies name neither client nor scope, and a forged one is worth nothing.
  const cookies = ada.cookies.header(new URL(server.origin), false);
  for (const part of [remembered.client_id, 'notes', 'app.example']) expect(cookies).not.toContain(part);
  const { url } = authorizationUrl(server, remembered, WEB);
  const forged = cookies.replace(/(mcp-session[^=]*=\d+\.)[\w-]{43}/, `$1${'A'.repeat(43)}`);
  expect(forged).not.toBe(cookies);
  expect((await send(url, { headers: { cookie: cookies } })).location).toMatch(server.entra.url);
  expect(await send(url, { headers: { cookie: forged } })).toMatchObject({ status: 200, location: null });

  // Another person comes back from Entra than the one whose approval was relied on: asked before there is a code.
  const asked = authorizationUrl(server, remembered, { ...WEB, prompt: 'select_account' });
  const picker = await ada.open(asked.url);
  expect(isConsentPage(picker)).toBe(false);
  const askedAnew = await signInAs(ada, picker, 'grace', { stopAt: backAtWebClient });
  expect([isConsentPage(askedAnew), askedAnew.html.includes('code=')]).toEqual([true, false]);
  const gone = await ada.submit(askedAnew, { button: APPROVE, stopAt: backAtWebClient });
  const back = backAtWebClient(gone.url) ? gone : await signInAs(ada, gone, 'grace', { stopAt: backAtWebClient });
  const code = { code: new URL(back.url).searchParams.get('code') ?? '', verifier: asked.verifier };
  const { body } = await token(server, { ...codeForm(remembered, code), redirect_uri: undefined });
  expect(claimsOf(body.access_token).oid).toBe(server.entra.people.grace.oid);

  // Ended with the grant that came of it.
  const again = new Browser();
  await signInAtLanding(server, again);
  expect(await isAsked(again, remembered)).toBe(false);
  await post(server, '/oauth/revoke', { client_id: remembered.client_id, token: tokens.refresh_token });
  expect(await isAsked(again, remembered)).toBe(true);
});

test('PX-61 the page names the client, in its own words and marked as such', async () => {
  const { html } = (await openConsent(server, client)).page;
  expect(html).not.toContain('<b>Desktop</b>');
  expect(textOf(html)).toContain('“ Notes &lt;b&gt;Desktop&lt;/b&gt; ”');
  expect(textOf(html)).toContain('calls itself');
  expect(textOf(html)).toContain(client.client_id);
});

test('PX-62 the page names every scope that is asked, in plain words, and no other', async () => {
  const words: Record<string, string> = {
    profile: 'See your name, e-mail address and work profile',
    'notes:read': 'Read the notes that you saved here',
    'notes:write': 'Save and delete notes for you, and read them',
  };
  const names = Object.keys(words);
  for (const asked of [names, ['profile'], ['notes:read', 'profile']]) {
    const { page } = await openConsent(server, client, { scope: asked.join(' ') });
    const text = textOf(page.html);
    for (const name of names)
      expect(text.includes(words[name] ?? ''), `${name} of ${asked}`).toBe(asked.includes(name));
    const ticked = page.forms[0]?.fields.filter(({ name }) => name === 'scope').map(({ value }) => value) ?? [];
    expect(ticked.filter(value => value !== 'offline_access').sort()).toEqual([...asked].sort());
  }
});

test('PX-63 the page shows the whole redirect URI, as it was asked for', async () => {
  const redirect_uri = 'http://localhost:50999/callback';
  expect(textOf((await openConsent(server, client, { redirect_uri })).page.html)).toContain(redirect_uri);
  expect(textOf((await openConsent(server, web, WEB)).page.html)).toContain(WEB.redirect_uri);
});

test('PX-64 a decision counts only from our own page in the browser that was asked', async () => {
  const atConsent = await openConsent(server, client);
  const { browser, page } = atConsent;
  const cookie = browser.cookies.header(new URL(server.origin), false);
  const request = page.forms[0]?.fields.find(({ name }) => name === 'request')?.value ?? '';
  const body = new URLSearchParams({ decision: 'approve', scope: 'profile', request });
  const decide = (headers: Record<string, string>, form = body) =>
    send(`${server.origin}/oauth/consent`, { method: 'POST', headers, body: form });
  const own = { cookie, 'sec-fetch-site': 'same-origin', origin: server.origin };
  const another = (await openConsent(server, client)).page.forms[0]?.fields.find(
    ({ name }) => name === 'request',
  )?.value;
  const stranger = new Browser();
  await openConsent(server, client, {}, stranger);

  const before = await storedRows(server, 'signins');
  const refused = await Promise.all([
    decide({ ...own, 'sec-fetch-site': 'cross-site' }),
    decide({ ...own, 'sec-fetch-site': 'same-site' }),
    decide({ ...own, 'sec-fetch-site': 'none' }),
    decide({ ...own, origin: 'https://evil.example' }),
    decide({ cookie, origin: 'https://evil.example' }),
    decide({ cookie, origin: 'null' }),
    decide({ cookie }),
    decide({ ...own, cookie: '' }),
    decide({ ...own, cookie: stranger.cookies.header(new URL(server.origin), false) }),
    decide(own, new URLSearchParams({ decision: 'approve', scope: 'profile' })),
    decide(own, new URLSearchParams({ decision: 'approve', scope: 'profile', request: 'x'.repeat(200) })),
    decide(own, new URLSearchParams({ decision: 'approve', scope: 'profile', request: another ?? '' })),
    send(`${server.origin}/oauth/consent?${body}`, { method: 'POST', headers: own }),
  ]);
  for (const [i, { status, location }] of refused.entries()) {
    expect([i, status >= 400 && status < 500, location]).toEqual([i, true, null]);
  }
  expect(await storedRows(server, 'signins')).toEqual(before);
  // What was refused differs from this by what is changed in it alone.
  expect((await decide(own)).location).toMatch(server.entra.url);
});

test('PX-65 no page of ours can be framed', async () => {
  const browser = new Browser();
  const pages = [
    (await openConsent(server, client)).page,
    await browser.open(`${server.origin}/`),
    await signInAtLanding(server, browser),
    await browser.open(`${server.origin}/oauth/authorize`),
    await browser.open(`${server.origin}/auth/callback`),
    await browser.open(`${server.origin}/auth/login?signin=unknown`),
    await browser.open(`${server.origin}/auth/callback?state=unknown&error=access_denied`),
  ];
  for (const { url, headers } of pages) {
    expect(headers.get('content-security-policy'), url).toMatch(/(^|; )frame-ancestors 'none'(;|$)/);
    expect(headers.get('x-frame-options'), url).toBe('DENY');
  }
});

/** Every cookie that the deployed app sets in a sign-in of a person, one of a client, and a sign-out. */
async function everyCookie(): Promise<string[]> {
  const cookies: string[] = [];
  const jar = new Map<string, string>();
  const go = async (url: string, init: RequestInit = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await send(reached(deployed, url), {
      ...init,
      headers: { 'sec-fetch-site': 'same-origin', cookie },
    });
    for (const header of answer.headers.getSetCookie()) {
      cookies.push(header);
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      jar.set(name, value);
    }
    return answer;
  };
  const picker = async (location: string | null) => {
    const browser = new Browser();
    const stopAt = (url: string) => url.startsWith(PUBLIC_ORIGIN);
    return (await signInAs(browser, await browser.open(location ?? ''), 'ada', { stopAt })).url;
  };
  await go(await picker((await go(`${PUBLIC_ORIGIN}/auth/login`)).location));
  const of = await registerWeb(deployed);
  const asked = await go(authorizationUrl(deployed, of, { ...WEB, resource: `${PUBLIC_ORIGIN}/mcp` }).url);
  const request = /name="request" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
  const decision = new URLSearchParams({ decision: 'approve', scope: 'profile', request });
  const approved = await go(`${PUBLIC_ORIGIN}/oauth/consent`, { method: 'POST', body: decision });
  const back = await go(await picker(approved.location));
  expect(back.location).toMatch(/^https:\/\/app\.example\/callback\?code=/);
  const landing = await go(`${PUBLIC_ORIGIN}/`);
  const csrf = /name="csrf" value="([^"]+)"/.exec(landing.text)?.[1] ?? '';
  expect(
    (await go(`${PUBLIC_ORIGIN}/auth/logout`, { method: 'POST', body: new URLSearchParams({ csrf }) })).status,
  ).toBeLessThan(400);
  return cookies;
}
let cookies: Promise<string[]> | undefined;
/** Each with its attributes, in lower case. */
async function attributes(): Promise<{ name: string; value: string; rest: string[] }[]> {
  cookies ??= everyCookie();
  const all = (await cookies).map(header => {
    const [pair = '', ...rest] = header.split(/; */);
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    return { name, value, rest: rest.map(each => each.toLowerCase()) };
  });
  expect(new Set(all.map(({ name }) => name)).size).toBe(2);
  return all;
}

test('PX-66 cookies carry the prefix __Host-, with what it asks for', async () => {
  for (const { name, rest } of await attributes()) {
    expect(name).toMatch(/^__Host-/);
    expect(rest).toContain('path=/');
    expect(rest.filter(each => each.startsWith('domain'))).toEqual([]);
  }
});

test('PX-67 cookies are Secure', async () => {
  for (const { rest } of await attributes()) expect(rest).toContain('secure');
});

test('PX-68 cookies are HttpOnly and SameSite=Lax', async () => {
  for (const { rest } of await attributes()) expect(rest).toEqual(expect.arrayContaining(['httponly', 'samesite=lax']));
});

test('PX-69 cookies are signed or stand for something on the server: none that was made up counts', async () => {
  const atConsent = await openConsent(server, client);
  const binding = atConsent.browser.cookies.names().find(name => name.includes('signin')) ?? '';
  const [, value = ''] = atConsent.browser.cookies.header(new URL(server.origin), false).split('=');
  const [id = '', tag = ''] = value.split('.');
  for (const made of [
    id,
    `${id}.`,
    `${id}.${'A'.repeat(43)}`,
    `${'A'.repeat(43)}.${tag}`,
    `${id}.${id}`,
    `${value}.${tag}`,
  ]) {
    atConsent.browser.cookies.store(new URL(server.origin), [`${binding}=${made}; Path=/`]);
    expect((await atConsent.browser.submit(atConsent.page, { button: APPROVE })).status, made).toBe(403);
  }
  atConsent.browser.cookies.store(new URL(server.origin), [`${binding}=${value}; Path=/`]);
  expect((await approve(atConsent)).url).toMatch(server.entra.url);

  const person = new Browser();
  expect(textOf((await signInAtLanding(server, person)).html)).toContain('Ada Lovelace');
  const session = person.cookies.names().find(name => name.includes('session')) ?? '';
  const hour = /=(\d{6})\./.exec(person.cookies.header(new URL(server.origin), false))?.[1] ?? '';
  for (const made of [`${hour}.${'A'.repeat(43)}`, hour, server.entra.people.ada.oid]) {
    const { text } = await send(`${server.origin}/`, { headers: { cookie: `${session}=${made}` } });
    expect(text).not.toContain('Ada Lovelace');
  }
});

test('PX-70 an approval is bound to the client and the exact redirect URI that the page showed', async () => {
  const two = { client_name: 'Two ways', redirect_uris: [WEB.redirect_uri, 'https://app.example/other'] };
  const of = await registerWeb(server, two);
  const atConsent = await openConsent(server, of, WEB);
  // Added to the form, they change nothing.
  const added = {
    client_id: client.client_id,
    redirect_uri: 'https://app.example/other',
    state: 'another',
    code_challenge: 'A'.repeat(43),
  };
  const stopAt = atCallback;
  const picker = await atConsent.browser.submit(atConsent.page, { button: APPROVE, fields: added, stopAt });
  const callback = atCallback(picker.url) ? picker : await signInAs(atConsent.browser, picker, 'ada', { stopAt });
  const back = await openToClient(atConsent.browser, `${callback.url}&redirect_uri=https://app.example/other`);
  expect([back.origin + back.pathname, back.searchParams.get('state')]).toEqual([WEB.redirect_uri, atConsent.state]);

  // And the code is for that client and that redirect URI.
  const code = { code: back.searchParams.get('code') ?? '', verifier: atConsent.verifier };
  const form = { ...codeForm(of, code), redirect_uri: WEB.redirect_uri };
  for (const change of [
    { client_id: client.client_id },
    { client_id: web.client_id },
    { redirect_uri: 'https://app.example/other' },
  ]) {
    expect((await token(server, { ...form, ...change })).body.error).toBe('invalid_grant');
  }
  expect((await token(server, form)).status).toBe(200);
});

test('PX-71 the state sent upstream is random for each request, and nothing of the client’s', async () => {
  const browser = new Browser();
  const states: string[] = [];
  for (let i = 0; i < 3; i++) {
    const atConsent = await openConsent(server, client, { state: 'chosen-by-the-client' }, browser);
    const { url } = await approve(atConsent);
    expect(url).not.toContain('chosen-by-the-client');
    states.push(stateOf(url));
  }
  states.push(stateOf((await browser.open(`${server.origin}/auth/login`, { stopAt: atEntra })).url));
  // Six digits for the hour, then 128 random bits.
  for (const state of states) expect(state).toMatch(/^\d{6}[\w-]{22}$/);
  expect(new Set(states.map(state => state.slice(6, 16))).size).toBe(states.length);
});

test('PX-72 the state is stored only after consent, right before the redirect', async () => {
  const before = (await storedRows(server, 'signins')).length;
  const atConsent = await openConsent(server, client);
  await openConsent(server, web, WEB);
  expect((await storedRows(server, 'signins')).length).toBe(before);
  const { url } = await approve(atConsent);
  const rows = await storedRows(server, 'signins');
  expect(rows.length).toBe(before + 1);
  expect(rows.map(row => row.partitionKey + row.rowKey)).toContain(stateOf(url));
});

test('PX-73 the state is matched at the callback, and used once', async () => {
  const atConsent = await openConsent(server, client);
  const callback = await toCallback(server, atConsent);
  const { browser } = atConsent;
  const at = (change: Record<string, string | undefined>) => {
    const url = new URL(callback);
    for (const [name, value] of Object.entries(change)) {
      if (value === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    return browser.open(url.href, { stopAt: stopAtClient });
  };
  const redeemed = () => server.entra.requests.filter(({ endpoint }) => endpoint === 'token').length;
  const before = redeemed();
  const state = stateOf(callback);
  for (const other of [undefined, '', 'x', `${state.slice(0, -2)}AA`, `${state}A`]) {
    expect((await at({ state: other })).status).toBe(400);
  }
  expect(redeemed()).toBe(before);

  const back = await at({});
  expect(new URL(back.url).searchParams.get('code')).toBeTruthy();
  expect(redeemed()).toBe(before + 1);
  // Reloaded at once it leads to the same answer; with another code of Entra's, or later, to none.
  expect((await at({})).url).toBe(back.url);
  expect((await at({ code: 'another' })).status).toBe(400);
  expect((await at({ code: undefined, error: 'access_denied' })).status).toBe(400);
  server.clock.advance(31);
  expect((await at({})).status).toBe(400);
  expect(redeemed()).toBe(before + 1);
});

test('PX-74 the state lives ten minutes, in the browser that began', async () => {
  const [one, two] = [await openConsent(server, client), await openConsent(server, client)];
  const [first, second] = [await toCallback(server, one), await toCallback(server, two)];
  for (const stranger of [new Browser(), one.browser]) {
    const page = await stranger.open(second, { stopAt: stopAtClient });
    expect([page.status, page.html.includes('code=')]).toEqual([403, false]);
  }
  server.clock.advance(599);
  expect((await openToClient(two.browser, second)).searchParams.get('code')).toBeTruthy();
  server.clock.advance(1);
  expect((await one.browser.open(first, { stopAt: stopAtClient })).status).toBe(400);
});
