import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import { type Choice, signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  claimsOf,
  codeForm,
  post,
  REDIRECT_URI,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
import { countTrips } from '../../support/storage-faults.ts';

const CALLBACK = 'https://client.example/callback';
const OTHER_CALLBACK = 'https://client.example/other';

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
});
afterAll(() => server.stop());

const newClient = (name: string) =>
  register(server, { client_name: name, redirect_uris: [CALLBACK, OTHER_CALLBACK, REDIRECT_URI] });
const stopAt = (url: string) => url.startsWith('https://client.example/') || url.startsWith(REDIRECT_URI);
const isPage = (page: Page) => textOf(page.html).includes('Allow this app?');
const isPicker = (page: Page) => page.url.startsWith(server.entra.url);

const isAtEntra = (url: string) => url.startsWith(server.entra.url);

/** The parameters that a browser takes to Entra after an approval. */
async function sentToEntra(browser: Browser, consent: Page): Promise<Record<string, string>> {
  const { url } = await browser.submit(consent, { button: 'decision=approve', stopAt: isAtEntra });
  return Object.fromEntries(new URL(url).searchParams);
}

type Change = Record<string, string | undefined>;

function ask(change: Change = {}) {
  return authorizationUrl(server, client, { redirect_uri: CALLBACK, ...change });
}

/** Asks, approves where the page comes, signs in, and redeems the code. */
async function signIn(
  browser: Browser,
  { change = {}, who = 'ada', scope }: { change?: Change; who?: Choice; scope?: string[] } = {},
) {
  // The newest grant decides, by the millisecond.
  server.clock.advance(1);
  const asked = ask(change);
  let page = await browser.open(asked.url, { stopAt });
  const wasAsked = isPage(page);
  const fields = scope ? { fields: { scope } } : {};
  if (wasAsked) page = await browser.submit(page, { button: 'decision=approve', ...fields, stopAt });
  if (isPicker(page)) page = await signInAs(browser, page, who, { stopAt });
  if (isPage(page)) return { wasAsked, askedAgain: page };
  const back = new URL(page.url);
  const { body } = await token(server, {
    ...codeForm(client, { code: back.searchParams.get('code') ?? '', verifier: asked.verifier }),
    redirect_uri: undefined,
  });
  return { wasAsked, back, tokens: body };
}

describe('an approval for an https redirect URI', () => {
  beforeAll(async () => {
    client = await newClient('Remembered');
  });

  test('is asked for once, and the page is skipped in this browser then', async () => {
    const browser = new Browser();
    expect(await signIn(browser)).toMatchObject({
      wasAsked: true,
      tokens: { scope: 'profile notes:read notes:write' },
    });
    const again = await signIn(browser);
    expect(again).toMatchObject({ wasAsked: false, tokens: { scope: 'profile notes:read notes:write' } });
    expect(again.back?.searchParams.get('iss')).toBe(server.origin);
  });

  test('is of no use in another browser, without the session', async () => {
    await signIn(new Browser());
    expect(await signIn(new Browser())).toMatchObject({ wasAsked: true });
  });

  test('covers less, also after less was asked, and not more', async () => {
    const browser = new Browser();
    client = await newClient('Narrow and wide');
    expect(await signIn(browser, { change: { scope: 'profile notes:read' } })).toMatchObject({ wasAsked: true });
    const narrower = await signIn(browser, { change: { scope: 'profile' } });
    expect(narrower).toMatchObject({ wasAsked: false, tokens: { scope: 'profile' } });
    expect(await signIn(browser, { change: { scope: 'profile notes:read' } })).toMatchObject({ wasAsked: false });
    expect(await signIn(browser, { change: { scope: 'profile notes:write' } })).toMatchObject({ wasAsked: true });
  });

  test('is what was left ticked, by the last word', async () => {
    const browser = new Browser();
    client = await newClient('Unticked');
    await signIn(browser);
    await signIn(browser, { change: { prompt: 'consent' }, scope: ['profile'] });
    expect(await signIn(browser, { change: { scope: 'profile' } })).toMatchObject({ wasAsked: true });
    await signIn(browser, { change: { prompt: 'consent', scope: 'profile' }, scope: ['profile', 'offline_access'] });
    expect(await signIn(browser, { change: { scope: 'profile' } })).toMatchObject({ wasAsked: false });
    expect(await signIn(browser)).toMatchObject({ wasAsked: true });
  });

  test('is for this redirect URI and this client alone', async () => {
    const browser = new Browser();
    client = await newClient('One of two');
    await signIn(browser);
    expect(await signIn(browser, { change: { redirect_uri: OTHER_CALLBACK } })).toMatchObject({ wasAsked: true });
    client = await newClient('Two of two');
    expect(await signIn(browser)).toMatchObject({ wasAsked: true });
  });

  test('is asked for whatever was approved with prompt=consent, which never reaches Entra', async () => {
    const browser = new Browser();
    client = await newClient('Prompts');
    await signIn(browser);
    const page = await browser.open(ask({ prompt: 'consent' }).url, { stopAt });
    expect(isPage(page)).toBe(true);
    expect(await sentToEntra(browser, page)).not.toHaveProperty('prompt');
  });

  test('ends with the grant that came of it', async () => {
    const browser = new Browser();
    client = await newClient('Revoked');
    const first = await signIn(browser);
    await post(server, '/oauth/revoke', { client_id: client.client_id, token: first.tokens?.refresh_token });
    // By the very first page: nothing went to Entra before it.
    const page = await browser.open(ask().url, { stopAt: isAtEntra });
    expect([isPage(page), new URL(page.url).pathname]).toEqual([true, '/oauth/authorize']);
  });

  test('ends with the session', async () => {
    const browser = new Browser();
    client = await newClient('Session over');
    await signIn(browser);
    const landing = await browser.open(server.origin);
    const form = landing.forms.find(({ action }) => action.endsWith('/auth/logout'));
    const csrf = form?.fields.find(({ name }) => name === 'csrf')?.value;
    await browser.submit(landing, { button: `csrf=${csrf}`, stopAt: isAtEntra });
    expect(await signIn(browser)).toMatchObject({ wasAsked: true });
  });

  test('costs no page, and the sign-in stays a renewable one', async () => {
    const browser = new Browser();
    client = await newClient('Renewed');
    await signIn(browser);
    const { tokens } = await signIn(browser);
    const { status } = await token(server, refreshForm(client, tokens?.refresh_token ?? ''));
    expect(status).toBe(200);
  });
});

describe('where another person comes back from Entra', () => {
  beforeAll(async () => {
    client = await newClient('Two people');
  });

  test('they are asked before there is any code, and are then the one who is signed in', async () => {
    const browser = new Browser();
    await signIn(browser);
    const { askedAgain } = await signIn(browser, { who: 'grace', change: { prompt: 'select_account' } });
    expect(textOf(askedAgain?.html ?? '')).toContain(server.entra.people.grace.name);
    if (!askedAgain) return;
    const denied = await browser.submit(askedAgain, { button: 'decision=deny', stopAt });
    expect(new URL(denied.url).searchParams.get('error')).toBe('access_denied');

    const asked = ask({ prompt: 'select_account' });
    const picker = await browser.open(asked.url, { stopAt });
    // The session is Grace's now, who has approved nothing.
    expect(isPage(picker)).toBe(true);
  });

  test('their approval is theirs', async () => {
    const browser = new Browser();
    await signIn(browser);
    const asked = ask({ prompt: 'select_account' });
    const picker = await browser.open(asked.url, { stopAt });
    const page = await signInAs(browser, picker, 'grace', { stopAt });
    expect(isPage(page)).toBe(true);
    let back = await browser.submit(page, { button: 'decision=approve', stopAt });
    if (isPicker(back)) back = await signInAs(browser, back, 'grace', { stopAt });
    const { body } = await token(server, {
      ...codeForm(client, { code: new URL(back.url).searchParams.get('code') ?? '', verifier: asked.verifier }),
      redirect_uri: undefined,
    });
    expect(claimsOf(body.access_token).oid).toBe(server.entra.people.grace.oid);
    expect(await signIn(browser, { who: 'grace' })).toMatchObject({ wasAsked: false });
  });

  test('with prompt=none the client is told, and no page comes', async () => {
    const browser = new Browser();
    await signIn(browser);
    // Grace signs in to Entra meanwhile, and has not come back here yet: our session is still Ada's.
    const elsewhere = await browser.open(`${server.origin}/auth/login?prompt=select_account`);
    await signInAs(browser, elsewhere, 'grace', { stopAt: url => url.startsWith(server.origin) });
    const session = await browser.open(ask({ prompt: 'none' }).url, { stopAt });
    expect(new URL(session.url).searchParams.get('error')).toBe('interaction_required');
  });
});

describe('prompt=none', () => {
  beforeAll(async () => {
    client = await newClient('Silent');
  });

  test('is a page while nobody has ever signed in to the client (RFC 9700 section 4.11.2)', async () => {
    const page = await new Browser().open(ask({ prompt: 'none' }).url, { stopAt });
    expect(page.status).toBe(400);
    expect(textOf(page.html)).toContain('your approval is needed');
  });

  test('is interaction_required for a client that is in use', async () => {
    await signIn(new Browser());
    const page = await new Browser().open(ask({ prompt: 'none' }).url, { stopAt });
    expect(Object.fromEntries(new URL(page.url).searchParams)).toMatchObject({
      error: 'interaction_required',
      iss: server.origin,
    });
  });

  test('is a sign-in without any page where Entra and we remember the person', async () => {
    const browser = new Browser();
    await signIn(browser);
    const silent = await browser.open(ask({ prompt: 'none' }).url, { stopAt });
    expect(new URL(silent.url).searchParams.get('code')).toMatch(/^ac\./);
  });

  test('goes with no other value', async () => {
    const page = await new Browser().open(ask({ prompt: 'none login' }).url, { stopAt });
    expect(page.status).toBe(400);
  });
});

describe('storage round trips, counted where they leave the process', () => {
  const count = async (work: () => Promise<unknown>) => (await countTrips(server.storage.accountName, work)).trips;

  test('a first sign-in 8, one that is remembered 8', async () => {
    client = await newClient('Counted');
    await signIn(new Browser());
    const browser = new Browser();
    expect(await count(() => signIn(browser))).toBeLessThanOrEqual(8);
    expect(await count(() => signIn(browser))).toBeLessThanOrEqual(8);
  });
});

test('a loopback redirect URI is asked for every time', async () => {
  client = await newClient('Loopback');
  const browser = new Browser();
  await signIn(browser, { change: { redirect_uri: REDIRECT_URI } });
  expect(await signIn(browser, { change: { redirect_uri: REDIRECT_URI } })).toMatchObject({ wasAsked: true });
});

test('prompt, max_age and hints reach Entra, hints cut', async () => {
  client = await newClient('Passed on');
  const browser = new Browser();
  const page = await browser.open(
    ask({
      prompt: 'login consent',
      max_age: '300',
      login_hint: 'ada@contoso.example',
      domain_hint: 'x'.repeat(400),
    }).url,
    { stopAt },
  );
  expect(await sentToEntra(browser, page)).toMatchObject({
    prompt: 'login',
    max_age: '300',
    login_hint: 'ada@contoso.example',
    domain_hint: 'x'.repeat(320),
  });
});

test.each([
  ['max_age', '-1'],
  ['max_age', 'soon'],
  ['dpop_jkt', 'x'],
  ['request', 'e30.e30.'],
  ['request_uri', 'https://client.example/request'],
])('%s=%s is a page, and nothing goes on', async (name, value) => {
  client = await newClient('Mistaken');
  const page = await new Browser().open(ask({ [name]: value }).url, { stopAt });
  expect(page.status).toBe(400);
});
