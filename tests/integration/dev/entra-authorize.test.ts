import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { type Entra, personNames, startEntra } from '../../../dev/entra/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { authorizeUrl, backAs, type Form, REDIRECT_URI, SECRET, stopAt } from './entra-fixture.ts';

const HOME = 'http://localhost:1/';

let entra: Entra;
beforeAll(async () => {
  entra = await startEntra({ redirectUris: [REDIRECT_URI, HOME], clientSecret: SECRET });
});
afterAll(() => entra.stop());
afterEach(() => vi.useRealTimers());

/** A browser in which somebody has signed in. */
async function signedIn(who: 'ada' | 'grace' = 'ada'): Promise<Browser> {
  const browser = new Browser();
  await backAs(entra, who, {}, browser);
  return browser;
}

/** Opens an authorize URL: the page that is shown, or what goes straight back to the application. */
async function open(browser: Browser, change: Form) {
  const page = await browser.open(authorizeUrl(entra, change), { stopAt });
  const text = textOf(page.html);
  return {
    page,
    asks: text.includes('Pick an account') ? 'account' : text.includes('Permissions requested') ? 'consent' : undefined,
    back: page.status === 0 ? new URL(page.url).searchParams : undefined,
  };
}

describe('who signs in', () => {
  test.each(['ada', 'grace', 'foreigner'] as const)('%s comes back with a code, the state and no iss', async who => {
    const back = await backAs(entra, who);
    expect([...back.keys()].sort()).toEqual(['code', 'session_state', 'state']);
    expect(back.get('state')).toBe('the-state');
  });

  test.each([
    ['cancel', 65004],
    ['disabled', 50057],
    ['unassigned', 50105],
  ] as const)('%s comes back with access_denied and AADSTS%d', async (who, number) => {
    const back = await backAs(entra, who);
    expect(back.get('error')).toBe('access_denied');
    expect(back.get('error_description')).toMatch(
      new RegExp(
        `^AADSTS${number}: .+ Trace ID: [0-9a-f-]{36} Correlation ID: [0-9a-f-]{36} Timestamp: \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\dZ$`,
      ),
    );
    expect(back.get('error_uri')).toBe(`https://login.microsoftonline.com/error?code=${number}`);
    expect(back.get('error_subcode')).toBe(who === 'cancel' ? 'cancel' : null);
    expect(back.get('state')).toBe('the-state');
    expect(back.has('code')).toBe(false);
    expect(back.has('iss')).toBe(false);
  });

  test('the picker offers everybody and a way out', async () => {
    const { page } = await open(new Browser(), {});
    expect(page.forms).toHaveLength(1);
    expect(page.forms[0]?.buttons).toEqual([
      ...personNames.map(value => ({ name: 'person', value })),
      { name: 'cancel', value: 'yes' },
    ]);
    for (const person of Object.values(entra.people)) expect(page.html).toContain(person.username);
  });

  test('somebody who is not there is refused', async () => {
    const browser = new Browser();
    const { page } = await open(browser, {});
    const forged = {
      ...page,
      forms: page.forms.map(form => ({ ...form, buttons: [{ name: 'person', value: 'eve' }] })),
    };
    const answer = await browser.submit(forged);
    expect(answer.status).toBe(400);
    expect(textOf(answer.html)).toContain('AADSTS9002313');
  });

  test('a picker is of one browser, and is used once', async () => {
    const browser = new Browser();
    const { page } = await open(browser, {});
    const stolen = await signInAs(new Browser(), page, 'ada');
    expect(stolen.status).toBe(400);
    expect(textOf(stolen.html)).toContain('begun in another browser');
    expect((await signInAs(browser, page, 'ada', { stopAt })).status).toBe(0);
    expect(textOf((await signInAs(browser, page, 'grace', { stopAt })).html)).toContain('this sign-in is over');
  });
});

describe('the session', () => {
  test('who is signed in is not asked again', async () => {
    const { back } = await open(await signedIn(), {});
    expect(back?.get('code')).toMatch(/./);
  });

  test('is of one stand-in, though another runs beside it on the same host', async () => {
    const other = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET });
    try {
      const browser = await signedIn();
      await backAs(other, 'grace', {}, browser);
      expect((await open(browser, { prompt: 'none', login_hint: entra.people.ada.username })).back?.has('code')).toBe(
        true,
      );
    } finally {
      await other.stop();
    }
  });

  test.each(['login', 'select_account'])('prompt=%s asks all the same, and lets somebody else in', async prompt => {
    const browser = await signedIn('ada');
    const { page, asks } = await open(browser, { prompt });
    expect(asks).toBe('account');
    const { url } = await signInAs(browser, page, 'grace', { stopAt });
    expect(new URL(url).searchParams.has('code')).toBe(true);
    const { username } = entra.people.grace;
    expect((await open(browser, { prompt: 'none', login_hint: username })).back?.has('code')).toBe(true);
  });

  test('prompt=consent asks for it, naming the scopes as they were asked', async () => {
    const browser = await signedIn();
    const { page, asks } = await open(browser, { prompt: 'consent' });
    expect(asks).toBe('consent');
    expect(textOf(page.html)).toContain('openid, profile, email, offline_access, User.Read.');
    const accepted = await browser.submit(page, { button: 'accept=yes', stopAt });
    expect(new URL(accepted.url).searchParams.has('code')).toBe(true);
  });

  test('prompt=consent asks who it is first, and declining is AADSTS65004', async () => {
    const browser = new Browser();
    const { page, asks } = await open(browser, { prompt: 'consent' });
    expect(asks).toBe('account');
    const consent = await signInAs(browser, page, 'grace', { stopAt });
    expect(textOf(consent.html)).toContain(entra.people.grace.username);
    const declined = await browser.submit(consent, { button: 'cancel=yes', stopAt });
    expect(new URL(declined.url).searchParams.get('error_description')).toMatch(/^AADSTS65004: /);
  });

  test('prompt=none gives a code to who is signed in, and asks nobody', async () => {
    expect((await open(await signedIn(), { prompt: 'none' })).back?.has('code')).toBe(true);
    const { back } = await open(new Browser(), { prompt: 'none' });
    expect(back?.get('error')).toBe('login_required');
    expect(back?.get('error_description')).toMatch(/^AADSTS50058: /);
    expect(back?.get('state')).toBe('the-state');
  });

  test('prompt=none with another prompt is malformed', async () => {
    const { back } = await open(await signedIn(), { prompt: 'none login' });
    expect(back?.get('error')).toBe('invalid_request');
    expect(back?.get('error_description')).toMatch(/^AADSTS9002313: /);
  });

  test('a login_hint of somebody else asks, with that account in front', async () => {
    const browser = await signedIn('ada');
    const login_hint = entra.people.grace.username;
    expect((await open(browser, { login_hint: entra.people.ada.username })).back?.has('code')).toBe(true);
    const { page, asks } = await open(browser, { login_hint });
    expect(asks).toBe('account');
    expect(page.html.match(/<button[^>]*autofocus[^>]*>/g)?.join()).toMatch(/value="grace"/);
    expect((await open(browser, { login_hint, prompt: 'none' })).back?.get('error')).toBe('login_required');
  });

  test('max_age asks when the sign-in is older', async () => {
    const browser = await signedIn();
    expect((await open(browser, { max_age: '60' })).back?.has('code')).toBe(true);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect((await open(browser, { max_age: '60', prompt: 'none' })).back?.get('error')).toBe('login_required');
    const { page, asks } = await open(browser, { max_age: '60' });
    expect(asks).toBe('account');
    const { url } = await signInAs(browser, page, 'ada', { stopAt });
    expect(new URL(url).searchParams.has('code')).toBe(true);
    expect((await open(browser, { max_age: '60' })).back?.has('code')).toBe(true);
  });

  test('ends for somebody who is disabled meanwhile', async () => {
    const own = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET });
    try {
      const browser = new Browser();
      await backAs(own, 'ada', {}, browser);
      own.disable('ada');
      const silent = await browser.open(authorizeUrl(own, { prompt: 'none' }), { stopAt });
      expect(new URL(silent.url).searchParams.get('error')).toBe('login_required');
      const back = await backAs(own, 'ada', {}, browser);
      expect(back.get('error_description')).toMatch(/^AADSTS50057: /);
      expect((await backAs(own, 'grace')).has('code')).toBe(true);
    } finally {
      await own.stop();
    }
  });
});

describe('signing out', () => {
  const logout = (query: Form) =>
    `${entra.url}/${entra.tenantId}/oauth2/v2.0/logout?${new URLSearchParams(query as Record<string, string>)}`;

  test('ends the session and goes back to where the application says, with the state', async () => {
    const browser = await signedIn();
    const page = await browser.open(logout({ post_logout_redirect_uri: HOME, state: 'bye' }), {
      stopAt: url => url.startsWith(HOME),
    });
    expect(page.url).toBe(`${HOME}?state=bye`);
    expect((await open(browser, { prompt: 'none' })).back?.get('error')).toBe('login_required');
  });

  test.each(['https://attacker.example/', `${HOME}elsewhere`, 'javascript:alert(1)'])(
    'goes not to %s, which is not the application’s',
    async target => {
      const browser = await signedIn();
      const page = await browser.open(logout({ post_logout_redirect_uri: target }));
      expect(page.status).toBe(200);
      expect(page.headers.get('location')).toBeNull();
      expect(textOf(page.html)).toContain('You signed out');
      expect((await open(browser, { prompt: 'none' })).back?.get('error')).toBe('login_required');
    },
  );

  test('of nobody is a page too', async () => {
    expect((await new Browser().open(logout({}))).status).toBe(200);
  });
});

describe('what is refused on a page, and sent nowhere', () => {
  test.each([
    ['a resource parameter', 901002, { resource: 'https://graph.microsoft.com' }],
    ['an empty resource parameter', 901002, { resource: '' }],
    ['another redirect URI', 50011, { redirect_uri: 'http://localhost:1/auth/other' }],
    ['a redirect URI with a query', 50011, { redirect_uri: `${REDIRECT_URI}?a=b` }],
    ['a redirect URI on another host', 50011, { redirect_uri: 'https://attacker.example/auth/callback' }],
    ['another application', 700016, { client_id: '00000000-0000-0000-0000-000000000000' }],
    ['no redirect URI', 9002313, { redirect_uri: undefined }],
    ['no application', 9002313, { client_id: undefined }],
    ['another response_mode', 9002313, { response_mode: 'form_post' }],
  ] as const)('%s: AADSTS%d', async (_what, number, change) => {
    const { page } = await open(await signedIn(), change);
    expect(page.status).toBe(400);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(textOf(page.html)).toContain(`AADSTS${number}: `);
  });

  test('the same in a form, which is served as a query is', async () => {
    const post = (change: Form) => {
      const url = new URL(authorizeUrl(entra, change));
      return fetch(url.origin + url.pathname, { method: 'POST', body: url.searchParams, redirect: 'manual' });
    };
    const refused = await post({ resource: 'https://graph.microsoft.com' });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('AADSTS901002');
    const served = await post({});
    expect(served.status).toBe(303);
    expect(served.headers.get('location')).toContain('/sign-in/');
  });

  test('a page for who does not ask for one, too', async () => {
    const answer = await fetch(authorizeUrl(entra, { redirect_uri: 'http://localhost:1/auth/other' }));
    expect(answer.headers.get('content-type')).toContain('text/html');
  });

  test.each([
    ['redirect_uri', `"><script>alert(1)</script>`],
    ['redirect_uri', `http://localhost:1/'<img src=x onerror=alert(1)>&amp;`],
    ['client_id', `<script>alert(1)</script>`],
    ['response_mode', `<script>alert(1)</script>`],
  ])('%s stands there escaped: %s', async (name, value) => {
    const { page } = await open(new Browser(), { [name]: value });
    expect(page.status).toBe(400);
    expect(page.html).not.toMatch(/<script|<img/);
  });
});

describe('what is refused back to the application', () => {
  test.each([
    ['token', 700051],
    ['id_token', 700054],
    ['code id_token', 700054],
  ])('response_type %s: AADSTS%d, in the fragment', async (response_type, number) => {
    const { page } = await open(await signedIn(), { response_type });
    const answer = new URLSearchParams(new URL(page.url).hash.slice(1));
    expect(answer.get('error')).toBe('unsupported_response_type');
    expect(answer.get('error_description')).toMatch(new RegExp(`^AADSTS${number}: `));
    expect(answer.get('state')).toBe('the-state');
    expect(page.url).not.toContain('iss=');
  });
});

describe('every page', () => {
  test.each([
    ['picker', {}],
    ['error', { resource: 'x' }],
    ['error by the provider', { redirect_uri: 'http://localhost:1/other' }],
  ] as const)('%s: no script, no frame, no cache, no referrer', async (_name, change) => {
    const { page } = await open(new Browser(), change);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
    expect(page.headers.get('cache-control')).toContain('no-store');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.html).not.toMatch(/<script|\son\w+=|https?:\/\/(?!localhost)/);
    expect(page.html).toContain('stand-in for Microsoft Entra ID');
  });
});

describe('on loopback only', () => {
  const ask = (host: string, path = '/') =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ host: '127.0.0.1', port: entra.port, path, headers: { host } }, response => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });

  test('a host that is not loopback is refused, as of a name that was made to lead here', async () => {
    const { pathname, search } = new URL(authorizeUrl(entra));
    for (const host of [
      'attacker.example',
      'localhost.attacker.example',
      '127.0.0.1.attacker.example',
      'localhost@attacker.example',
      '0.0.0.0',
      '10.0.0.1',
    ])
      expect(await ask(`${host}:${entra.port}`, pathname + search), host).toBe(421);
    for (const host of ['localhost', '127.0.0.1', '[::1]'])
      expect(await ask(`${host}:${entra.port}`, pathname + search), host).toBe(303);
  });

  test('a target that names another host or is none is refused, and what follows is served', async () => {
    expect(await ask('localhost', 'http://attacker.example/')).toBe(421);
    expect(await ask('localhost', '//attacker.example/')).toBe(404);
    expect(await ask('localhost', '//')).toBe(404);
    expect(await ask('localhost', '/')).toBe(404);
  });

  test('a body that is too long is refused, with a length or in chunks', async () => {
    const url = `${entra.url}/${entra.tenantId}/oauth2/v2.0/token`;
    const long = 'a'.repeat(64 * 1024 + 1);
    expect((await fetch(url, { method: 'POST', body: long })).status).toBe(413);
    const chunks = { body: new Blob([long]).stream(), duplex: 'half' } as RequestInit;
    expect((await fetch(url, { method: 'POST', ...chunks })).status).toBe(413);
  });

  test('somebody who goes in the middle of a request leaves the others served', async () => {
    const socket = connect(entra.port, '127.0.0.1');
    await once(socket, 'connect');
    const head = `POST /${entra.tenantId}/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n`;
    socket.write(`${head}Expect: 100-continue\r\n\r\n`);
    // Told to continue: the stand-in is reading the body.
    await once(socket, 'data');
    socket.resetAndDestroy();
    expect(await ask('localhost', '/')).toBe(404);
  });

  test('listens at no other address of this computer', async () => {
    const addresses = Object.values(networkInterfaces()).flatMap(each => each ?? []);
    for (const { address } of addresses.filter(({ family, internal }) => family === 'IPv4' && !internal)) {
      const socket = connect(entra.port, address);
      await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
    expect(entra.url).toBe(`http://localhost:${entra.port}`);
  });

  test('a busy port is named', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    try {
      await expect(startEntra({ port, redirectUris: [REDIRECT_URI] })).rejects.toThrow(
        `Port ${port} on 127.0.0.1 is in use`,
      );
    } finally {
      other.close();
    }
  });
});
