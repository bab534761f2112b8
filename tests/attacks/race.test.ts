import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { openTables } from '../../src/storage/tables.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  backAtClient,
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  post,
  refreshForm,
  register,
  type Tokens,
  token,
} from '../support/flows.ts';
import { purge } from '../support/purge.ts';
import { type StorageProxy, startStorageProxy } from '../support/storage-faults.ts';

/**
 * Requests that are sent at the same moment, over three instances, to see whether something slips between them. Races of
 * one code, one refresh token and one callback with themselves are in code.test.ts, renewal.test.ts and binding.test.ts.
 */
let server: AppServer;
let proxy: StorageProxy;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({
    instances: 3,
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  client = await register(server);
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

const many = <T>(count: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));
const begin = async () => (await connect(server, 'ada', {}, client)).tokens;
const renew = (refreshToken: string) => token(server, refreshForm(client, refreshToken));

/** No token of these answers is of any use any more, at any instance, half a minute later. */
async function expectAllOver(answers: { status: number; body: Tokens }[]): Promise<void> {
  const given = answers.filter(({ status }) => status === 200).map(({ body }) => body);
  for (const { refresh_token } of given) expect((await renew(refresh_token)).body.error).toBe('invalid_grant');
  server.clock.advance(31);
  for (const { access_token } of given) {
    for (const _instance of server.apps) {
      expect((await callTool(server, access_token, 'calculate_sum', { numbers: [1] })).status).toBe(401);
    }
  }
}

const isNewGrant = ({ method, url = '' }: IncomingMessage) => method === 'POST' && /\/grants(\?|$)/.test(url);

/** Nothing but names in the place of grants that are not to come, and the purge takes these. */
async function expectNothingLeft(): Promise<void> {
  await Promise.all(server.apps.map(app => app.flush()));
  const tables = openTables({ connection: { connectionString: server.storage.connectionString } });
  const { rows } = await tables.table('grants').page('', 100);
  const columns = new Set(rows.flatMap(row => Object.keys(row)));
  expect([...columns].sort()).toEqual(['etag', 'expiresAt', 'kind', 'partitionKey', 'rowKey']);
  await purge(tables, server.clock.now + 2 * 3_600_000);
  expect((await tables.table('grants').page('', 100)).rows).toEqual([]);
}

/** A signed-in person's forms. */
async function personOf(browser = new Browser()) {
  const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), 'ada');
  const cookie = browser.cookies.header(new URL(server.origin), false, true) ?? '';
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
  return (path: string, fields: Record<string, string>) =>
    fetch(server.origin + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ csrf, ...fields }),
    });
}

test('renewals and a revocation at once: whatever was given before it is over with it', async () => {
  for (let round = 0; round < 5; round++) {
    const first = await begin();
    const [answers, revoked] = await Promise.all([
      many(10, () => renew(first.refresh_token)),
      post(server, '/oauth/revoke', { token: first.refresh_token, client_id: client.client_id }),
    ]);
    expect(revoked.status).toBe(200);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    await expectAllOver([{ status: 200, body: first }, ...answers]);
  }
});

test('a code redeemed thirty times at once is one grant, time after time', async () => {
  for (let round = 0; round < 5; round++) {
    const code = await obtainCode(server, client);
    const answers = await many(30, () => token(server, codeForm(client, code)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => claimsOf(body.access_token).gid)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  }
});

test('a code redeemed many times and revoked at once: no grant is left over', async () => {
  const code = await obtainCode(server, client);
  const answers = await many(10, async () => {
    const answer = await token(server, codeForm(client, code));
    if (answer.status === 200) {
      await post(server, '/oauth/revoke', { token: answer.body.access_token, client_id: client.client_id });
    }
    return answer;
  });
  await expectAllOver(answers);
});

test('renewals and "end all" on the account page at once: nothing goes on', async () => {
  const send = await personOf();
  const all = await many(4, begin);
  const [ended, answers] = await Promise.all([
    send('/account', { action: 'end-all' }),
    many(12, n => renew(all[n % all.length]?.refresh_token ?? '')),
  ]);
  expect(ended.status).toBe(303);
  await expectAllOver([...all.map(body => ({ status: 200, body })), ...answers]);
});

test('renewals, notes and "delete everything" at once: nothing is left, and nothing comes back', async () => {
  const send = await personOf();
  const all = await many(3, begin);
  const [deleted, answers] = await Promise.all([
    send('/account', { action: 'delete-everything' }),
    many(9, n => renew(all[n % all.length]?.refresh_token ?? '')),
  ]);
  expect(deleted.status).toBe(200);
  await expectAllOver([...all.map(body => ({ status: 200, body })), ...answers]);
});

test('a code that was claimed before "delete everything", its grant stored after it: nothing is left', async () => {
  const send = await personOf();
  const code = await obtainCode(server, client);
  const { held, release } = proxy.holdNext(isNewGrant);
  const redeemed = token(server, codeForm(client, code));
  await held;
  const deleted = await send('/account', { action: 'delete-everything' });
  release();
  const answer = await redeemed;
  expect(deleted.status).toBe(200);
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
  await expectNothingLeft();
});

test('a code that is claimed while "delete everything" deletes it, its grant stored after all: nothing is left', async () => {
  const send = await personOf();
  const code = await obtainCode(server, client);
  const deletion = proxy.holdNext(({ method, url = '' }) => method === 'DELETE' && url.includes('/signins'));
  const deleted = send('/account', { action: 'delete-everything' });
  await deletion.held;
  const grant = proxy.holdNext(isNewGrant);
  const redeemed = token(server, codeForm(client, code));
  await grant.held;
  deletion.release();
  expect((await deleted).status).toBe(200);
  grant.release();
  expect((await redeemed).body.error).toBe('invalid_grant');
  await expectNothingLeft();
});

test('a code redeemed twice, one grant stored after "delete everything" has deleted the other: nothing is left', async () => {
  const send = await personOf();
  const code = await obtainCode(server, client);
  const { held, release } = proxy.holdNext(isNewGrant);
  const late = token(server, codeForm(client, code));
  await held;
  const first = await token(server, codeForm(client, code));
  const deleted = await send('/account', { action: 'delete-everything' });
  release();
  const answers = [first, await late];
  expect([deleted.status, ...answers.map(({ status }) => status)]).toEqual([200, 200, 400]);
  await expectAllOver(answers);
  await expectNothingLeft();
});

test('approving and denying at once: at most one code, and none once "no" had the last word', async () => {
  for (let round = 0; round < 5; round++) {
    const browser = new Browser();
    const asked = authorizationUrl(server, client);
    const page = await browser.open(asked.url);
    const stopAt = (url: string) => backAtClient(url) || url.startsWith(server.entra.url);
    const ends = await many(8, n =>
      browser.submit(page, { button: n % 2 ? 'decision=deny' : 'decision=approve', stopAt }),
    );
    const links = new Set(ends.map(({ url }) => url).filter(url => url.startsWith(server.entra.url)));
    expect([...links].map(link => new URL(link).searchParams.get('state')).length).toBeLessThanOrEqual(4);
    await browser.submit(page, { button: 'decision=deny', stopAt });
    for (const link of links) {
      const picker = await browser.open(link, { stopAt: backAtClient });
      const end = picker.forms.length > 0 ? await signInAs(browser, picker, 'ada', { stopAt: backAtClient }) : picker;
      expect(end.url).not.toMatch(/[?&]code=ac/);
    }
  }
});

test('fifty of the same registration at once are one client', async () => {
  const ids = await many(50, () => register(server, { client_name: 'Raced' }));
  expect(new Set(ids.map(({ client_id }) => client_id)).size).toBe(1);
});

test('a second of many sign-ins in one browser: each ends in a code of its own', async () => {
  const browser = new Browser();
  const asked = Array.from({ length: 5 }, () => authorizationUrl(server, client));
  const first = await browser.submit(await browser.open(asked[0]?.url ?? ''), { button: 'decision=approve' });
  await signInAs(browser, first, 'ada', { stopAt: backAtClient });
  const ends = await Promise.all(
    asked.map(async ({ url, state, verifier }) => {
      const page = await browser.open(url);
      const back = new URL((await browser.submit(page, { button: 'decision=approve', stopAt: backAtClient })).url);
      expect(back.searchParams.get('state')).toBe(state);
      return token(server, codeForm(client, { code: back.searchParams.get('code') ?? '', verifier }));
    }),
  );
  expect(ends.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(new Set(ends.map(({ body }) => body.refresh_token)).size).toBe(5);
});
