import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import { type Choice, signInAs } from '../../../dev/entra/sign-in.ts';
import { createLogger } from '../../../src/log.ts';
import { openConnections } from '../../../src/storage/connections.ts';
import { type Grant, openGrants } from '../../../src/storage/grants.ts';
import { openTables } from '../../../src/storage/tables.ts';
import { createWriteBehind } from '../../../src/storage/write-behind.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import {
  authorizationUrl,
  backAtClient,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
import { countTrips, type StorageProxy, startStorageProxy } from '../../support/storage-faults.ts';

let server: AppServer;
let proxy: StorageProxy | undefined;

beforeAll(async () => {
  server = await startAppServer({
    instances: 2,
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  server.entra.change('ada', { roles: ['Admin'] });
  server.entra.change('grace', { roles: ['Administrator', 'admin'] });
});
afterAll(async () => {
  await server.stop();
  await proxy?.stop();
});

const manage = (query: Record<string, string> = {}) => `${server.origin}/manage?${new URLSearchParams(query)}`;

async function open(who: Choice = 'ada', to = 'manage') {
  const browser = new Browser();
  const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?to=${to}`), who);
  return { browser, page };
}

/** Lets a second go by: every instance writes what it writes behind the scenes. */
const written = () => Promise.all(server.apps.map(app => app.flush()));

const personOf = (accessToken: string) => String(claimsOf(accessToken).sub);
const grantOf = (accessToken: string) => String(claimsOf(accessToken).gid);

/** The status of a call with a token, at every instance, once each has read the revocations again. */
async function everywhere(accessToken: string): Promise<number[]> {
  server.clock.advance(31);
  const statuses: number[] = [];
  for (const _instance of server.apps) {
    statuses.push((await callTool(server, accessToken, 'calculate_sum', { numbers: [1] })).status);
  }
  return statuses;
}

/** Presses the button of the form that has a hidden field, as `name=value`. What begins after it does so in another second. */
async function press(browser: Browser, page: Page, field: string): Promise<Page> {
  const answer = await browser.submit(page, { button: field });
  server.clock.advance(1);
  return answer;
}

describe('who sees the page', () => {
  test('an administrator, led there from signing in, with a link to it on the other pages', async () => {
    const { browser, page } = await open();
    expect([page.url, page.status]).toEqual([`${server.origin}/manage`, 200]);
    expect(textOf(page.html)).toContain('Who has connected what');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    for (const path of ['/', '/account']) {
      expect((await browser.open(server.origin + path)).html).toContain('href="/manage"');
    }
  });

  test('to everybody else it is as if it were not there, whatever they send, and costs no trip', async () => {
    const unknown = await fetch(`${server.origin}/nothing-here`);
    const expected = [unknown.status, await unknown.text()];
    const { browser, page } = await open('grace');
    // As any other word: to the landing page.
    expect([page.url, page.status]).toEqual([`${server.origin}/`, 200]);
    const cookie = browser.cookies.header(new URL(server.origin), false);
    const value = cookie.split('; ').find(each => each.startsWith('mcp-session')) ?? '';
    const { browser: admin } = await open('ada');
    const tagged = admin.cookies.header(new URL(server.origin), false);
    const tag = /mcp-session[^=]*=\d{6}\.[\w-]{43}\.([\w-]{43})/.exec(tagged)?.[1];
    expect(tag).toBeDefined();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const requests: RequestInit[] = [
      {},
      { headers: { cookie } },
      { headers: { cookie: `${value}.${'A'.repeat(43)}` } },
      // Another session's tag.
      { headers: { cookie: `${value}.${tag}` } },
      { method: 'POST', headers: { ...form, cookie }, body: 'action=block&client=x' },
      { method: 'POST', headers: { 'content-type': 'text/plain', cookie }, body: '{"Headers":{}}' },
      { method: 'POST', headers: { ...form, cookie }, body: '{"a":1}' },
      { method: 'POST', headers: form, body: 'x'.repeat(70_000) },
      { method: 'POST' },
    ];
    const { trips } = await countTrips(server.storage.accountName, async () => {
      for (const request of requests) {
        const answer = await fetch(manage(), request);
        expect([answer.status, await answer.text()]).toEqual(expected);
        expect([...answer.headers.keys()].filter(name => /cookie|csp|location/.test(name))).toEqual([]);
      }
    });
    expect(trips).toBe(0);
    for (const path of ['/', '/account']) {
      expect((await browser.open(server.origin + path)).html).not.toContain('/manage');
    }
  });

  test('nobody’s role lasts longer than the sign-in that told of it: after 15 minutes they sign in again', async () => {
    const { browser, page } = await open();
    const client = await register(server, { client_name: 'Late' });
    const view = await browser.open(manage({ client: client.client_id }));
    server.clock.advance(15 * 60);
    const late = await press(browser, view, 'action=block');
    expect([late.status, textOf(late.html).includes('Nothing was done')]).toEqual([403, true]);
    const again = await browser.open(page.url);
    expect(again.html).toContain('href="/auth/login?to=manage"');
    expect(textOf(again.html)).not.toContain('Who has connected');
    expect((await fetch(authorizationUrl(server, client).url)).status).toBe(200);
    server.entra.change('ada', { roles: [] });
    const back = await signInAs(browser, await browser.open(`${server.origin}/auth/login?to=manage`), 'ada');
    expect(back.url).toBe(`${server.origin}/`);
    expect((await browser.open(manage())).status).toBe(404);
    server.entra.change('ada', { roles: ['Admin'] });
  });

  test('a session at Entra alone leads nobody there: they are asked who they are', async () => {
    const { browser } = await open();
    server.clock.advance(15 * 60);
    // Begins a session of an administrator, silently, and shows nothing.
    expect((await browser.open(`${server.origin}/auth/login`)).url).toBe(`${server.origin}/`);
    expect(textOf((await browser.open(manage())).html)).not.toContain('Who has connected');
    const asked = await browser.open(`${server.origin}/auth/login?to=manage&prompt=select_account`);
    expect(asked.url.startsWith(server.entra.url)).toBe(true);
    expect(textOf(asked.html)).toContain('Pick an account');
    // Who takes the demand out of the address to Entra comes through there, but Entra says when they last signed in.
    const stopAt = (url: string) => url.startsWith(server.entra.url);
    const bent = new URL((await browser.open(`${server.origin}/auth/login?to=manage`, { stopAt })).url);
    expect(bent.searchParams.get('prompt')).toBe('login');
    bent.searchParams.delete('prompt');
    const back = await browser.open(bent.href);
    expect([back.url, textOf(back.html).includes('Who has connected')]).toEqual([manage().slice(0, -1), false]);
    // Who is asked, and answers, is there. Also where Entra answers with nothing but that they have.
    await server.entra.spoilIdTokens({ claims: ({ auth_time: _time, ...claims }) => claims });
    const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?to=manage`), 'ada');
    await server.entra.spoilIdTokens(undefined);
    expect(textOf(page.html)).toContain('Who has connected what');
  });

  test('no form of another site, another session or none does anything, nor does a GET', async () => {
    const client = await register(server, { client_name: 'Stays' });
    const { browser } = await open();
    const other = await open();
    const view = await browser.open(manage({ client: client.client_id }));
    const block = { button: 'action=block' };
    const answers = [
      await browser.submit({ ...view, url: 'https://evil.example/', headers: new Headers() }, block),
      await browser.submit(view, { ...block, fields: { csrf: undefined } }),
      await other.browser.submit(view, block),
      await browser.open(manage({ action: 'block', client: client.client_id })),
    ];
    // Another site's post brings no cookie at all (SameSite).
    expect(answers.map(({ status }) => status)).toEqual([404, 403, 403, 200]);
    expect((await fetch(authorizationUrl(server, client).url)).status).toBe(200);
  });
});

describe('what it shows', () => {
  test('connections by person and by client, the newest first, with names as plain text', async () => {
    const client = await register(server, { client_name: 'A <b>client</b>' });
    const first = await connect(server, 'grace', { scope: 'notes:read' }, client);
    server.clock.advance(1);
    const second = await connect(server, 'ada', {}, client);
    await written();
    const { browser } = await open();
    const byClient = await browser.open(manage({ q: client.client_id }));
    const text = textOf(byClient.html);
    expect(byClient.html).toContain('“<bdi>A &lt;b&gt;client&lt;/b&gt;</bdi>”');
    expect(text.indexOf('Ada Lovelace ada@contoso.example')).toBeGreaterThan(0);
    expect(text.indexOf('Grace Hopper grace@')).toBeGreaterThan(text.indexOf('Ada Lovelace ada@'));
    const person = personOf(first.tokens.access_token);
    for (const q of [person, server.entra.people.grace.oid.toUpperCase()]) {
      const byPerson = await browser.open(manage({ q }));
      expect(byPerson.html).toContain(grantOf(first.tokens.access_token));
      expect(byPerson.html).not.toContain(grantOf(second.tokens.access_token));
      expect(textOf(byPerson.html)).toContain('Read the notes that you saved here');
    }
    const overview = await browser.open(manage());
    expect(overview.html).toContain(`person=${encodeURIComponent(person)}`);
  });

  test('a page costs the same with 10 connections as with 300, and reads no more rows', async () => {
    const tables = openTables({ connection: { connectionString: server.storage.connectionString } });
    const log = createLogger('error', () => {});
    const writer = createWriteBehind(tables, () => {}, log);
    const [grants, connections] = [openGrants(tables), openConnections(tables, writer)];
    const person = { tid: server.entra.tenantId, oid: 'aaaaaaaa-0000-4000-8000-000000000001' };
    const clientId = 'https://many.example/client.json';
    const grant = (createdAt: number): Grant => ({
      kind: 'client',
      clientId,
      scope: 'profile',
      resource: server.mcpUrl,
      createdAt,
      signedInAt: createdAt,
      issuedAt: createdAt,
      tokensExpireAt: createdAt + 3_600_000,
      expiresAt: createdAt + 86_400_000,
      generation: 0,
      refreshHash: 'h',
    });
    const add = async (count: number, from: number) => {
      for (let i = from; i < from + count; i++) {
        const key = { person, grantId: String(i).padStart(22, '0') };
        const one = grant(server.clock.now - i * 60_000);
        await grants.insert(key, one);
        connections.add(key, one);
      }
      await writer.flush();
    };
    const { browser } = await open();
    const cost = async () => {
      const pages = [manage({ client: clientId }), manage({ person: `${person.tid}.${person.oid}` }), manage()];
      const costs = [];
      for (const url of pages) {
        const { trips, result } = await countTrips(server.storage.accountName, () => browser.open(url));
        costs.push({ trips: trips / 2, rows: result.html.split('<h3>').length - 1 });
      }
      return costs;
    };
    await add(30, 0);
    const few = await cost();
    await add(270, 30);
    const many = await cost();
    expect(many).toEqual(few);
    // The session, the query, and on the lists of clients a point read for each grant that is shown.
    expect(many.map(({ rows }) => rows)).toEqual([25, 25, 25]);
    expect(Math.max(...many.map(({ trips }) => trips))).toBeLessThanOrEqual(1 + 2 + 25 + 1);
    expect(many[1]?.trips).toBeLessThanOrEqual(3);

    // Every one is found by going on, once.
    for (const start of [manage({ client: clientId }), manage({ person: `${person.tid}.${person.oid}` })]) {
      const seen: string[] = [];
      for (let url: string | undefined = start; url; ) {
        const page: Page = await browser.open(url);
        seen.push(...[...page.html.matchAll(/name="grant_id" value="(\d{22})"/g)].map(([, id = '']) => id));
        const more = /href="([^"]*)">\s*More/.exec(page.html)?.[1]?.replaceAll('&amp;', '&');
        url = more && server.origin + more;
      }
      expect([seen.length, new Set(seen).size]).toEqual([300, 300]);
    }
  });
});

describe('what an administrator does', () => {
  test('ends one grant, of whomever', async () => {
    const client = await register(server, { client_name: 'One' });
    const [ended, kept] = [await connect(server, 'grace', {}, client), await connect(server, 'grace', {}, client)];
    await written();
    const { browser } = await open();
    const view = await browser.open(manage({ client: client.client_id }));
    const after = await press(browser, view, `grant_id=${grantOf(ended.tokens.access_token)}`);
    expect(textOf(after.html)).toContain('ended by an administrator');
    expect(await everywhere(ended.tokens.access_token)).toEqual([401, 401]);
    expect(await everywhere(kept.tokens.access_token)).toEqual([200, 200]);
    const { page } = await open('grace', 'account');
    expect(textOf(page.html)).toContain('An administrator of this server ended it.');
  });

  test('ends all of a person’s in one write: tokens, renewals, approvals, browsers; they can come again', async () => {
    const web = 'https://person.example/callback';
    const client = await register(server, { client_name: 'All', redirect_uris: [web] });
    const browser = new Browser();
    const old = await connect(server, 'grace', { redirect_uri: web }, client, browser);
    const code = await obtainCode(server, client, 'grace', { redirect_uri: web });
    const other = await connect(server, 'ada', { redirect_uri: web }, client);
    const admin = await open();
    const view = await admin.browser.open(manage({ person: personOf(old.tokens.access_token) }));
    server.clock.advance(1);
    const { trips } = await countTrips(server.storage.accountName, () =>
      press(admin.browser, view, 'action=end-person'),
    );
    // The session, the entry, and the page that follows: its session and its query.
    expect(trips / 2).toBeLessThanOrEqual(5);
    expect(await everywhere(old.tokens.access_token)).toEqual([401, 401]);
    // While the code would live.
    const late = await token(server, codeForm(client, code));
    expect([late.status, late.body.error_description]).toEqual([400, 'An administrator has ended this sign-in.']);
    expect(await everywhere(other.tokens.access_token)).toEqual([200, 200]);
    // Who signs in anew is asked anew, though the grant itself does not say yet that it has ended.
    const again = new Browser();
    await signInAs(again, await again.open(`${server.origin}/auth/login`), 'grace');
    const stopAt = (url: string) => !url.startsWith(server.origin);
    const first = await again.open(authorizationUrl(server, client, { redirect_uri: web }).url, { stopAt });
    expect([first.html.includes('decision'), new URL(first.url).pathname]).toEqual([true, '/oauth/authorize']);
    const refused = await token(server, refreshForm(client, old.tokens.refresh_token));
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
    // Neither the browser's session nor what was approved counts any more.
    expect(textOf((await browser.open(server.origin)).html)).not.toContain('Grace');
    const asked = await browser.open(authorizationUrl(server, client, { redirect_uri: web }).url);
    expect(asked.html).toContain('decision');
    const anew = await connect(server, 'grace', { redirect_uri: web }, client);
    expect(await everywhere(anew.tokens.access_token)).toEqual([200, 200]);
    expect((await token(server, refreshForm(client, anew.tokens.refresh_token))).status).toBe(200);
  });

  test('what was renewed elsewhere before that instance knew of the end is over too', async () => {
    const client = await register(server, { client_name: 'Renewing' });
    const grants = [await connect(server, 'grace', {}, client), await connect(server, 'grace', {}, client)];
    const [{ tokens }] = grants as [(typeof grants)[0], (typeof grants)[0]];
    // Both instances have just read the list.
    await everywhere(tokens.access_token);
    const { browser } = await open();
    const view = await browser.open(manage({ person: personOf(tokens.access_token) }));
    await press(browser, view, 'action=end-person');
    // One at each instance, of which one has ended all, and the other does not know.
    const renewed = [];
    for (const grant of grants) renewed.push(await token(server, refreshForm(client, grant.tokens.refresh_token)));
    expect(renewed.map(({ status }) => status).sort()).toEqual([200, 400]);
    const { body } = renewed.find(({ status }) => status === 200) ?? { body: tokens };
    expect(await everywhere(body.access_token)).toEqual([401, 401]);
    expect((await token(server, refreshForm(client, body.refresh_token))).body.error).toBe('invalid_grant');
  });

  test('ends all of a client’s, and of no other', async () => {
    const [client, other] = [
      await register(server, { client_name: 'X' }),
      await register(server, { client_name: 'Y' }),
    ];
    const mine = [await connect(server, 'ada', {}, client), await connect(server, 'grace', {}, client)];
    const kept = await connect(server, 'grace', {}, other);
    const { browser } = await open();
    const view = await browser.open(manage({ client: client.client_id }));
    await press(browser, view, 'action=end-client');
    for (const { tokens } of mine) {
      expect(await everywhere(tokens.access_token)).toEqual([401, 401]);
      expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
    }
    expect(await everywhere(kept.tokens.access_token)).toEqual([200, 200]);
    const { page } = await open('grace', 'account');
    expect(textOf(page.html)).toContain('An administrator of this server ended it.');
    const anew = await connect(server, 'grace', {}, client);
    expect(await everywhere(anew.tokens.access_token)).toEqual([200, 200]);
  });

  test('blocks a client: no page, no code, no token, no renewal within 30 seconds; and lets it in again', async () => {
    const client = await register(server, { client_name: 'Blocked' });
    const { tokens } = await connect(server, 'grace', {}, client);
    const code = await obtainCode(server, client, 'ada');
    const [asked, atEntra] = [new Browser(), new Browser()];
    const consent = await asked.open(authorizationUrl(server, client).url);
    const other = await atEntra.open(authorizationUrl(server, client).url);
    const picker = await atEntra.submit(other, { button: 'decision=approve' });
    const { browser } = await open();
    const view = await browser.open(manage({ client: client.client_id }));
    const blocked = await press(browser, view, 'action=block');
    expect(textOf(blocked.html)).toContain('This client is blocked');
    expect(await everywhere(tokens.access_token)).toEqual([401, 401]);
    for (const _instance of server.apps) {
      const page = await new Browser().open(authorizationUrl(server, client).url);
      expect([page.status, textOf(page.html).includes('has blocked this application')]).toEqual([400, true]);
      for (const form of [codeForm(client, code), refreshForm(client, tokens.refresh_token)]) {
        const { status, body } = await token(server, form);
        expect([status, body.error]).toEqual([400, 'unauthorized_client']);
      }
    }
    // Nor does anybody go on who was on the way.
    const stopAt = backAtClient;
    const pages = [
      await asked.submit(consent, { button: 'decision=approve', stopAt }),
      await signInAs(atEntra, picker, 'ada', { stopAt }),
    ];
    for (const page of pages) {
      expect([new URL(page.url).origin, textOf(page.html).includes('has blocked')]).toEqual([server.origin, true]);
    }
    // Each who was turned away is on record, by name where that is known.
    const denials = server.logLines
      .filter(line => line.includes('the client is blocked'))
      .map(line => JSON.parse(line));
    const { tid, oid } = server.entra.people.ada;
    expect(denials.map(({ act, client: id, person }) => [act, id, person])).toEqual([
      ...server.apps.map(() => ['sign-in refused', client.client_id, undefined]),
      ['sign-in refused', client.client_id, `${tid}.${oid}`],
    ]);
    expect((await browser.open(manage())).html).toContain(`client=${encodeURIComponent(client.client_id)}`);
    await press(browser, await browser.open(manage({ client: client.client_id })), 'action=unblock');
    expect(await everywhere(tokens.access_token)).toEqual([200, 200]);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });

  test('while storage is down nothing is said to be done', async () => {
    const { tokens } = await connect(server, 'grace');
    const { browser } = await open();
    const view = await browser.open(manage({ person: personOf(tokens.access_token) }));
    proxy?.refuse({ status: 403, matches: ({ url }) => (url ?? '').includes('/revocations') });
    const answer = await press(browser, view, 'action=end-person');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    proxy?.refuse({ status: 403, matches: () => true });
    expect((await browser.open(manage())).status).toBe(503);
    expect((await fetch(manage())).status).toBe(404);
    proxy?.refuse(undefined);
    expect(await everywhere(tokens.access_token)).toEqual([200, 200]);
  });
});

describe('with many tenants', () => {
  async function signInThere(settings: Record<string, string>, who: 'ada' | 'foreigner'): Promise<string> {
    const own = await startAppServer({
      audience: 'organizations',
      settings: { AUTH_ALLOWED_TENANTS: '*', ...settings },
    });
    try {
      own.entra.change(who, { roles: ['Admin'] });
      const browser = new Browser();
      const page = await signInAs(browser, await browser.open(`${own.origin}/auth/login?to=manage`), who);
      return new URL(page.url).pathname;
    } finally {
      await own.stop();
    }
  }

  test('no tenant’s role makes an administrator here but that of a tenant which the operator has named', async () => {
    const home = '72f0c3a8-5b1e-4d6c-9a07-3e84d1b2c6f5';
    expect(await signInThere({}, 'foreigner')).toBe('/');
    expect(await signInThere({}, 'ada')).toBe('/');
    expect(await signInThere({ AUTH_ADMIN_TENANTS: home }, 'foreigner')).toBe('/');
    expect(await signInThere({ AUTH_ADMIN_TENANTS: home }, 'ada')).toBe('/manage');
  });
});
