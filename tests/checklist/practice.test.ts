import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, type Form, type Page } from '../../dev/browser/index.ts';
import { loadConfig } from '../../src/config.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  mcp,
  obtainCode,
  post,
  REDIRECT_URI,
  refreshForm,
  register,
  token,
} from '../support/flows.ts';
import { startDeployed } from './deployed.ts';
import { callFunction, loadFunctions } from './functions.ts';
import {
  APPROVE,
  type AtConsent,
  DENY,
  documentAt,
  openConsent,
  openToClient,
  registerWeb,
  send,
  signInAtLanding,
  stopAtClient,
  toCallback,
  WEB,
  WEB_REDIRECT,
} from './steps.ts';
import { changeRow, storedRows } from './stored-rows.ts';

/** What RFC 9700, OAuth's security practice, adds: rows BP-01 to BP-14. */

let server: AppServer;
/** An instance that believes to run on Azure, behind one proxy that it trusts. */
let onAzure: AppServer;
let client: Client;
beforeAll(async () => {
  [server, onAzure] = await Promise.all([
    startAppServer({ settings: { REFRESH_IDLE_SECONDS: '864000', REFRESH_MAX_SECONDS: '1728000' } }),
    startDeployed({ WEBSITE_SITE_NAME: 'site', TRUSTED_PROXY_HOPS: '1' }),
  ]);
  client = await register(server);
});
afterAll(() => Promise.all([server.stop(), onAzure.stop()]));

const DAY = 86_400;

/** The pages that people see, of every kind. */
async function everyPage(): Promise<Page[]> {
  const browser = new Browser();
  const { origin } = server;
  const pages = [
    await browser.open(`${origin}/`),
    await browser.open(`${origin}/account`),
    (await openConsent(server, client)).page,
    (await openConsent(server, await registerWeb(server), WEB)).page,
    await browser.open(`${origin}/oauth/authorize?client_id=unknown`),
    await browser.open(`${origin}/auth/callback?state=unknown`),
    await browser.open(`${origin}/auth/login?signin=unknown`),
    await signInAtLanding(server, new Browser(), 'disabled'),
    await signInAtLanding(server, browser),
    await browser.open(`${origin}/account`),
    await browser.open(`${origin}/account?show=delete`),
  ];
  const landing = await browser.open(`${origin}/`);
  pages.push(await browser.submit(landing, { button: 'action=issue-token', fields: { scope: ['profile'] } }));
  const out = landing.forms.filter(form => form.action.endsWith('/auth/logout'));
  pages.push(await browser.submit({ ...landing, forms: out }, { fields: { csrf: 'forged' } }));
  pages.push(await browser.submit({ ...landing, forms: out }));
  for (const { url, headers } of pages) expect(headers.get('content-type'), url).toContain('text/html');
  return pages;
}

/** Sends a form as a page of ours does, pressing one of its buttons; the redirect is not followed. */
function press(browser: Browser, { action, fields }: Form, button: { name: string; value: string }) {
  const sent = [...fields, button].filter(({ name }) => name).map(({ name, value }): [string, string] => [name, value]);
  return send(action, {
    method: 'POST',
    headers: { cookie: browser.cookies.header(new URL(action), false), 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams(sent),
  });
}

test('BP-01 an error of a client that nobody here has used is a page, and prompt=none no way around it', async () => {
  const fresh = await registerWeb(server, { client_name: 'Never used' });
  const wrong: Record<string, string | undefined>[] = [
    { response_type: 'token' },
    { response_type: undefined },
    { response_mode: 'fragment' },
    { code_challenge: undefined },
    { code_challenge_method: 'plain' },
    { resource: 'https://evil.example/mcp' },
    { prompt: 'none login' },
    { prompt: 'none' },
    { prompt: 'none', scope: 'unknown' },
  ];
  const browser = new Browser();
  await signInAtLanding(server, browser);
  for (const cookie of ['', browser.cookies.header(new URL(server.origin), false)]) {
    for (const change of wrong) {
      const answer = await send(authorizationUrl(server, fresh, { ...WEB, ...change }).url, { headers: { cookie } });
      expect([change, answer.status, answer.location]).toEqual([change, 400, null]);
    }
  }

  // Approved and signed in to by somebody here: then the client is told.
  const silent = () => send(authorizationUrl(server, fresh, { ...WEB, prompt: 'none' }).url);
  const code = await obtainCode(server, fresh, 'grace', WEB);
  expect((await silent()).location).toBeNull();
  expect((await token(server, codeForm(fresh, code))).status).toBe(200);
  const told = new URL((await silent()).location ?? '');
  expect(told.origin + told.pathname).toBe(WEB_REDIRECT);
  expect(told.searchParams.get('error')).toBe('interaction_required');
});

test('BP-02 after every form post the next request is a GET: 303, or the page itself', async () => {
  const statuses: Record<string, number> = {};
  const record = async (
    name: string,
    browser: Browser,
    page: Page,
    button: string,
    fields: Record<string, string> = {},
  ) => {
    const [key, value = ''] = button.split('=', 2);
    const named = (each: { name: string; value: string }) => each.name === key && each.value === value;
    const form = page.forms.find(
      each => each.buttons.some(named) || each.fields.some(named) || each.action.endsWith(button),
    );
    if (!form) throw new Error(`No form for ${button}: ${JSON.stringify(page.forms)}`);
    const added = Object.entries(fields).map(([field, text]) => ({ name: field, value: text }));
    const pressed = form.buttons.find(named) ?? { name: '', value: '' };
    const { status } = await press(browser, { ...form, fields: [...form.fields, ...added] }, pressed);
    expect(status, name).not.toBe(307);
    statuses[name] = status;
  };
  for (const decision of [APPROVE, DENY]) {
    const { browser, page } = await openConsent(server, client);
    await record(decision, browser, page, decision);
  }
  const browser = new Browser();
  await signInAtLanding(server, browser);
  const landing = () => browser.open(`${server.origin}/`);
  const account = () => browser.open(`${server.origin}/account`);
  for (let i = 0; i < 3; i++) {
    const { tokens } = await connect(server, 'ada', {}, client);
    await callTool(server, tokens.access_token, 'save_user_note', { note: 'x' });
  }
  await record('issue a token', browser, await landing(), 'action=issue-token');
  await record('end a token', browser, await landing(), 'action=end-token');
  await record('end a grant', browser, await account(), 'action=end-grant');
  await record('delete a note', browser, await account(), 'action=delete-note');
  await record('end all', browser, await account(), 'action=end-all');
  await record('take all', browser, await account(), 'action=export');
  await record('sign out', browser, await landing(), '/auth/logout');
  const grace = new Browser();
  await signInAtLanding(server, grace, 'grace');
  const deletion = await grace.open(`${server.origin}/account?show=delete`);
  await record('delete everything', grace, deletion, 'action=delete-everything');
  expect(statuses).toEqual({
    [APPROVE]: 303,
    [DENY]: 303,
    'issue a token': 200,
    'end a token': 303,
    'end a grant': 303,
    'delete a note': 303,
    'end all': 303,
    'take all': 200,
    'sign out': 200,
    'delete everything': 200,
  });
});

test('BP-03 no CORS on what people see, in answers and in faults, and on nothing that reads a cookie', async () => {
  const functions = await loadFunctions({
    AUTH_TENANT_ID: server.entra.tenantId,
    AUTH_CLIENT_ID: server.entra.clientId,
    AUTH_CLIENT_SECRET: server.entra.clientSecret ?? '',
    AUTH_AUTHORITY_HOST: server.entra.url,
    AUTH_REDIRECT_URI: `${server.origin}/auth/callback`,
    AzureWebJobsStorage: server.storage.connectionString,
    JWT_SECRET_KEY: newSecret(),
    LOG_LEVEL: 'error',
  });
  const programs = /^(\.well-known\/.*|(\{name\}\/)?mcp|oauth\/(register|token|revoke))$/;
  const pages = functions.filter(({ route = '' }) => !programs.test(route));
  const routes = pages.map(({ route }) => route);
  for (const route of ['oauth/authorize', 'oauth/consent', 'auth/login', 'auth/callback', 'auth/logout', 'account']) {
    expect(routes).toContain(route);
  }
  const headers = { origin: 'https://client.example', 'content-type': 'application/x-www-form-urlencoded' };
  const seen = async (of: (typeof functions)[number], method: string, query: string, body?: string) => {
    const path = of.route?.startsWith('{') ? '' : of.route;
    const answer = await callFunction(of, {
      url: `${server.origin}/${path}${query}`,
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    return Object.keys(answer.headers).filter(name => name.toLowerCase().startsWith('access-control-'));
  };
  for (const page of pages) {
    expect(page.methods, page.name).not.toContain('OPTIONS');
    for (const method of page.methods ?? []) {
      const bodies = method === 'POST' ? ['a=b', '{"not":"a form"}', 'x'.repeat(70_000)] : [undefined];
      // An answer, a refusal, and a fault that the adapter answers by itself.
      for (const query of ['', '?client_id=x&client_id=y&state=1&state=2&signin=1&signin=2', '?Headers=1']) {
        for (const body of bodies) expect(await seen(page, method, query, body), `${page.name} ${query}`).toEqual([]);
      }
    }
  }
  // The others do have it, so the look is a good one.
  const metadata = functions.find(({ route }) => route === '.well-known/oauth-authorization-server');
  expect(metadata && (await seen(metadata, 'GET', ''))).toContain('access-control-allow-origin');
  for (const page of await everyPage()) expect(page.headers.get('access-control-allow-origin'), page.url).toBeNull();
});

test('BP-04 a refresh token gives no more than what was consented to, for no other resource and client', async () => {
  const other = await register(server, { client_name: 'Another' });
  const { tokens } = await connect(server, 'ada', { scope: 'notes:read' }, client);
  const { refresh_token } = tokens;
  const form = refreshForm(client, refresh_token);
  expect((await token(server, { ...form, resource: 'https://other.example/mcp' })).body.error).toBe('invalid_target');
  expect((await token(server, { ...form, client_id: other.client_id })).body.error).toBe('invalid_grant');
  // None of that has spent it.
  let current = refresh_token;
  for (const scope of ['profile notes:read notes:write', 'notes:write', undefined, 'admin']) {
    const { status, body } = await token(server, { ...refreshForm(client, current), scope });
    // To be refused is good too.
    if (status !== 200) {
      expect([status, body.error]).toEqual([400, 'invalid_scope']);
      continue;
    }
    expect([scope, body.scope, claimsOf(body.access_token).scope]).toEqual([scope, 'notes:read', 'notes:read']);
    expect(claimsOf(body.access_token).aud).toBe(server.mcpUrl);
    const write = await callTool(server, body.access_token, 'save_user_note', { note: 'x' });
    expect(write.status).toBe(403);
    current = body.refresh_token;
  }
  expect(current).not.toBe(refresh_token);
});

test('BP-06 a client_id and a sub are never equal', async () => {
  const { tid, oid } = { tid: server.entra.tenantId, oid: server.entra.people.ada.oid };
  const sub = `${tid}.${oid}`;
  // A client does not choose its id.
  const chooses = await register(server, { client_name: 'Chooses', client_id: sub });
  const secret = await register(server, { client_id: sub, token_endpoint_auth_method: 'client_secret_post' });
  const ids = [chooses.client_id, secret.client_id];
  const { tokens } = await connect(server, 'ada', {}, chooses);
  const browser = new Browser();
  const landing = await signInAtLanding(server, browser);
  const issued = await browser.submit(landing, { button: 'action=issue-token', fields: { scope: ['profile'] } });
  const script = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(issued.html)?.[0] ?? '';
  for (const claims of [claimsOf(tokens.access_token), claimsOf(script)]) {
    expect(claims.sub).toBe(sub);
    ids.push(String(claims.client_id));
  }
  for (const id of ids) expect(id).not.toMatch(/^[0-9a-f-]{36}\.[0-9a-f-]{36}$/);
  // Nor does whoever runs the server choose one like it.
  const settings = (client_id: string) => ({
    AUTH_TENANT_ID: tid,
    AUTH_CLIENT_ID: server.entra.clientId,
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    PREREGISTERED_CLIENTS: JSON.stringify([{ client_id, redirect_uris: [WEB_REDIRECT] }]),
  });
  expect(() => loadConfig(settings('our-client'))).not.toThrow();
  for (const like of [sub, sub.toUpperCase(), String(claimsOf(script).client_id), ids[0] ?? '']) {
    expect(() => loadConfig(settings(like)), like).toThrow('PREREGISTERED_CLIENTS');
  }
});

/** Headers with which a front end speaks for others, and what a sender would like them to say. */
const FORWARDED: Record<string, string> = {
  forwarded: 'for=1.2.3.4;host=evil.example;proto=https',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '444',
  'x-forwarded-prefix': '/evil',
  'x-forwarded-for': '1.2.3.4',
  x_forwarded_host: 'evil.example',
  x_forwarded_for: '1.2.3.4',
  'x-original-host': 'evil.example',
  'x-original-url': '/evil',
  'x-rewrite-url': '/evil',
  'x-real-ip': '1.2.3.4',
  'disguised-host': 'evil.example',
  'x-ms-client-principal': Buffer.from('{"userId":"ada","userRoles":["admin"]}').toString('base64'),
  'x-ms-client-principal-id': 'ada',
  'x-ms-client-principal-name': 'ada@contoso.example',
  'x-ms-token-aad-access-token': 'evil',
  x_ms_client_principal_id: 'ada',
};

test('BP-07 forwarding and identity headers have no effect, but for the one that rate limits count by', async () => {
  const paths: [string, RequestInit][] = [
    ['/.well-known/oauth-authorization-server', {}],
    ['/.well-known/oauth-protected-resource/mcp', {}],
    ['/mcp', { method: 'POST', body: '{}' }],
    ['/', {}],
    ['/account', {}],
    ['/auth/login', {}],
  ];
  // What differs from one request to the next whatever it says.
  const same = (text: string) => text.replace(/(state|nonce|code_challenge|client-request-id)=[^&]*/g, '$1');
  for (const [path, init] of paths) {
    const plain = await send(server.origin + path, init);
    const spoken = await send(server.origin + path, { ...init, headers: FORWARDED });
    expect([spoken.status, spoken.text], path).toEqual([plain.status, plain.text]);
    expect(same(spoken.location ?? ''), path).toBe(same(plain.location ?? ''));
    const names = ({ headers }: typeof plain) => headers.getSetCookie().map(cookie => cookie.replace(/=[^;]*/, ''));
    expect(names(spoken)).toEqual(names(plain));
    expect(spoken.headers.get('www-authenticate')).toBe(plain.headers.get('www-authenticate'));
  }
  const { tokens } = await connect(server, 'grace', {}, client);
  const who = await fetch(server.mcpUrl, {
    method: 'POST',
    headers: {
      ...FORWARDED,
      authorization: `Bearer ${tokens.access_token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_user_profile"}}',
  });
  expect(await who.text()).toContain(server.entra.people.grace.username);

  // Registrations are limited by the address that the trusted proxy has added, and by nothing that the sender writes.
  let name = 0;
  const registers = async (headers: Record<string, string>, many: number) => {
    const statuses = new Set<number>();
    for (let i = 0; i < many; i++) {
      const body = JSON.stringify({
        client_name: `Client ${name++}`,
        redirect_uris: [WEB_REDIRECT],
        token_endpoint_auth_method: 'none',
      });
      statuses.add((await send(`${onAzure.origin}/oauth/register`, { method: 'POST', headers, body })).status);
    }
    return [...statuses];
  };
  const fromOne = (i: number) => ({ ...FORWARDED, 'x-forwarded-for': `9.9.9.${i}, 5.6.7.8:4711` });
  for (let i = 0; i < 30; i++) expect(await registers(fromOne(i), 1)).toEqual([201]);
  // Whatever is written before the proxy's entry, and into other headers.
  for (let i = 30; i < 33; i++) expect(await registers(fromOne(i), 1)).toEqual([429]);
  expect(
    await registers({ 'x-forwarded-for': '5.6.7.8', forwarded: 'for=8.8.8.8', 'x-real-ip': '8.8.8.8' }, 1),
  ).toEqual([429]);
  // Another address is another one.
  expect(await registers({ 'x-forwarded-for': '5.6.7.8, 5.6.7.9:4711' }, 1)).toEqual([201]);
});

test('BP-08 pages hold nothing of others and send no referrer', async () => {
  for (const { url, html, headers } of await everyPage()) {
    expect(headers.get('referrer-policy'), url).toBe('no-referrer');
    // What a browser would load by itself.
    const loaded = [
      ...html.matchAll(
        /<(?:script|img|iframe|link|source|video|audio|object|embed)\b[^>]*?\s(?:src|href|data)="([^"]*)"/g,
      ),
    ];
    expect(
      loaded.map(([, from]) => from).filter(from => from !== 'data:,'),
      url,
    ).toEqual([]);
    expect(html).not.toMatch(/@import|url\((?!['"]?data:)/);
    for (const form of html.matchAll(/<form\b[^>]*\saction="([^"]*)"/g)) expect(form[1], url).toMatch(/^\/(?!\/)/);
  }
  const { browser, page } = await openConsent(server, client);
  const [form] = page.forms;
  const [button] = form?.buttons ?? [];
  const redirect = form && button && (await press(browser, form, button));
  expect(redirect?.headers.get('referrer-policy')).toBe('no-referrer');
});

test('BP-09 pages have a Content-Security-Policy besides X-Frame-Options', async () => {
  for (const { url, html, headers } of await everyPage()) {
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy, url).toMatch(/^default-src 'none';/);
    for (const part of ["frame-ancestors 'none'", "base-uri 'none'"]) expect(policy.split('; '), url).toContain(part);
    expect(policy, url).not.toMatch(/unsafe|\*|https?:/);
    // What is inline is named by its hash; there are no handlers and no styles in attributes.
    expect(html).not.toMatch(/<[^>]+\s(on\w+|style)=/);
    expect(headers.get('x-frame-options'), url).toBe('DENY');
    expect(headers.get('x-content-type-options'), url).toBe('nosniff');
    expect(headers.get('cache-control'), url).toContain('no-store');
  }
});

test('BP-10 towards Entra: PKCE, state and nonce of this very sign-in, and each tenant its own issuer', async () => {
  const { entra } = server;
  const sent: URL[] = [];
  for (let i = 0; i < 2; i++) {
    const { browser, page } = await openConsent(server, client);
    const stopAt = (url: string) => url.startsWith(entra.url);
    sent.push(new URL((await browser.submit(page, { button: APPROVE, stopAt })).url));
  }
  for (const name of ['state', 'nonce', 'code_challenge']) {
    const values = sent.map(url => url.searchParams.get(name) ?? '');
    expect(new Set(values).size, name).toBe(2);
    for (const value of values) expect(value.length, name).toBeGreaterThanOrEqual(22);
  }
  for (const { pathname, searchParams } of sent) {
    expect(searchParams.get('code_challenge_method')).toBe('S256');
    expect(searchParams.get('response_type')).toBe('code');
    expect(searchParams.has('resource')).toBe(false);
    expect(pathname).toContain(entra.tenantId);
  }

  // Entra's code is of no use without the verifier, which never left the server.
  const one = await openConsent(server, client);
  const callback = await toCallback(server, one);
  const stolen = await send(`${entra.url}/${entra.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: entra.clientId,
      client_secret: entra.clientSecret ?? '',
      code: new URL(callback).searchParams.get('code') ?? '',
      redirect_uri: `${server.origin}/auth/callback`,
    }),
  });
  expect([stolen.status, stolen.text]).toEqual([400, expect.stringContaining('invalid_grant')]);

  // One sign-in's code does not fit another one's state: the verifier and the nonce are that one's.
  const [first, second] = [await openConsent(server, client), await openConsent(server, client)];
  const [mine, theirs] = [new URL(await toCallback(server, first)), new URL(await toCallback(server, second))];
  mine.searchParams.set('code', theirs.searchParams.get('code') ?? '');
  const injected = await first.browser.open(mine.href, { stopAt: stopAtClient });
  expect(injected.url).not.toContain('code=ac.');

  // What another issuer, audience, tenant or transaction has said counts for nothing.
  const foreign = 'c0a8e4d2-96b7-4f13-8d5a-1b7e60f39a24';
  for (const change of [
    { iss: `${entra.url}/${foreign}/v2.0` },
    { iss: 'https://login.microsoftonline.com/common/v2.0' },
    { aud: 'another' },
    { nonce: 'another' },
    { nonce: undefined },
    { exp: 1 },
  ]) {
    await entra.spoilIdTokens({ claims: claims => ({ ...claims, ...change }) });
    const spoiled = await openConsent(server, client);
    const back = await openToClient(spoiled.browser, await toCallback(server, spoiled));
    expect([JSON.stringify(change), back.searchParams.get('code')]).toEqual([JSON.stringify(change), null]);
    expect(back.searchParams.get('error')).toBeTruthy();
  }
  // Of another tenant is a person whom this server does not let in: they read why, and no client is told.
  await entra.spoilIdTokens({ claims: claims => ({ ...claims, tid: foreign }) });
  const stranger = await openConsent(server, client);
  const page = await stranger.browser.open(await toCallback(server, stranger), { stopAt: stopAtClient });
  expect([page.status, stopAtClient(page.url)]).toEqual([403, false]);
  await entra.spoilIdTokens({ forged: true });
  const forged = await openConsent(server, client);
  expect((await openToClient(forged.browser, await toCallback(server, forged))).searchParams.get('code')).toBeNull();
  await entra.spoilIdTokens(undefined);

  // Where people of many tenants may enter, each tenant speaks for its own alone.
  const many = await startAppServer({ audience: 'organizations', settings: { AUTH_ALLOWED_TENANTS: '*' } });
  const enters = async (who: 'ada' | 'foreigner') => {
    const page = await signInAtLanding(many, new Browser(), who);
    return page.url === `${many.origin}/` && page.html.includes(many.entra.people[who].name);
  };
  expect([await enters('ada'), await enters('foreigner')]).toEqual([true, true]);
  await many.entra.spoilIdTokens({ claims: claims => ({ ...claims, tid: entra.tenantId }) });
  expect([await enters('ada'), await enters('foreigner')]).toEqual([true, false]);
  await many.stop();
});

test('BP-11 a challenge whose code was redeemed does not come again while a code lives', async () => {
  const first = await openConsent(server, client);
  const code_challenge = new URL(first.url).searchParams.get('code_challenge') ?? '';
  const back = await openToClient(first.browser, await toCallback(server, first));
  const code = { code: back.searchParams.get('code') ?? '', verifier: first.verifier };
  expect((await token(server, codeForm(client, code))).status).toBe(200);

  /** Whether a sign-in with that challenge ends in tokens, wherever it is refused. */
  const again = async (): Promise<boolean> => {
    const page = await new Browser().open(authorizationUrl(server, client, { code_challenge }).url);
    if (page.status !== 200) return false;
    const next = await obtainCode(server, client, 'ada', { code_challenge });
    return (await token(server, codeForm(client, { code: next.code, verifier: first.verifier }))).status === 200;
  };
  expect(await again()).toBe(false);
  server.clock.advance(61);
  expect(await again()).toBe(true);
});

test('BP-12 no token, code, verifier, secret or note is in the log, and storage holds hashes and sealed values', async () => {
  const secrets: Record<string, string> = {};
  const confidential = await register(server, {
    client_name: 'Confidential',
    token_endpoint_auth_method: 'client_secret_post',
  });
  secrets['client secret'] = confidential.client_secret ?? '';
  const browser = new Browser();
  const atConsent: AtConsent = await openConsent(server, confidential, {}, browser);
  secrets['sealed request'] = atConsent.page.forms[0]?.fields.find(({ name }) => name === 'request')?.value ?? '';
  secrets['code verifier'] = atConsent.verifier;
  const callback = new URL(await toCallback(server, atConsent));
  secrets['code of Entra’s'] = callback.searchParams.get('code') ?? '';
  const back = await openToClient(browser, callback.href);
  secrets.code = back.searchParams.get('code') ?? '';
  const { client_secret } = confidential;
  const form = { ...codeForm(confidential, { code: secrets.code, verifier: atConsent.verifier }), client_secret };
  const first = (await token(server, form)).body;
  const second = (await token(server, { ...refreshForm(confidential, first.refresh_token), client_secret })).body;
  Object.assign(secrets, {
    'access token': first.access_token,
    'refresh token': first.refresh_token,
    'second access token': second.access_token,
    'second refresh token': second.refresh_token,
  });
  // Used, refused, replayed, revoked; at pages, at /mcp and by scripts.
  const note = 'A note that is nobody else’s business';
  await callTool(server, second.access_token, 'save_user_note', { note });
  await callTool(server, second.access_token, 'get_user_notes');
  await mcp(server, `${second.access_token}x`, 'tools/list', {});
  await token(server, { ...form, code_verifier: 'w'.repeat(43) });
  await token(server, { ...form, client_secret: 'wrong' });
  await token(server, refreshForm(client, second.refresh_token));
  await browser.open(callback.href, { stopAt: stopAtClient });
  const landing = await signInAtLanding(server, browser, 'ada');
  const issued = await browser.submit(landing, { button: 'action=issue-token', fields: { scope: ['profile'] } });
  secrets['token for scripts'] = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(issued.html)?.[0] ?? '';
  for (const pair of browser.cookies.header(new URL(server.origin), false).split('; ')) {
    const [name = '', value = ''] = pair.split('=');
    if (name.startsWith('mcp-')) secrets[`cookie ${name}`] = value;
  }
  await post(server, '/oauth/revoke', {
    client_id: confidential.client_id,
    client_secret,
    token: second.refresh_token,
  });
  server.clock.advance(31);
  await token(server, form);
  await token(server, { ...refreshForm(confidential, first.refresh_token), client_secret });
  await callTool(server, second.access_token, 'get_user_notes');

  expect(Object.keys(secrets).length).toBe(12);
  for (const [name, value] of Object.entries(secrets)) expect(value.length, name).toBeGreaterThan(20);
  // The secret part of what has several, too.
  const parts = Object.entries(secrets).flatMap(([name, value]) => [
    [name, value] as const,
    [`${name}, its last part`, value.split('.').at(-1) ?? ''] as const,
  ]);
  const log = server.logLines.join('\n');
  expect(log).toContain('"level":"debug"');
  for (const [name, value] of parts) expect(log.includes(value), `${name} in the log`).toBe(false);
  expect(log).not.toContain(note);
  const rows = JSON.stringify(await storedRows(server));
  expect(rows).toContain(confidential.client_id);
  for (const [name, value] of parts) expect(rows.includes(value), `${name} in storage`).toBe(false);
});

test('BP-13 a verifier where there was no challenge is refused', async () => {
  // No request without a challenge leads to a code.
  const { status, location } = await send(authorizationUrl(server, client, { code_challenge: undefined }).url);
  expect([status, location]).toEqual([400, null]);
  // And if there were such a code, no verifier would fit it.
  for (const left of [undefined, '']) {
    const code = await obtainCode(server, client);
    const [row, ...others] = (await storedRows(server, 'signins')).filter(
      each => each.stage === 'completed' && String(each.request).includes(code.state),
    );
    expect([row === undefined, others]).toEqual([false, []]);
    if (!row) return;
    const request = JSON.stringify({ ...JSON.parse(String(row.request)), codeChallenge: left });
    await changeRow(server, row, { request });
    for (const code_verifier of [code.verifier, 'x'.repeat(43), undefined, '']) {
      const { status, body } = await token(server, { ...codeForm(client, code), code_verifier });
      expect([status >= 400, body.access_token]).toEqual([true, undefined]);
    }
  }
});

test('BP-14 there is no implicit grant and no password grant', async () => {
  const metadata = await documentAt<Record<string, string[]>>(server, '/.well-known/oauth-authorization-server');
  expect(metadata.response_types_supported).toEqual(['code']);
  expect(metadata.grant_types_supported).toEqual(['authorization_code', 'refresh_token']);
  for (const response_type of [
    'token',
    'id_token',
    'id_token token',
    'code token',
    'code id_token',
    'none',
    'Code',
    '',
  ]) {
    expect(await send(authorizationUrl(server, client, { response_type }).url)).toMatchObject({
      status: 400,
      location: null,
    });
  }
  for (const response_mode of ['fragment', 'form_post', 'web_message']) {
    expect((await send(authorizationUrl(server, client, { response_mode }).url)).status).toBe(400);
  }
  for (const grant_type of [
    'password',
    'client_credentials',
    'implicit',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:token-exchange',
  ]) {
    const form = {
      grant_type,
      client_id: client.client_id,
      username: 'ada@contoso.example',
      password: 'x',
      scope: 'profile',
    };
    expect(await token(server, form)).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
  }
  // Nor can a client register for them alone.
  const { status } = await send(`${server.origin}/oauth/register`, {
    method: 'POST',
    body: JSON.stringify({
      redirect_uris: [REDIRECT_URI],
      grant_types: ['password'],
      token_endpoint_auth_method: 'none',
    }),
  });
  expect(status).toBe(400);
});

test('BP-05 refresh tokens expire when nobody uses them, and in the end whoever uses them', async () => {
  const { tokens } = await connect(server, 'ada', {}, client);
  let current = tokens.refresh_token;
  const renew = async () => {
    const { status, body } = await token(server, refreshForm(client, current));
    if (status === 200) current = body.refresh_token;
    return status === 200 ? 'renewed' : body.error;
  };
  // Ten days idle, twenty in all: the settings of this server.
  const idle = await connect(server, 'ada', {}, client);
  server.clock.advance(9 * DAY);
  expect(await renew()).toBe('renewed');
  server.clock.advance(1.5 * DAY);
  expect((await token(server, refreshForm(client, idle.tokens.refresh_token))).body.error).toBe('invalid_grant');
  server.clock.advance(7 * DAY);
  expect(await renew()).toBe('renewed');
  server.clock.advance(3 * DAY);
  expect(await renew()).toBe('invalid_grant');
  // Unless the settings say otherwise it is thirty days and one year.
  const { config } = loadConfig({
    AUTH_TENANT_ID: server.entra.tenantId,
    AUTH_CLIENT_ID: server.entra.clientId,
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  });
  expect([config.refreshIdleSeconds, config.refreshMaxSeconds]).toEqual([30 * DAY, 365 * DAY]);
});
