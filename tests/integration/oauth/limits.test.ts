import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../../../dev/browser/index.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { authorizationUrl, connect, refreshForm, register, token } from '../../support/flows.ts';
import { countTrips } from '../../support/storage-faults.ts';

let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({ trustedProxyHops: 1 });
});
afterAll(() => server.stop());

/** Every test has an address of its own. */
let last = 0;
const newAddress = () => `203.0.113.${++last}`;

function begin(address: string, headers: Record<string, string> = {}) {
  return fetch(`${server.origin}/auth/login`, {
    redirect: 'manual',
    headers: { 'x-forwarded-for': `10.0.0.1, ${address}:1234`, ...headers },
  });
}

async function statuses(count: number, work: () => Promise<Response>) {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await work()).status);
  return all;
}

test('an address may begin 60 sign-ins a minute, and then gets a page, and nothing is stored', async () => {
  const address = newAddress();
  expect(new Set(await statuses(60, () => begin(address)))).toEqual(new Set([303]));
  const { trips, result: refused } = await countTrips(server.storage.accountName, () => begin(address));
  expect(trips).toBe(0);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect(refused.headers.getSetCookie()).toEqual([]);
  expect(await refused.text()).toContain('Too many requests came from your network.');
  const program = await begin(address, { accept: 'application/json' });
  expect(await program.json()).toMatchObject({ error: 'temporarily_unavailable' });
  expect((await begin(newAddress())).status).toBe(303);
  server.clock.advance(1);
  expect(await statuses(2, () => begin(address))).toEqual([303, 429]);
});

test('what a sender says of its own address does not help', async () => {
  const address = newAddress();
  let made = 0;
  const all = await statuses(70, () => {
    made += 1;
    return begin(`192.0.2.${made}, ${address}`, { forwarded: `for=192.0.2.${made}`, 'x-real-ip': `192.0.2.${made}` });
  });
  expect(all.filter(status => status === 429)).toHaveLength(10);
});

test('an approval counts as one, for it is stored too', async () => {
  const address = newAddress();
  const client = await register(server);
  const browser = new Browser();
  const page = await browser.open(authorizationUrl(server, client).url);
  const sealed = page.forms.flatMap(({ fields }) => fields).find(field => field.name === 'request')?.value ?? '';
  const form = new URLSearchParams({ decision: 'approve', scope: 'profile', request: sealed });
  const approve = () =>
    fetch(`${server.origin}/oauth/consent`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: browser.cookies.header(new URL(page.url), false, true),
        origin: server.origin,
        'x-forwarded-for': address,
      },
      body: form,
    });
  expect((await approve()).status).toBe(303);
  expect(new Set(await statuses(59, () => begin(address)))).toEqual(new Set([303]));
  const { trips, result: refused } = await countTrips(server.storage.accountName, approve);
  expect([refused.status, trips]).toEqual([429, 0]);
  // Without the page's cookie nothing is counted: it is refused before.
  const other = newAddress();
  await statuses(70, () =>
    fetch(`${server.origin}/oauth/consent`, { method: 'POST', headers: { 'x-forwarded-for': other }, body: form }),
  );
  expect((await begin(other)).status).toBe(303);
});

test('so does a sign-in that an earlier approval lets through without a page', async () => {
  const redirect_uri = 'https://client.example/callback';
  const client = await register(server, { redirect_uris: [redirect_uri] });
  const browser = new Browser();
  await connect(server, 'ada', { redirect_uri }, client, browser);
  const { url } = authorizationUrl(server, client, { redirect_uri });
  const address = newAddress();
  const cookie = browser.cookies.header(new URL(url), false, true);
  const goOn = () => fetch(url, { redirect: 'manual', headers: { cookie, 'x-forwarded-for': address } });
  expect((await goOn()).status).toBe(303);
  expect(new Set(await statuses(59, () => begin(address)))).toEqual(new Set([303]));
  expect((await goOn()).status).toBe(429);
});

test('a client that renews without end is told to wait, its neighbours are not, and its token is not used up', async () => {
  const { client, tokens } = await connect(server);
  const neighbour = await connect(server, 'ada', {}, client);
  let refreshToken = tokens.refresh_token;
  let answer = await token(server, refreshForm(client, refreshToken));
  for (let i = 0; i < 70 && answer.status === 200; i++) {
    refreshToken = answer.body.refresh_token;
    answer = await token(server, refreshForm(client, refreshToken));
  }
  expect([answer.status, answer.headers.get('retry-after'), answer.body.error]).toEqual([
    429,
    '1',
    'temporarily_unavailable',
  ]);
  expect((await token(server, refreshForm(client, neighbour.tokens.refresh_token))).status).toBe(200);
  server.clock.advance(1);
  expect((await token(server, refreshForm(client, refreshToken))).status).toBe(200);
});

test('what comes back to one sign-in is looked at ten times a minute: no more events, no more questions to Entra', async () => {
  const browser = new Browser();
  const at = await browser.open(`${server.origin}/auth/login`, { stopAt: url => url.startsWith(server.entra.url) });
  const state = new URL(at.url).searchParams.get('state') ?? '';
  const asked = () => server.entra.requests.filter(({ endpoint }) => endpoint === 'token').length;
  const before = asked();
  const all: number[] = [];
  for (let i = 0; i < 30; i++) {
    const query = new URLSearchParams({ state, ...(i % 2 ? { code: `made-up-${i}` } : { error: 'access_denied' }) });
    const page = await browser.open(`${server.origin}/auth/callback?${query}`, {
      stopAt: url => url.includes('/auth/login'),
    });
    all.push(page.status);
  }
  expect(all.filter(status => status === 429)).toHaveLength(20);
  expect(asked() - before).toBe(5);
});
