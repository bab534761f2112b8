import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  backAtClient,
  type Client,
  claimsOf,
  codeForm,
  obtainCode,
  register,
  token,
} from '../support/flows.ts';

/** A code that was seen on its way is put into somebody else’s sign-in (RFC 9700 section 4.5), with us and with Entra. */
let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
});
afterAll(() => server.stop());

const oidOf = (jwt: string) => claimsOf(jwt).oid;

describe('a code of ours', () => {
  test('of the victim, in the attacker’s own sign-in with the same client, is refused and stays good', async () => {
    const [victim, attacker] = [await obtainCode(server, client, 'grace'), await obtainCode(server, client, 'ada')];
    const injected = codeForm(client, { code: victim.code, verifier: attacker.verifier });
    expect((await token(server, injected)).body.error).toBe('invalid_grant');
    const { body } = await token(server, codeForm(client, victim));
    expect(oidOf(body.access_token)).toBe(server.entra.people.grace.oid);
  });

  test('of the attacker, in the victim’s sign-in, is refused: the victim does not work in the attacker’s account', async () => {
    const [victim, attacker] = [await obtainCode(server, client, 'grace'), await obtainCode(server, client, 'ada')];
    const injected = codeForm(client, { code: attacker.code, verifier: victim.verifier });
    expect((await token(server, injected)).body.error).toBe('invalid_grant');
  });

  test('put together from two codes is none', async () => {
    const [one, two] = [await obtainCode(server, client, 'grace'), await obtainCode(server, client, 'ada')];
    const [kind, signin] = one.code.split('.');
    const mixed = `${kind}.${signin}.${two.code.split('.')[2]}`;
    for (const verifier of [one.verifier, two.verifier]) {
      expect((await token(server, codeForm(client, { code: mixed, verifier }))).body.error).toBe('invalid_grant');
    }
    expect((await token(server, codeForm(client, one))).status).toBe(200);
    expect((await token(server, codeForm(client, two))).status).toBe(200);
  });

  test('is not known before the person is signed in: the name of the sign-in alone makes none', async () => {
    const browser = new Browser();
    const asked = authorizationUrl(server, client);
    const picker = await browser.submit(await browser.open(asked.url), { button: 'decision=approve' });
    const callback = await signInAs(browser, picker, 'ada', { stopAt: url => url.includes('/auth/callback') });
    const signin = new URL(callback.url).searchParams.get('state') ?? '';
    for (const secret of ['A'.repeat(43), '', signin]) {
      const form = codeForm(client, { code: `ac.${signin}.${secret}`, verifier: asked.verifier });
      expect((await token(server, form)).body.error).toBe('invalid_grant');
    }
  });
});

describe('a code of Entra’s', () => {
  const atCallback = (url: string) => url.startsWith(`${server.origin}/auth/callback`);

  /** A browser that has been to Entra, and where it was sent back to. */
  async function signedInAt(who: 'ada' | 'grace', begin: 'client' | 'person' = 'client') {
    const browser = new Browser();
    const asked = authorizationUrl(server, client);
    const picker =
      begin === 'person'
        ? await browser.open(`${server.origin}/auth/login`)
        : await browser.submit(await browser.open(asked.url), { button: 'decision=approve' });
    const { url } = await signInAs(browser, picker, who, { stopAt: atCallback });
    return { browser, asked, callback: new URL(url) };
  }
  const withCode = (of: URL, from: URL) => {
    const url = new URL(of);
    url.searchParams.set('code', from.searchParams.get('code') ?? '');
    return url.href;
  };

  test('of another sign-in never makes anybody that other person: PKCE and nonce are the sign-in’s own', async () => {
    const [victim, attacker] = [await signedInAt('grace'), await signedInAt('ada')];
    for (const [own, other] of [
      [attacker, victim],
      [victim, attacker],
    ] as const) {
      const injected = await own.browser.open(withCode(own.callback, other.callback), { stopAt: backAtClient });
      expect(new URL(injected.url).searchParams.get('code')).toBeNull();
      // The sign-in itself is not lost by it.
      const back = await own.browser.open(own.callback.href, { stopAt: backAtClient });
      const code = new URL(back.url).searchParams.get('code') ?? '';
      const { body } = await token(server, codeForm(client, { code, verifier: own.asked.verifier }));
      expect(oidOf(body.access_token)).toBe(server.entra.people[own === victim ? 'grace' : 'ada'].oid);
    }
  });

  test('of a client’s sign-in opens no session, and one of a session no client', async () => {
    const [session, attacker] = [await signedInAt('grace', 'person'), await signedInAt('ada')];
    const page = await session.browser.open(withCode(session.callback, attacker.callback));
    expect(page.html).not.toContain('Ada Lovelace');
    expect((await session.browser.open(`${server.origin}/`)).html).not.toContain('Ada Lovelace');
  });

  test('that Entra gave to another redirect URI is not taken', async () => {
    const { entra } = server;
    const { browser, callback } = await signedInAt('ada');
    const direct = new URL(`${entra.url}/${entra.tenantId}/oauth2/v2.0/authorize`);
    direct.search = new URLSearchParams({
      client_id: entra.clientId,
      redirect_uri: `${server.origin}/`,
      response_type: 'code',
      scope: 'openid profile',
      state: 'x',
    }).toString();
    const stray = await browser.open(direct.href, { stopAt: url => url.startsWith(`${server.origin}/?`) });
    const back = await browser.open(withCode(callback, new URL(stray.url)), { stopAt: backAtClient });
    expect(new URL(back.url).searchParams.get('error')).toBe('server_error');
    expect(new URL(back.url).searchParams.get('code')).toBeNull();
  });
});
