import { TableClient, TableServiceClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import { type Choice, signInAs } from '../../../dev/entra/sign-in.ts';
import { personKey } from '../../../src/access/person.ts';
import { createLogger } from '../../../src/log.ts';
import { openTables, type TransactionWrite } from '../../../src/storage/tables.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { callTool, claimsOf, codeForm, connect, post, refreshForm, register, token } from '../../support/flows.ts';
import { countTrips, type StorageProxy, startStorageProxy } from '../../support/storage-faults.ts';

let server: AppServer;
let proxy: StorageProxy | undefined;
let client: { client_id: string };

beforeAll(async () => {
  server = await startAppServer({
    instances: 2,
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  client = await register(server, { client_name: 'A <b>test</b>' });
});
afterAll(async () => {
  await server.stop();
  await proxy?.stop();
});

const account = () => `${server.origin}/account`;

/** Signs in on the way to the account page. */
async function open(who: Choice = 'ada') {
  const browser = new Browser();
  const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?to=account&prompt=login`), who);
  return { browser, page };
}

/** Presses the button of the form that has a hidden field, as `name=value`. */
const press = (browser: Browser, page: Page, field: string, fields: Record<string, string | undefined> = {}) =>
  browser.submit(page, { button: field, fields });

const grantOf = (accessToken: string) => String(claimsOf(accessToken).gid);
const personOf = (accessToken: string) => String(claimsOf(accessToken).sub);

/** The status of a call with a token, at every instance, once each has read the revocations again. */
async function everywhere(accessToken: string): Promise<number[]> {
  server.clock.advance(31);
  const statuses: number[] = [];
  for (const _instance of server.apps) {
    statuses.push((await callTool(server, accessToken, 'calculate_sum', { numbers: [1] })).status);
  }
  return statuses;
}

/** Storage fails for requests whose path matches, while `work` runs. */
async function failing<T>(path: RegExp, work: () => Promise<T>, method?: string): Promise<T> {
  proxy?.refuse({
    matches: ({ url = '', method: used }) =>
      path.test(decodeURIComponent(url)) && (method === undefined || method === used),
    status: 403,
  });
  try {
    return await work();
  } finally {
    proxy?.refuse(undefined);
  }
}

/** Lets a second go by: every instance writes what it writes behind the scenes. */
const written = () => Promise.all(server.apps.map(app => app.flush()));

/** Every row of every table but the record of what happened, which outlives all else; nothing is left to be written. */
async function everything(): Promise<{ table: string; text: string }[]> {
  const { connectionString } = server.storage;
  const options = { allowInsecureConnection: true };
  const rows: { table: string; text: string }[] = [];
  await written();
  for await (const { name = '' } of TableServiceClient.fromConnectionString(connectionString, options).listTables()) {
    if (name === 'audit') continue;
    for await (const row of TableClient.fromConnectionString(connectionString, name, options).listEntities()) {
      rows.push({ table: name, text: JSON.stringify(row) });
    }
  }
  return rows;
}

/** Notes with these texts, newest first, written without the tools. */
async function writeNotes(person: string, texts: readonly string[]): Promise<void> {
  const table = openTables({ connection: { connectionString: server.storage.connectionString } }).table('notes');
  for (let start = 0; start < texts.length; start += 50) {
    const [first, ...rest] = texts.slice(start, start + 50).flatMap((text, index): TransactionWrite[] => {
      const number = (start + index).toString(16).padStart(12, '0');
      const slot = number.slice(-4);
      const id = `${number}${slot}r${number.padStart(32, '0')}`;
      return [
        { type: 'insert', row: { partitionKey: person, rowKey: `n${id}`, text } },
        { type: 'insert', row: { partitionKey: person, rowKey: `s${slot}`, id } },
      ];
    });
    if (first) await table.transaction([first, ...rest]);
  }
}

describe('the way to the page', () => {
  test('nobody is told anything, signs in, and comes back', async () => {
    const browser = new Browser();
    const page = await browser.open(account());
    expect(page.status).toBe(200);
    const href = /href="(\/auth\/login[^"]*)"/.exec(page.html)?.[1];
    expect(href).toBe('/auth/login?to=account');
    const there = await signInAs(browser, await browser.open(`${server.origin}${href}`), 'ada');
    expect([there.url, there.status]).toEqual([account(), 200]);
    expect(textOf(there.html)).toContain('Ada Lovelace');
  });

  test('only one word leads anywhere but to the landing page', async () => {
    for (const to of ['https://evil.example/', '//evil.example', '/account', 'Account', '']) {
      const browser = new Browser();
      const picker = await browser.open(`${server.origin}/auth/login?to=${encodeURIComponent(to)}`);
      expect((await signInAs(browser, picker, 'ada')).url).toBe(`${server.origin}/`);
    }
  });

  test('the landing page links to it', async () => {
    const { browser } = await open();
    expect((await browser.open(server.origin)).html).toContain('href="/account"');
  });

  test('its answers are not kept, framed, or read by other sites', async () => {
    const { page } = await open();
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self'");
  });
});

describe('connected apps', () => {
  test('tell who, where, what and since when; the name is quoted and plain text', async () => {
    await connect(server, 'ada', { scope: 'notes:read' }, client);
    const { page } = await open();
    const text = textOf(page.html);
    expect(page.html).toContain('“<bdi>A &lt;b&gt;test&lt;/b&gt;</bdi>”');
    expect(text).toContain('nobody has verified its name');
    expect(text).toContain('At localhost.');
    expect(text).toContain('Read the notes that you saved here');
    expect(text).toContain('Took its newest token');
    expect(text).toContain('Work for whoever holds them');
  });

  test('one is ended, its tokens stop everywhere, and the page says so', async () => {
    const [kept, ended] = [await connect(server, 'grace', {}, client), await connect(server, 'grace', {}, client)];
    const { browser, page } = await open('grace');
    const renewed = await token(server, refreshForm(client, kept.tokens.refresh_token));
    const after = await press(browser, page, `grant_id=${grantOf(ended.tokens.access_token)}`);
    expect([after.url, after.status]).toEqual([account(), 200]);
    expect(after.html).not.toContain(grantOf(ended.tokens.access_token));
    expect(after.html).toContain(grantOf(kept.tokens.access_token));
    expect(textOf(after.html)).toMatch(/Ended lately.*You ended it\./);
    expect(await everywhere(ended.tokens.access_token)).toEqual([401, 401]);
    expect(await everywhere(renewed.body.access_token)).toEqual([200, 200]);
    const refused = await token(server, refreshForm(client, ended.tokens.refresh_token));
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
  });

  test('all are ended, tokens for scripts too', async () => {
    const { tokens } = await connect(server, 'grace', {}, client);
    const { browser } = await open('grace');
    const issued = await browser.submit(await browser.open(server.origin), {
      button: 'action=issue-token',
      fields: { scope: ['profile'] },
    });
    const script = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(issued.html)?.[0] ?? '';
    const page = await browser.open(account());
    expect(textOf(page.html)).toContain('Token for scripts');
    const after = await press(browser, page, 'action=end-all');
    expect(after.url).toBe(account());
    expect(textOf(after.html)).toContain('No app has access in your name');
    expect(await everywhere(tokens.access_token)).toEqual([401, 401]);
    expect(await everywhere(script)).toEqual([401, 401]);
  });

  test('what ended by itself says why', async () => {
    const reused = await connect(server, 'grace', {}, client);
    await token(server, refreshForm(client, reused.tokens.refresh_token));
    const again = await connect(server, 'grace', {}, client);
    const revoked = await connect(server, 'grace', {}, client);
    await post(server, '/oauth/revoke', { token: revoked.tokens.refresh_token, client_id: client.client_id });
    server.clock.advance(61);
    await token(server, refreshForm(client, reused.tokens.refresh_token));
    await token(server, codeForm(client, again.code));
    const text = textOf((await open('grace')).page.html);
    expect(text).toContain('already exchanged came a second time');
    expect(text).toContain('The code of this sign-in came a second time');
    expect(text).toContain('The app gave its access back');
  });

  test('one that storage fails is left, the others end, and the page says what is left', async () => {
    const sessions = [];
    for (let i = 0; i < 3; i++) sessions.push((await connect(server, 'grace', {}, client)).tokens.access_token);
    const { browser, page } = await open('grace');
    const [stuck = '', ...others] = sessions;
    const answer = await failing(
      new RegExp(`g\\.${grantOf(stuck)}`),
      () => press(browser, page, 'action=end-all'),
      'PUT',
    );
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(textOf(answer.html)).toContain('2 ended; 1 still have access');
    for (const each of others) expect(await everywhere(each)).toEqual([401, 401]);
    expect(await everywhere(stuck)).toEqual([200, 200]);
    const after = await press(browser, await browser.open(account()), `grant_id=${grantOf(stuck)}`);
    expect(textOf(after.html)).toContain('No app has access in your name');
  });
});

describe('other people and other sites', () => {
  test('another person’s app and note are out of reach', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const saved = await callTool(server, tokens.access_token, 'save_user_note', { note: 'Ada’s own' });
    const noteId = String(saved.body.result?.structuredContent?.id);
    await connect(server, 'grace', {}, client);
    const { browser, page } = await open('grace');
    expect(page.html).not.toContain(noteId);
    await press(browser, page, 'action=end-grant', { grant_id: grantOf(tokens.access_token) });
    await press(browser, page, 'action=end-grant', { action: 'delete-note', note_id: noteId });
    expect(await everywhere(tokens.access_token)).toEqual([200, 200]);
    expect((await open()).page.html).toContain(noteId);
  });

  test('no form of another site, another session or none does anything, nor does a GET', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    await callTool(server, tokens.access_token, 'save_user_note', { note: 'stays' });
    const { browser, page } = await open();
    const other = await open('grace');
    const before = await everything();
    for (const action of ['end-grant', 'end-all', 'delete-note', 'export', 'delete-everything']) {
      const form = page.forms.filter(each => each.fields.some(({ value }) => value === 'end-grant'));
      const fields = { action, grant_id: grantOf(tokens.access_token) };
      const own = { ...page, forms: form };
      const answers = [
        await browser.submit({ ...own, url: 'https://evil.example/', headers: new Headers() }, { fields }),
        await browser.submit(own, { fields: { ...fields, csrf: undefined } }),
        await browser.submit(own, { fields: { ...fields, csrf: other.page.forms[0]?.fields[0]?.value } }),
        await other.browser.submit(own, { fields }),
        await new Browser().submit(own, { fields }),
      ];
      for (const answer of answers) expect([action, answer.status]).toEqual([action, 403]);
      const link = new URLSearchParams({
        ...fields,
        csrf: form[0]?.fields.find(each => each.name === 'csrf')?.value ?? '',
      });
      expect((await browser.open(`${account()}?${link}`)).status).toBe(200);
    }
    expect(await everything()).toEqual(before);
  });
});

describe('notes', () => {
  test('are shown as they are, page by page, and one is deleted where it stands', async () => {
    const { tokens } = await connect(server, 'grace', {}, client);
    await writeNotes(personOf(tokens.access_token), [
      '<script>alert(1)</script>\n  two  blanks',
      ...Array.from({ length: 24 }, (_, number) => `number ${number}`),
      `long ${'x'.repeat(5000)} end`,
    ]);
    const { browser, page } = await open('grace');
    expect(page.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;\n  two  blanks</bdi>');
    expect(page.html).toContain('number 18<');
    expect(page.html).not.toContain('number 19<');
    const next = /href="(\/account\?from=[^"]*)"/.exec(page.html)?.[1] ?? '';
    const older = await browser.open(server.origin + next);
    expect(older.html).toContain('number 19<');
    expect(older.html).not.toContain('number 18<');
    expect(older.html).toMatch(/<summary[^>]*>The whole note/);
    const note = older.forms.find(form => form.fields.some(({ value }) => value === 'delete-note'));
    const after = await browser.submit({ ...older, forms: note ? [note] : [] });
    expect(after.url).toBe(server.origin + next);
    expect(after.html).not.toContain('number 19<');
    expect(after.html).toContain('number 20<');
  });

  test('are searched whatever the case, 500 in a request', async () => {
    const { tokens } = await connect(server, 'grace', {}, client);
    const former = await open('grace');
    server.clock.advance(300);
    const sure = await former.browser.open(`${account()}?show=delete`);
    await written();
    await press(former.browser, sure, 'action=delete-everything');
    const texts = Array.from({ length: 620 }, (_, number) => (number % 300 === 10 ? `Crème no ${number}` : 'other'));
    await writeNotes(personOf(tokens.access_token), texts);
    const { browser, page: whole } = await open('grace');
    await browser.open(`${account()}?q=warm`);
    const { trips, result: page } = await countTrips(server.storage.accountName, () =>
      browser.submit(
        { ...whole, forms: whole.forms.filter(({ method }) => method === 'GET') },
        { fields: { q: ' CRE\u0300ME ' } },
      ),
    );
    expect(trips).toBeLessThanOrEqual(2 * (2 + 5));
    expect(page.html).toContain('Crème no 10<');
    expect(page.html).toContain('Crème no 310<');
    expect(page.html).not.toContain('Crème no 610<');
    expect(page.html).not.toContain('other<');
    expect(textOf(page.html)).toContain('Looked back to');
    const next = /href="(\/account\?q=[^"]*from=[^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const further = await browser.open(server.origin + next);
    expect(further.html).toContain('Crème no 610<');
    expect(further.html).not.toContain('Crème no 310<');
    expect(further.html).not.toContain('Look further');
    expect(textOf((await browser.open(`${account()}?q=nowhere&from=bad`)).html)).toContain('Looked back to');
  });
});

describe('a file of everything', () => {
  test('holds what is stored, and no hash or secret', async () => {
    const { browser, page } = await open('grace');
    const { tokens } = await connect(server, 'grace', {}, client);
    await token(server, refreshForm(client, tokens.refresh_token));
    const person = personOf(tokens.access_token);
    const file = await press(browser, page, 'action=export');
    expect(file.headers.get('content-disposition')).toMatch(/^attachment; filename="account-\d{4}-\d\d-\d\d\.json"$/);
    expect(file.headers.get('content-type')).toBe('application/json');
    expect(file.headers.get('cache-control')).toBe('no-store');
    expect(file.headers.get('x-content-type-options')).toBe('nosniff');
    const saved = JSON.parse(file.html);
    expect(personKey(saved.person)).toBe(person);
    expect(saved.complete).toBe(true);
    const rows = (await everything()).map(({ table, text }) => ({ table, row: JSON.parse(text) }));
    const own = rows.filter(({ row }) => row.partitionKey === person);
    const grants = own.filter(({ table, row }) => table === 'grants' && row.rowKey.startsWith('g.'));
    const notes = own.filter(({ table, row }) => table === 'notes' && row.rowKey.startsWith('n'));
    expect(notes.length).toBeGreaterThan(600);
    expect(saved.notes.map(({ id, text }: { id: string; text: string }) => [`n${id}`, text])).toEqual(
      notes.map(({ row }) => [row.rowKey, row.text]),
    );
    expect(saved.grants.map(({ id }: { id: string }) => `g.${id}`)).toEqual(grants.map(({ row }) => row.rowKey));
    const renewed = saved.grants.find(({ id }: { id: string }) => id === grantOf(tokens.access_token));
    expect(renewed).toMatchObject({ kind: 'client', clientId: client.client_id, renewals: 1 });
    for (const { row } of grants) {
      for (const name of ['refreshHash', 'previousHash', 'successorSalt', 'successorKid', 'clientSecretHash']) {
        expect(JSON.stringify(saved)).not.toContain(name);
        if (row[name]) expect(file.html).not.toContain(row[name]);
      }
    }
  });

  test('an outage is a page, and half-way it leaves out the end', async () => {
    const { browser, page } = await open('grace');
    const answer = await failing(/\/notes/, () => press(browser, page, 'action=export'));
    expect([answer.status, answer.headers.get('content-disposition')]).toEqual([503, null]);
    const [app] = server.apps;
    const form = page.forms.find(({ fields }) => fields.some(({ value }) => value === 'export'));
    const response = await (await app?.endpoint('account'))?.(
      new Request(account(), {
        method: 'POST',
        headers: {
          cookie: browser.cookies.header(new URL(server.origin), false),
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams(form?.fields.map(({ name, value }): [string, string] => [name, value])),
      }),
      { correlationId: '0', log: createLogger('error', () => {}) },
    );
    expect(response?.status).toBe(200);
    await failing(/\/notes/, () => expect(response?.text()).rejects.toThrow('storage'));
  });
});

describe('deleting everything', () => {
  test('asks on a page of its own, and only soon after signing in', async () => {
    const { browser, page } = await open('grace');
    expect(page.html).toContain('href="/account?show=delete"');
    expect(page.html).not.toContain('delete-everything');
    const sure = await browser.open(`${account()}?show=delete`);
    server.clock.advance(15 * 60);
    const late = await press(browser, sure, 'action=delete-everything');
    expect([late.status, textOf(late.html).includes('Nothing was done')]).toEqual([403, true]);
    expect((await browser.open(`${account()}?show=delete`)).html).not.toContain('delete-everything');
    expect(textOf((await browser.open(account())).html)).toContain('Grace');
  });

  test('leaves no row of the person in any table, their tokens stop, other people keep theirs', async () => {
    const other = await connect(server, 'ada', {}, client);
    const ended = await connect(server, 'grace', {}, client);
    await token(server, refreshForm(client, ended.tokens.refresh_token));
    const second = await connect(server, 'grace', {}, client);
    await callTool(server, second.tokens.access_token, 'save_user_note', { note: 'gone', idempotency_key: 'once' });
    // Filed for the purge, which takes the sign-ins before.
    server.clock.advance(3 * 3600);
    await server.apps[0]?.purge();
    const third = await connect(server, 'grace', {}, client);
    const [elsewhere, { browser }] = [await open('grace'), await open('grace')];
    await browser.submit(await browser.open(server.origin), {
      button: 'action=issue-token',
      fields: { scope: ['profile'] },
    });
    const person = personOf(third.tokens.access_token);
    const [tid = '', oid = ''] = person.split('.');
    const rowsOf = async () => (await everything()).filter(({ text }) => text.includes(oid) && text.includes(tid));
    expect(new Set((await rowsOf()).map(({ table }) => table))).toEqual(
      new Set(['connections', 'grants', 'notes', 'sessions', 'signins']),
    );

    // No request is under way any more that could store a grant.
    server.clock.advance(300);
    const sure = await browser.open(`${account()}?show=delete`);
    const done = await press(browser, sure, 'action=delete-everything');
    expect(done.status).toBe(200);
    expect(textOf(done.html)).toContain('Everything is deleted');
    expect(await rowsOf()).toEqual([]);
    expect((await everything()).filter(({ text }) => text.includes('ada@'))).not.toEqual([]);

    expect(await everywhere(third.tokens.access_token)).toEqual([401, 401]);
    const refused = await token(server, refreshForm(client, third.tokens.refresh_token));
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
    const code = await token(server, codeForm(client, third.code));
    expect([code.status, code.body.error]).toEqual([400, 'invalid_grant']);
    for (const each of [browser, elsewhere.browser]) {
      expect(textOf((await each.open(account())).html)).not.toContain('Grace');
    }
    expect((await token(server, refreshForm(client, other.tokens.refresh_token))).status).toBe(200);
    expect(await rowsOf()).toEqual([]);
  });

  test('cut off half-way it is 503, and goes on when it is asked for again', async () => {
    const { tokens } = await connect(server, 'grace', {}, client);
    await callTool(server, tokens.access_token, 'save_user_note', { note: 'later' });
    const { browser } = await open('grace');
    const sure = await browser.open(`${account()}?show=delete`);
    await written();
    server.clock.advance(300);
    const cut = await failing(/\/notes/, () => press(browser, sure, 'action=delete-everything'));
    expect(cut.status).toBe(503);
    expect(cut.headers.get('retry-after')).not.toBeNull();
    expect(textOf(cut.html)).toContain('A part is deleted');
    expect(await everywhere(tokens.access_token)).toEqual([401, 401]);
    const again = await press(browser, sure, 'action=delete-everything');
    expect(textOf(again.html)).toContain('Everything is deleted');
    const oid = personOf(tokens.access_token).split('.')[1] ?? '';
    expect((await everything()).filter(({ text }) => text.includes(oid))).toEqual([]);
  });
});

test('storage that is down is a page with 503 wherever it fails, and nothing is done', async () => {
  const { tokens } = await connect(server, 'ada', {}, client);
  const { browser, page } = await open();
  const before = await everything();
  for (const table of [/\/sessions/, /\/grants/, /\/notes/]) {
    const shown = await failing(table, () => browser.open(account()));
    expect([shown.status, shown.headers.get('retry-after')]).toEqual([503, '5']);
  }
  const answer = await failing(/./, () => press(browser, page, `grant_id=${grantOf(tokens.access_token)}`));
  expect(answer.status).toBe(503);
  const cut = await failing(/\/signins/, () => press(browser, page, 'action=end-all', { action: 'delete-everything' }));
  expect(cut.status).toBe(503);
  expect(await everything()).toEqual(before);
});

test('no log line holds a note or what was searched for', () => {
  const log = server.logLines.join('\n');
  expect(log).toContain('data deleted');
  expect(log).not.toMatch(/Ada’s own|Crème|CRE\u0300ME|nowhere/);
});
