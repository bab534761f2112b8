import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  backAtClient,
  type Client,
  codeForm,
  register,
  token,
} from '../../support/flows.ts';

let server: AppServer;
let client: Client;
/** What happens while an instance has asked Entra; once. */
let meanwhile: (() => Promise<unknown>) | undefined;
beforeAll(async () => {
  server = await startAppServer({
    instances: 2,
    fetch: async (...request) => {
      const answer = await fetch(...request);
      const act = meanwhile;
      meanwhile = undefined;
      await act?.();
      return answer;
    },
  });
  client = await register(server, { client_name: 'A <b>client</b>' });
});
afterAll(() => server.stop());

const atOwn = (path: string) => (url: string) => url.startsWith(`${server.origin}${path}`);
const atEntra = (url: string) => url.startsWith(server.entra.url);
const consentOf = (browser: Browser) => browser.open(authorizationUrl(server, client).url);
const approve = 'decision=approve';
/** A parameter of a request to Entra. */
const sent = (page: Page, name: string) => new URL(page.url).searchParams.get(name);
/** Where the same sign-in can be gone on with: its name is the `state` that Entra got. */
const loginAgain = (page: Page) => `${server.origin}/auth/login?signin=${sent(page, 'state')}`;

describe('the consent page', () => {
  test('names host, client, scopes and redirect URI, warns of loopback, and cannot be framed or kept', async () => {
    const page = await consentOf(new Browser());
    const text = textOf(page.html);
    for (const each of [
      'localhost',
      'A &lt;b&gt;client&lt;/b&gt;',
      'http://localhost:33418/callback',
      'Save and delete notes',
    ]) {
      expect(text).toContain(each);
    }
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('content-security-policy')).not.toContain('form-action');
    expect(page.headers.get('cache-control')).toContain('no-store');
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('comes before anything goes to Entra or into storage (PX-58)', async () => {
    const before = server.entra.requests.length;
    await consentOf(new Browser());
    expect(server.entra.requests.length).toBe(before);
  });

  test('"No" goes back to the client as access_denied, with state and iss', async () => {
    const browser = new Browser();
    const asked = authorizationUrl(server, client);
    const back = await browser.submit(await browser.open(asked.url), { button: 'decision=deny', stopAt: backAtClient });
    expect(Object.fromEntries(new URL(back.url).searchParams)).toMatchObject({
      error: 'access_denied',
      state: asked.state,
      iss: server.origin,
    });
  });

  test('scopes that are unticked are not granted, staying signed in among them', async () => {
    const browser = new Browser();
    const asked = authorizationUrl(server, client);
    const page = await browser.open(asked.url);
    const picker = await browser.submit(page, {
      button: approve,
      fields: { scope: ['notes:read'] },
      stopAt: backAtClient,
    });
    const back = await signInAs(browser, picker, 'ada', { stopAt: backAtClient });
    const code = new URL(back.url).searchParams.get('code') ?? '';
    const { body } = await token(server, codeForm(client, { code, verifier: asked.verifier }));
    expect(body.scope).toBe('notes:read');
    expect(body.refresh_token).toBeUndefined();
  });

  test('with nothing ticked there is no sign-in', async () => {
    const browser = new Browser();
    const page = await consentOf(browser);
    const refused = await browser.submit(page, { button: approve, fields: { scope: ['offline_access'] } });
    expect([refused.status, refused.url]).toEqual([400, `${server.origin}/oauth/consent`]);
  });

  test('a scope that was not asked cannot be ticked, nor staying signed in', async () => {
    const browser = new Browser();
    const unrenewed = await register(server, { grant_types: ['authorization_code'] });
    const asked = authorizationUrl(server, unrenewed, { scope: 'notes:read' });
    const page = await browser.open(asked.url);
    const fields = { scope: ['notes:read', 'notes:write', 'profile', 'offline_access'] };
    const picker = await browser.submit(page, { button: approve, fields, stopAt: backAtClient });
    const back = await signInAs(browser, picker, 'ada', { stopAt: backAtClient });
    const code = new URL(back.url).searchParams.get('code') ?? '';
    const { body } = await token(server, codeForm(unrenewed, { code, verifier: asked.verifier }));
    expect([body.scope, body.refresh_token]).toEqual(['notes:read', undefined]);
  });
});

describe('a sign-in belongs to the browser in which it began', () => {
  test('consent: another browser cannot approve', async () => {
    const page = await consentOf(new Browser());
    for (const browser of [new Browser(), await browserWithOwnCookie()]) {
      expect((await browser.submit(page, { button: approve })).status).toBeGreaterThanOrEqual(400);
    }
  });

  test('consent: another site cannot post it', async () => {
    const browser = new Browser();
    const page = await consentOf(browser);
    const elsewhere = { ...page, url: 'https://evil.example/page', headers: new Headers() };
    expect((await browser.submit(elsewhere, { button: approve })).status).toBe(403);
  });

  test('login: another browser cannot go on, and the first one still can', async () => {
    const first = new Browser();
    const login = loginAgain(await first.submit(await consentOf(first), { button: approve, stopAt: atEntra }));
    expect((await (await browserWithOwnCookie()).open(login)).status).toBe(403);
    expect((await new Browser().open(login)).status).toBe(403);
    expect((await first.open(login)).url).toContain(server.entra.url);
  });

  test('callback: another browser gets nothing, and the first one still does', async () => {
    const first = new Browser();
    const picker = await first.submit(await consentOf(first), { button: approve });
    const callback = await signInAs(first, picker, 'ada', { stopAt: atOwn('/auth/callback') });
    for (const browser of [new Browser(), await browserWithOwnCookie()]) {
      const page = await browser.open(callback.url, { stopAt: backAtClient });
      expect(page.status).toBe(403);
      expect(page.html).not.toContain('code=');
    }
    const back = await first.open(callback.url, { stopAt: backAtClient });
    expect(new URL(back.url).searchParams.get('code')).toBeTruthy();
  });

  test('callback: an error of Entra’s too', async () => {
    const first = new Browser();
    const picker = await first.submit(await consentOf(first), { button: approve });
    const callback = await signInAs(first, picker, 'cancel', { stopAt: atOwn('/auth/callback') });
    expect((await (await browserWithOwnCookie()).open(callback.url, { stopAt: backAtClient })).status).toBe(403);
  });

  test('a cookie that nobody signed is none', async () => {
    const browser = new Browser();
    const page = await consentOf(browser);
    const port = new URL(server.origin).port;
    const name = `mcp-signin-${port}`;
    expect(browser.cookies.names()).toContain(name);
    browser.cookies.store(new URL(server.origin), [`${name}=${'A'.repeat(43)}.${'B'.repeat(43)}; Path=/`]);
    expect((await browser.submit(page, { button: approve })).status).toBe(403);
  });

  test('two sign-ins at once in one browser both finish', async () => {
    const browser = new Browser();
    const [one, two] = [authorizationUrl(server, client), authorizationUrl(server, client)];
    const pages = [await browser.open(one.url), await browser.open(two.url)];
    const ends: string[] = [];
    for (const page of pages) {
      const next = await browser.submit(page, { button: approve, stopAt: backAtClient });
      ends.push(
        backAtClient(next.url) ? next.url : (await signInAs(browser, next, 'ada', { stopAt: backAtClient })).url,
      );
    }
    expect(ends.map(end => new URL(end).searchParams.get('state'))).toEqual([one.state, two.state]);
    for (const end of ends) expect(new URL(end).searchParams.get('code')).toBeTruthy();
  });

  async function browserWithOwnCookie() {
    const browser = new Browser();
    await consentOf(browser);
    return browser;
  }
});

describe('each step is single use', () => {
  test('an approval that is posted twice is one sign-in', async () => {
    const browser = new Browser();
    const page = await consentOf(browser);
    const one = await browser.submit(page, { button: approve, stopAt: atEntra });
    const two = await browser.submit(page, { button: approve, stopAt: atEntra });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(sent(two, name)).toBe(sent(one, name));
  });

  test('an approval that is narrowed on the way back counts as narrowed', async () => {
    const browser = new Browser();
    const asked = authorizationUrl(server, client);
    const page = await browser.open(asked.url);
    await browser.submit(page, { button: approve, stopAt: atEntra });
    const picker = await browser.submit(page, { button: approve, fields: { scope: ['notes:read'] } });
    const back = await signInAs(browser, picker, 'ada', { stopAt: backAtClient });
    const code = new URL(back.url).searchParams.get('code') ?? '';
    const { body } = await token(server, codeForm(client, { code, verifier: asked.verifier }));
    expect([body.scope, body.refresh_token]).toEqual(['notes:read', undefined]);
    // And once somebody is signed in by it, the page is over.
    expect((await browser.submit(page, { button: approve, stopAt: backAtClient })).status).toBe(400);
  });

  test('an approval that is taken back leads nowhere', async () => {
    const browser = new Browser();
    const page = await consentOf(browser);
    const login = loginAgain(await browser.submit(page, { button: approve, stopAt: atEntra }));
    await browser.submit(page, { button: 'decision=deny', stopAt: backAtClient });
    expect((await browser.open(login)).status).toBe(400);
  });

  test('nor does one that is taken back while Entra is asked for the person', async () => {
    const browser = new Browser();
    const page = await consentOf(browser);
    const picker = await browser.submit(page, { button: approve });
    const callback = await signInAs(browser, picker, 'ada', { stopAt: atOwn('/auth/callback') });
    meanwhile = () => browser.submit(page, { button: 'decision=deny', stopAt: backAtClient });
    const back = await browser.open(callback.url, { stopAt: backAtClient });
    expect([meanwhile, back.status, backAtClient(back.url)]).toEqual([undefined, 400, false]);
  });

  test('the callback, reloaded within 30 seconds, leads to the same code; later it is over', async () => {
    const browser = new Browser();
    const picker = await browser.submit(await consentOf(browser), { button: approve });
    const callback = await signInAs(browser, picker, 'ada', { stopAt: atOwn('/auth/callback') });
    const first = await browser.open(callback.url, { stopAt: backAtClient });
    expect((await browser.open(callback.url, { stopAt: backAtClient })).url).toBe(first.url);
    const forged = callback.url.replace(/code=[^&]+/, 'code=other');
    expect((await browser.open(forged, { stopAt: backAtClient })).status).toBe(400);
    server.clock.advance(31);
    expect((await browser.open(callback.url, { stopAt: backAtClient })).status).toBe(400);
  });

  test('20 callbacks at once lead to one code', async () => {
    const browser = new Browser();
    const picker = await browser.submit(await consentOf(browser), { button: approve });
    const callback = await signInAs(browser, picker, 'ada', { stopAt: atOwn('/auth/callback') });
    const pages = await Promise.all(
      Array.from({ length: 20 }, () => browser.open(callback.url, { stopAt: backAtClient })),
    );
    for (const page of pages) expect(page.url).not.toContain('error=');
    const codes = new Set(
      pages.filter(page => backAtClient(page.url)).map(page => new URL(page.url).searchParams.get('code')),
    );
    expect([...codes]).toEqual([expect.stringMatching(/^ac\./)]);
  });

  test('a consent page that was left open for ten minutes is over', async () => {
    const browser = new Browser();
    const page = await consentOf(browser);
    server.clock.advance(601);
    expect((await browser.submit(page, { button: approve })).status).toBe(400);
  });

  test('a sign-in that took more than ten minutes is over', async () => {
    const browser = new Browser();
    const onTheWay = await browser.submit(await consentOf(browser), { button: approve, stopAt: atEntra });
    const login = loginAgain(onTheWay);
    const picker = await browser.open(onTheWay.url);
    const callback = await signInAs(browser, picker, 'ada', { stopAt: atOwn('/auth/callback') });
    server.clock.advance(601);
    expect((await browser.open(callback.url, { stopAt: backAtClient })).status).toBe(400);
    expect((await browser.open(login, { stopAt: atEntra })).status).toBe(400);
  });
});

describe('what comes back from Entra', () => {
  const outcome = async (who: Parameters<typeof approveAndSignIn>[2]) => {
    const asked = authorizationUrl(server, client);
    const back = new URL(await approveAndSignIn(new Browser(), asked.url, who));
    expect(back.searchParams.get('state')).toBe(asked.state);
    expect(back.searchParams.get('iss')).toBe(server.origin);
    return back.searchParams;
  };

  test.each([
    ['cancel', 'AADSTS65004'],
    ['disabled', 'AADSTS50057'],
    ['unassigned', 'AADSTS50105'],
  ] as const)('%s: the client is told access_denied, in plain words', async (who, code) => {
    const parameters = await outcome(who);
    expect(parameters.get('error')).toBe('access_denied');
    expect(parameters.get('code')).toBeNull();
    expect(parameters.get('error_description')).toContain(code);
  });

  test.each([
    ['another nonce', { nonce: 'other' }],
    ['another audience', { aud: '00000000-0000-0000-0000-000000000000' }],
    ['another issuer', { iss: 'https://login.evil.example/v2.0' }],
    ['an expiry long ago', { exp: 1_000_000_000 }],
    ['no person', { oid: undefined }],
  ])('an id token with %s is refused', async (_name, change) => {
    await server.entra.spoilIdTokens({ claims: claims => ({ ...claims, ...change }) });
    expect((await outcome('ada')).get('error')).toBe('server_error');
    await server.entra.spoilIdTokens(undefined);
  });

  test('an id token whose signature does not verify is refused', async () => {
    await server.entra.spoilIdTokens({ forged: true });
    expect((await outcome('ada')).get('error')).toBe('server_error');
    await server.entra.spoilIdTokens(undefined);
  });

  test.each(['constructor', '__proto__', 'toString', 'invented'])(
    'an error named %s is one of the server',
    async error => {
      const browser = new Browser();
      const asked = authorizationUrl(server, client);
      const page = await browser.submit(await browser.open(asked.url), { button: approve, stopAt: atEntra });
      const state = new URL(page.url).searchParams.get('state');
      const callback = `${server.origin}/auth/callback?error=${error}&state=${state}`;
      const back = new URL((await browser.open(callback, { stopAt: backAtClient })).url);
      expect(back.searchParams.get('error')).toBe('server_error');
    },
  );

  test('Entra’s code redeemed, and the answer not stored: the sign-in goes on with a new one', async () => {
    const browser = new Browser();
    const picker = await browser.submit(await consentOf(browser), { button: approve });
    const callback = await signInAs(browser, picker, 'ada', { stopAt: atOwn('/auth/callback') });
    const { entra } = server;
    // Somebody redeems it before us, and nothing of it reaches the table.
    const code = new URL(callback.url).searchParams.get('code') ?? '';
    await fetch(`${entra.url}/${entra.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: entra.clientId,
        client_secret: entra.clientSecret ?? '',
        code,
        redirect_uri: `${server.origin}/auth/callback`,
        code_verifier: 'x'.repeat(43),
      }),
    });
    const back = await browser.open(callback.url, { stopAt: backAtClient });
    expect(backAtClient(back.url)).toBe(true);
  });

  test('nothing of ours ever carries a resource to Entra (AADSTS901002)', async () => {
    await outcome('ada');
    const sent = server.entra.requests.flatMap(request => request.parameters);
    expect(sent).toContain('code_challenge');
    expect(sent).not.toContain('resource');
  });

  test('an outage of Entra’s token endpoint is 503, and the same callback works afterwards', async () => {
    const browser = new Browser();
    const picker = await browser.submit(await consentOf(browser), { button: approve });
    const callback = await signInAs(browser, picker, 'ada', { stopAt: atOwn('/auth/callback') });
    for (const fault of ['outage', 'reset', 'garbage'] as const) {
      server.entra.fail('token', fault);
      const page = await browser.open(callback.url, { stopAt: backAtClient });
      expect([page.status, page.headers.get('retry-after')], fault).toEqual([503, '5']);
    }
    server.entra.fail('token', undefined);
    expect(
      new URL((await browser.open(callback.url, { stopAt: backAtClient })).url).searchParams.get('code'),
    ).toBeTruthy();
  });
});

test('the log of all this, at DEBUG, holds the steps and not one secret', async () => {
  const browser = new Browser();
  const asked = authorizationUrl(server, client);
  const lines = server.logLines.length;
  const back = new URL(await approveAndSignIn(browser, asked.url));
  const code = back.searchParams.get('code') ?? '';
  const { body } = await token(server, codeForm(client, { code, verifier: asked.verifier }));
  const log = server.logLines.slice(lines).join('\n');
  for (const event of [
    'authorization requested',
    'consent given',
    'Entra has signed a person in',
    '"act":"connected"',
  ]) {
    expect(log).toContain(event);
  }
  const secrets = [
    code.split('.')[2],
    asked.verifier,
    body.access_token.split('.')[2],
    body.refresh_token.split('.')[2],
    server.entra.clientSecret,
  ];
  for (const secret of secrets) {
    expect(secret?.length).toBeGreaterThan(20);
    expect(log).not.toContain(secret);
  }
});
