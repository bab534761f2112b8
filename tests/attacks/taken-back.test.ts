/** What was ended or taken back stays so: half-way through an outage, while a sign-in is under way, and on an instance that does not know yet. */
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { openGrants } from '../../src/storage/grants.ts';
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
  token,
} from '../support/flows.ts';
import { type StorageProxy, startStorageProxy } from '../support/storage-faults.ts';

const WEB = 'https://client.example/callback';

let server: AppServer;
let proxy: StorageProxy;
beforeAll(async () => {
  server = await startAppServer({
    instances: 2,
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  server.entra.change('ada', { roles: ['Admin'] });
});
afterEach(() => proxy.refuse(undefined));
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

const storageRefusesRevocations = () =>
  proxy.refuse({ matches: ({ url = '' }) => url.includes('/revocations('), status: 500 });

/** What every instance says to a token once it has read the list of revocations again. */
async function everywhere(accessToken: string): Promise<number[]> {
  server.clock.advance(31);
  const statuses: number[] = [];
  for (const _instance of server.apps) {
    statuses.push((await callTool(server, accessToken, 'calculate_sum', { numbers: [1] })).status);
  }
  return statuses;
}

const grants = () => openGrants(openTables({ connection: { connectionString: server.storage.connectionString } }));
const keyOf = (accessToken: string) => {
  const { tid, oid, gid } = claimsOf(accessToken);
  return { person: { tid: String(tid), oid: String(oid) }, grantId: String(gid) };
};

async function endAllOf(sub: string): Promise<void> {
  const browser = new Browser();
  await signInAs(browser, await browser.open(`${server.origin}/auth/login?to=manage`), 'ada');
  const page = await browser.open(`${server.origin}/manage?person=${sub}`);
  expect((await browser.submit(page, { button: 'action=end-person' })).status).toBe(200);
}

describe('an ending that storage cut off is completed by whoever asks again', () => {
  test('a refresh token that came a second time', async () => {
    const { client, tokens } = await connect(server, 'grace');
    const renewed = await token(server, refreshForm(client, tokens.refresh_token));
    server.clock.advance(60);
    storageRefusesRevocations();
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(503);
    proxy.refuse(undefined);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
    expect(await everywhere(renewed.body.access_token)).toEqual([401, 401]);
  });

  test('"End all" of the account page', async () => {
    const { tokens } = await connect(server, 'grace');
    await connect(server, 'grace');
    const browser = new Browser();
    const page = await signInAs(
      browser,
      await browser.open(`${server.origin}/auth/login?to=account&prompt=login`),
      'grace',
    );
    storageRefusesRevocations();
    expect((await browser.submit(page, { button: 'action=end-all' })).status).toBe(503);
    proxy.refuse(undefined);
    expect((await browser.submit(page, { button: 'action=end-all' })).status).toBe(200);
    expect(await everywhere(tokens.access_token)).toEqual([401, 401]);
  });
});

describe('an earlier approval that is ended while the browser is at Entra', () => {
  /** Approves once, then begins a sign-in that needs no page, and stops at Entra. */
  async function begin(name: string) {
    const client = await register(server, { client_name: name, redirect_uris: [WEB] });
    const browser = new Browser();
    const { tokens } = await connect(server, 'grace', { redirect_uri: WEB }, client, browser);
    server.clock.advance(1);
    const isAtEntra = (url: string) => url.startsWith(server.entra.url);
    const asked = authorizationUrl(server, client, { redirect_uri: WEB });
    const begun = await browser.open(asked.url, { stopAt: isAtEntra });
    expect(isAtEntra(begun.url)).toBe(true);
    server.clock.advance(2);
    const goOn = async () => {
      server.clock.advance(31);
      return browser.open(begun.url, { stopAt: url => url.startsWith(WEB) });
    };
    return { client, browser, tokens, goOn };
  }

  test('by the person: the page comes, and there is no code', async () => {
    const { browser, tokens, goOn } = await begin('Ended');
    const page = await browser.open(`${server.origin}/account`);
    await browser.submit(page, { button: `grant_id=${keyOf(tokens.access_token).grantId}` });
    expect(textOf((await goOn()).html)).toContain('Allow this app?');
  });

  test('by its client itself: the same', async () => {
    const { client, tokens, goOn } = await begin('Revoked');
    await post(server, '/oauth/revoke', { client_id: client.client_id, token: tokens.refresh_token });
    expect(textOf((await goOn()).html)).toContain('Allow this app?');
  });
});

test('"Deny" on a page whose code was redeemed already ends what came of it, and nothing of it stays for ever', async () => {
  const client = await register(server);
  const browser = new Browser();
  const { url, verifier } = authorizationUrl(server, client);
  const consent = await browser.open(url);
  const picker = await browser.submit(consent, { button: 'decision=approve', stopAt: backAtClient });
  const back = await signInAs(browser, picker, 'grace', { stopAt: backAtClient });
  const { body } = await token(
    server,
    codeForm(client, { code: new URL(back.url).searchParams.get('code') ?? '', verifier }),
  );
  const denied = await browser.submit(consent, { button: 'decision=deny', stopAt: backAtClient });
  expect(new URL(denied.url).searchParams.get('error')).toBe('access_denied');
  expect(await everywhere(body.access_token)).toEqual([401, 401]);
  expect((await token(server, refreshForm(client, body.refresh_token))).body.error).toBe('invalid_grant');
  const now = server.clock.now;
  server.clock.now += 500 * 86_400_000;
  await server.apps[0]?.purge();
  server.clock.now = now;
  expect(await grants().read(keyOf(body.access_token))).toBeUndefined();
});

/** A page whose approval has led to a code. */
async function withCode() {
  const client = await register(server);
  const browser = new Browser();
  const { url, verifier } = authorizationUrl(server, client);
  const consent = await browser.open(url);
  const picker = await browser.submit(consent, { button: 'decision=approve', stopAt: backAtClient });
  const back = await signInAs(browser, picker, 'grace', { stopAt: backAtClient });
  const code = new URL(back.url).searchParams.get('code') ?? '';
  const deny = async () => {
    const denied = await browser.submit(consent, { button: 'decision=deny', stopAt: backAtClient });
    expect(new URL(denied.url).searchParams.get('error')).toBe('access_denied');
  };
  return { deny, redeem: () => token(server, codeForm(client, { code, verifier })) };
}

const isNewGrant = ({ method, url = '' }: IncomingMessage) => method === 'POST' && url.includes('/grants');
const refused = { status: 400, body: { error: 'invalid_grant' } };

describe('"Deny" on a page whose code is redeemed half-way', () => {
  test('its claim is there and its grant is not, for storage failed: nothing comes of it', async () => {
    const { deny, redeem } = await withCode();
    proxy.refuse({ matches: isNewGrant, status: 503 });
    expect((await redeem()).status).toBe(503);
    proxy.refuse(undefined);
    await deny();
    expect(await redeem()).toMatchObject(refused);
  });

  test('its grant is on the way: it is not stored', async () => {
    const { deny, redeem } = await withCode();
    const grant = proxy.holdNext(isNewGrant);
    const redeemed = redeem();
    await grant.held;
    await deny();
    grant.release();
    expect(await redeemed).toMatchObject(refused);
  });

  test('it is redeemed while the denial deletes it: the grant ends, and the purge knows of it', async () => {
    const { deny, redeem } = await withCode();
    const deletion = proxy.holdNext(({ method, url = '' }) => method === 'DELETE' && url.includes('/signins'));
    const denied = deny();
    await deletion.held;
    const { body } = await redeem();
    deletion.release();
    await denied;
    expect(await everywhere(body.access_token)).toEqual([401, 401]);
    const now = server.clock.now;
    server.clock.now += 500 * 86_400_000;
    await server.apps[0]?.purge();
    server.clock.now = now;
    expect(await grants().read(keyOf(body.access_token))).toBeUndefined();
  });
});

test('"End all" reaches codes that are out, and those whose grant is not stored yet', async () => {
  const [out, cutOff, late, done] = [await withCode(), await withCode(), await withCode(), await withCode()];
  const { body } = await done.redeem();
  await connect(server, 'grace');
  proxy.refuse({ matches: isNewGrant, status: 503 });
  expect((await cutOff.redeem()).status).toBe(503);
  proxy.refuse(undefined);
  const grant = proxy.holdNext(isNewGrant);
  const redeemed = late.redeem();
  await grant.held;
  const browser = new Browser();
  const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?to=account`), 'grace');
  expect((await browser.submit(page, { button: 'action=end-all' })).status).toBe(200);
  grant.release();
  for (const answer of [await redeemed, await out.redeem(), await cutOff.redeem()]) {
    expect(answer).toMatchObject(refused);
  }
  // A code that comes again is still known.
  server.clock.advance(31);
  expect((await done.redeem()).body.error_description).toMatch(/already used/);
  expect(await everywhere(body.access_token)).toEqual([401, 401]);
});

test('a grant that somebody changed, and then a lost reply: its renewal is answered all the same', async () => {
  const { client, tokens } = await connect(server, 'grace');
  const isRotation = ({ url = '' }: { url?: string | undefined }) => url.includes('$batch');
  const hold = proxy.holdNext(isRotation);
  const answer = token(server, refreshForm(client, tokens.refresh_token));
  await hold.held;
  const row = await grants().read(keyOf(tokens.access_token));
  if (!row) throw new Error('no grant');
  expect(await grants().keepUpstream(row, { upstreamTokens0: row.upstreamTokens0 ?? '' })).toBe('written');
  let seen = 0;
  proxy.loseNextReply(request => isRotation(request) && ++seen === 2);
  hold.release();
  expect((await answer).status).toBe(200);
});

describe('all of a person, ended by an administrator', () => {
  let client: Client;
  beforeAll(async () => {
    client = await register(server);
  });

  test('reaches a code of before that is redeemed where the list is old', async () => {
    const before = await connect(server, 'grace', {}, client);
    const code = await obtainCode(server, client, 'grace');
    // Both have read the list just now.
    await everywhere(before.tokens.access_token);
    await endAllOf(String(claimsOf(before.tokens.access_token).sub));
    const { body } = await token(server, codeForm(client, code));
    if (body.access_token) expect(await everywhere(body.access_token)).toEqual([401, 401]);
    expect(await everywhere(before.tokens.access_token)).toEqual([401, 401]);
  });
});
