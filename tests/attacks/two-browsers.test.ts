import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Browser, type Page } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { authorizationUrl, type Client, claimsOf, codeForm, register, token } from '../support/flows.ts';

/**
 * An attacker has approved his own client in his own browser, and sends the victim a link from the middle of that
 * sign-in. At no door does it sign the victim in to his client, or him in to be the victim.
 */
const EVIL = 'https://attacker.example/callback';
const backAtEvil = (url: string) => url.startsWith(EVIL);
const approve = 'decision=approve';

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server, { client_name: 'Free gift cards', redirect_uris: [EVIL] });
});
afterAll(() => server.stop());

const atEntra = (url: string) => url.startsWith(server.entra.url);
const atCallback = (url: string) => url.startsWith(`${server.origin}/auth/callback`);

/** The attacker's sign-in, as far as he has come. */
let attacker: Browser;
let asked: ReturnType<typeof authorizationUrl>;
let consent: Page;
let entraLink: string;
let signinId: string;

beforeEach(async () => {
  attacker = new Browser();
  asked = authorizationUrl(server, client, { redirect_uri: EVIL });
  consent = await attacker.open(asked.url);
  entraLink = (await attacker.submit(consent, { button: approve, stopAt: atEntra })).url;
  signinId = new URL(entraLink).searchParams.get('state') ?? '';
});

/** A browser that has no cookie of ours, one that begins a sign-in of its own, and one with a live session. */
const VICTIMS: [string, () => Promise<Browser>][] = [
  ['who was never here', async () => new Browser()],
  [
    'with a sign-in under way',
    async () => {
      const browser = new Browser();
      await browser.open(authorizationUrl(server, client, { redirect_uri: EVIL }).url);
      return browser;
    },
  ],
  [
    'who is signed in',
    async () => {
      const browser = new Browser();
      await signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'grace');
      return browser;
    },
  ],
];

/** A page that tells the person, with no word of the attacker's, and no cookie. */
function expectRefused(page: Page): void {
  expect([page.status, backAtEvil(page.url)]).toEqual([403, false]);
  expect(page.html).not.toContain('attacker.example');
  expect(page.html).not.toContain('gift');
  expect(page.headers.getSetCookie()).toEqual([]);
}

/** What the attacker can still make of his sign-in: his own code, and nobody else’s. */
async function expectAttackerIsHimself(): Promise<void> {
  const back = await signInAs(attacker, await attacker.open(entraLink), 'ada', { stopAt: backAtEvil });
  const code = new URL(back.url).searchParams.get('code') ?? '';
  const form = { ...codeForm(client, { code, verifier: asked.verifier }), redirect_uri: EVIL };
  const { body } = await token(server, form);
  expect(claimsOf(body.access_token).oid).toBe(server.entra.people.ada.oid);
}

describe.each(VICTIMS)('a victim %s', (_name, newVictim) => {
  test('opens the link to authorize: is asked, and goes nowhere by itself', async () => {
    const victim = await newVictim();
    for (const prompt of [undefined, 'consent', 'login']) {
      const link = authorizationUrl(server, client, { redirect_uri: EVIL, ...(prompt ? { prompt } : {}) });
      const page = await victim.open(link.url, { stopAt: backAtEvil });
      expect([page.status, page.forms.length]).toEqual([200, 1]);
    }
    const silent = authorizationUrl(server, client, { redirect_uri: EVIL, prompt: 'none' });
    expect((await victim.open(silent.url, { stopAt: backAtEvil })).url).not.toContain('code=');
  });

  test('is made to post the attacker’s consent page, from his site or as if from ours', async () => {
    const victim = await newVictim();
    const elsewhere = { ...consent, url: 'https://attacker.example/page', headers: new Headers() };
    for (const page of [consent, elsewhere]) {
      for (const button of [approve, 'decision=deny']) {
        expectNothingDone(await victim.submit(page, { button, stopAt: backAtEvil }));
      }
    }
    await expectAttackerIsHimself();
  });

  test('opens /auth/login?signin= of the attacker', async () => {
    const victim = await newVictim();
    expectRefused(await victim.open(`${server.origin}/auth/login?signin=${signinId}`, { stopAt: backAtEvil }));
    await expectAttackerIsHimself();
  });

  test('opens the attacker’s link to Entra and signs in there: comes back to a refusal', async () => {
    const victim = await newVictim();
    // Who is signed in at Entra is not asked there.
    const page = await victim.open(entraLink, { stopAt: backAtEvil });
    expectRefused(atEntra(page.url) ? await signInAs(victim, page, 'grace', { stopAt: backAtEvil }) : page);
    await expectAttackerIsHimself();
  });

  test('opens the attacker’s callback, with his code or with an error', async () => {
    const victim = await newVictim();
    const callback = await signInAs(attacker, await attacker.open(entraLink), 'ada', { stopAt: atCallback });
    const errors = ['access_denied', 'login_required', 'server_error', 'temporarily_unavailable'].map(
      error => `${server.origin}/auth/callback?state=${signinId}&error=${error}&error_description=AADSTS50105`,
    );
    for (const link of [callback.url, ...errors, `${server.origin}/auth/callback?state=${signinId}`]) {
      expectRefused(await victim.open(link, { stopAt: backAtEvil }));
    }
    const back = await attacker.open(callback.url, { stopAt: backAtEvil });
    expect(new URL(back.url).searchParams.get('code')).toBeTruthy();
    // Even now, when the sign-in is through, and its answer would be repeated to the attacker.
    expectRefused(await victim.open(callback.url, { stopAt: backAtEvil }));
  });

  test('opens the callback of a sign-in without a client: is not signed in as the attacker', async () => {
    const victim = await newVictim();
    const before = (await victim.open(`${server.origin}/`)).html.includes('Grace Hopper');
    const own = new Browser();
    const picker = await own.open(`${server.origin}/auth/login`);
    const callback = await signInAs(own, picker, 'ada', { stopAt: atCallback });
    expectRefused(await victim.open(callback.url));
    const state = new URL(callback.url).searchParams.get('state') ?? '';
    expectRefused(await victim.open(`${server.origin}/auth/login?signin=${state}`));
    const page = await victim.open(`${server.origin}/`);
    expect(page.html).not.toContain('Ada Lovelace');
    expect(page.html.includes('Grace Hopper')).toBe(before);
    // The attacker himself is let in, once; then the link is worth nothing to anybody else either.
    expect((await own.open(callback.url)).html).toContain('Ada Lovelace');
    expect((await victim.open(callback.url)).html).not.toContain('Ada Lovelace');
  });
});

function expectNothingDone(page: Page): void {
  expect(page.status).toBeGreaterThanOrEqual(400);
  expect(page.status).toBeLessThan(500);
  expect(backAtEvil(page.url)).toBe(false);
  expect(page.html).not.toContain('attacker.example');
}
