import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { authorizationUrl, type Client, callTool, claimsOf, connect, register, type Tokens } from '../support/flows.ts';

/**
 * A page of another site makes the browser of a signed-in person post each form of ours, with the person's cookies:
 * nothing happens, even where the page somehow knows the form's token. And our own pages without that token do nothing.
 */
let server: AppServer;
let client: Client;
let tokens: Tokens;
let ada: Browser;
/** What Ada's pages carry: the token of their forms, a consent page's sealed request, and what the forms name. */
let csrf: string;
let sealed: string;
let noteId: string;

beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
  ({ tokens } = await connect(server, 'ada', {}, client));
  const saved = await callTool(server, tokens.access_token, 'save_user_note', { note: 'still here' });
  noteId = String(saved.body.result?.structuredContent?.id);
  ada = new Browser();
  const page = await signInAs(ada, await ada.open(`${server.origin}/auth/login?prompt=login`), 'ada');
  csrf = fieldOf(page.html, 'csrf');
  sealed = fieldOf((await ada.open(authorizationUrl(server, client).url)).html, 'request');
});
afterAll(() => server.stop());

const fieldOf = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(html)?.[1] ?? '';

/** A post with Ada’s cookies. They are SameSite=Lax, so a browser would leave them out: this is the next line of defence. */
function post(path: string, fields: [string, string][], headers: Record<string, string>) {
  const cookie = ada.cookies.header(new URL(server.origin), false, true) ?? '';
  const body = new URLSearchParams(fields);
  return fetch(server.origin + path, { method: 'POST', redirect: 'manual', headers: { cookie, ...headers }, body });
}

const FORMS: [string, string, () => [string, string][]][] = [
  [
    'approving a client',
    '/oauth/consent',
    () => [
      ['request', sealed],
      ['decision', 'approve'],
      ['scope', 'profile'],
    ],
  ],
  [
    'denying a client',
    '/oauth/consent',
    () => [
      ['request', sealed],
      ['decision', 'deny'],
    ],
  ],
  [
    'issuing a token',
    '/',
    () => [
      ['csrf', csrf],
      ['action', 'issue-token'],
      ['scope', 'notes:write'],
    ],
  ],
  [
    'ending a token',
    '/',
    () => [
      ['csrf', csrf],
      ['action', 'end-token'],
      ['grant_id', grantId()],
    ],
  ],
  ['signing out', '/auth/logout', () => [['csrf', csrf]]],
  [
    'ending a client',
    '/account',
    () => [
      ['csrf', csrf],
      ['action', 'end-grant'],
      ['grant_id', grantId()],
    ],
  ],
  [
    'ending all clients',
    '/account',
    () => [
      ['csrf', csrf],
      ['action', 'end-all'],
    ],
  ],
  [
    'deleting a note',
    '/account',
    () => [
      ['csrf', csrf],
      ['action', 'delete-note'],
      ['note_id', noteId],
    ],
  ],
  [
    'taking everything along',
    '/account',
    () => [
      ['csrf', csrf],
      ['action', 'export'],
    ],
  ],
  [
    'deleting everything',
    '/account',
    () => [
      ['csrf', csrf],
      ['action', 'delete-everything'],
    ],
  ],
];
const grantId = () => String(claimsOf(tokens.access_token).gid);

/** How a browser says where a post comes from (Fetch standard; Fetch Metadata), where that is not one of our pages. */
const ELSEWHERE: [string, Record<string, string>][] = [
  ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['another port of this host', { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' }],
  ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ['another site that hides itself', { 'sec-fetch-site': 'cross-site' }],
  ['nowhere', { 'sec-fetch-site': 'none' }],
  ['another site, to an old browser', { origin: 'https://evil.example' }],
  ['a hidden site, to an old browser', { origin: 'null' }],
  ['a browser that says nothing', {}],
  ['a site that contradicts itself', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }],
  ['this host by another name', { origin: 'http://127.0.0.1:80', 'sec-fetch-site': 'same-origin' }],
  ['a value that browsers never send', { 'sec-fetch-site': 'same-origin, cross-site' }],
];
const OWN = { 'sec-fetch-site': 'same-origin', origin: 'null' };

async function expectNothingHappened(): Promise<void> {
  expect((await ada.open(`${server.origin}/`)).html).toContain('Ada Lovelace');
  const notes = await callTool(server, tokens.access_token, 'get_user_notes');
  expect([notes.status, JSON.stringify(notes.body).includes('still here')]).toEqual([200, true]);
  expect((await ada.open(`${server.origin}/account`)).html.match(/name="grant_id"/g)).toHaveLength(1);
}

describe.each(FORMS)('%s', (_name, path, fields) => {
  test('by a post that comes from elsewhere is refused', async () => {
    for (const [name, headers] of ELSEWHERE) {
      const response = await post(path, fields(), headers);
      expect([name, response.status, response.headers.get('location')]).toEqual([name, 403, null]);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    await expectNothingHappened();
  });

  test('by a form of another type, which needs no preflight, is refused', async () => {
    const cookie = ada.cookies.header(new URL(server.origin), false, true) ?? '';
    const body = new URLSearchParams(fields()).toString();
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/json', '']) {
      const headers = { cookie, ...OWN, 'content-type': type };
      const response = await fetch(server.origin + path, { method: 'POST', redirect: 'manual', headers, body });
      expect([type, response.status]).toEqual([type, 415]);
    }
    await expectNothingHappened();
  });

  test('by a GET with the same fields does nothing', async () => {
    const query = new URLSearchParams(fields());
    const page = await ada.open(`${server.origin}${path}?${query}`, { stopAt: url => url.includes('code=') });
    expect(page.url).not.toContain('code=');
    await expectNothingHappened();
  });
});

describe.each(FORMS.filter(([, path]) => path !== '/oauth/consent'))('%s, from our own page', (_name, path, fields) => {
  test('without the token of this very session is refused', async () => {
    const grace = new Browser();
    const page = await signInAs(grace, await grace.open(`${server.origin}/auth/login?prompt=login`), 'grace');
    const others = fieldOf(page.html, 'csrf');
    expect(others).not.toBe(csrf);
    const rest = fields().filter(([name]) => name !== 'csrf');
    for (const token of [others, '', 'x', csrf.slice(0, -1), `${csrf}A`, csrf.toUpperCase(), '0'.repeat(43)]) {
      expect([token, (await post(path, [...rest, ['csrf', token]], OWN)).status]).toEqual([token, 403]);
    }
    expect((await post(path, rest, OWN)).status).toBe(403);
    expect((await post(path, [...rest, ['csrf', csrf], ['csrf', others]], OWN)).status).toBe(400);
    await expectNothingHappened();
  });
});

test('no page of ours can be framed, so nobody is led to press a button there', async () => {
  const paths = ['/', '/account', '/account?show=delete', '/auth/callback', '/oauth/authorize', '/oauth/consent'];
  const links = [authorizationUrl(server, client).url, ...paths.map(path => server.origin + path)];
  for (const link of links) {
    const page = await ada.open(link);
    expect(page.headers.get('content-security-policy'), link).toContain("frame-ancestors 'none'");
  }
});

/** Last, for it is what the others must not do: the same posts from our own pages are obeyed. */
test('the same forms from our own pages are obeyed', async () => {
  const statuses: [string, number][] = [];
  const order = [
    ...FORMS.filter(([name]) => name !== 'signing out'),
    ...FORMS.filter(([name]) => name === 'signing out'),
  ];
  sealed = fieldOf((await ada.open(authorizationUrl(server, client).url)).html, 'request');
  for (const [name, path, fields] of order) statuses.push([name, (await post(path, fields(), OWN)).status]);
  expect(statuses.filter(([, status]) => status !== 200 && status !== 303)).toEqual([]);
  expect((await ada.open(`${server.origin}/`)).html).not.toContain('Ada Lovelace');
});
