import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { createDocumentHosts } from '../../support/document-hosts.ts';
import { authorizationUrl, backAtClient, type Client, register } from '../../support/flows.ts';

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ fetchDocument: createDocumentHosts().fetchDocument });
  client = await register(server);
});
afterAll(() => server.stop());

/** What somebody who makes a link would like a page of ours to say. */
const LURE = 'Zq7-call-555-0100-to-unlock';

/** A page that says what happened, what to do, and a number; and nothing of the link. */
function expectOwnWords(page: Page): void {
  expect(`${page.html} ${JSON.stringify([...page.headers])}`.toLowerCase()).not.toContain(LURE.toLowerCase());
  if (page.status < 400) return;
  const text = textOf(page.html);
  expect(text).toMatch(/\. .+\./);
  expect(text).toMatch(/Correlation ID.* [0-9a-f]{32}/);
}

/** Goes to Entra and comes back with an answer of our making; `state` is that of the sign-in. */
async function comeBack(browser: Browser, atEntra: string, answer: Record<string, string>): Promise<Page> {
  const callback = new URL(`${server.origin}/auth/callback`);
  callback.search = new URLSearchParams({
    state: new URL(atEntra).searchParams.get('state') ?? '',
    ...answer,
  }).toString();
  return browser.open(callback.href, { stopAt: backAtClient });
}

const atEntra = (url: string) => url.startsWith(server.entra.url);

/** A sign-in of a person without a client, as far as Entra. */
async function begin(browser: Browser): Promise<string> {
  return (await browser.open(`${server.origin}/auth/login`, { stopAt: atEntra })).url;
}

/** A client's sign-in, approved, as far as Entra. */
async function approve(browser: Browser): Promise<string> {
  const consent = await browser.open(authorizationUrl(server, client).url);
  return (await browser.submit(consent, { button: 'decision=approve', stopAt: atEntra })).url;
}

describe('no page shows text that came in the URL as if it were ours', () => {
  test.each([
    'client_id',
    'redirect_uri',
    'response_type',
    'response_mode',
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'max_age',
    'scope',
    'state',
    'nonce',
    'login_hint',
    'resource',
    'dpop_jkt',
    'request',
    'request_uri',
    'error',
    'error_description',
    LURE,
  ])('authorize: %s', async name => {
    for (const value of [LURE, `https://client.example/${LURE}`]) {
      const { url } = authorizationUrl(server, client, { [name]: value });
      expectOwnWords(await new Browser().open(url));
      expectOwnWords(await new Browser().open(`${url}&${name}=${LURE}`));
    }
  });

  test.each(['signin', 'prompt', 'to', 'error', 'error_description', LURE])('login: %s', async name => {
    const url = `${server.origin}/auth/login?${name}=${LURE}`;
    const page = await new Browser().open(url, { stopAt: atEntra });
    // At Entra nothing of it arrives either.
    expect(page.url).not.toContain(atEntra(page.url) ? LURE : '\0');
    expectOwnWords(page);
    expectOwnWords(await new Browser().open(`${url}&${name}=${LURE}`, { stopAt: atEntra }));
  });

  test.each(['state', 'error', 'error_description', 'error_uri', 'code', 'session_state', 'iss', LURE])(
    'callback: %s',
    async name => {
      for (const start of [begin, approve]) {
        const browser = new Browser();
        const page = await comeBack(browser, await start(browser), { error: 'server_error', [name]: LURE });
        expect(page.url).not.toContain(backAtClient(page.url) ? LURE : '\0');
        expectOwnWords(page);
      }
      expectOwnWords(await new Browser().open(`${server.origin}/auth/callback?${name}=${LURE}`));
      const browser = new Browser();
      const again = new URL(await begin(browser)).searchParams.get('state');
      expectOwnWords(
        await browser.open(`${server.origin}/auth/callback?state=${again}&${name}=${LURE}&${name}=${LURE}`),
      );
    },
  );

  test('callback: a code that Entra refuses', async () => {
    const browser = new Browser();
    expectOwnWords(await comeBack(browser, await begin(browser), { code: LURE }));
  });

  test.each(['request', 'decision', 'scope', LURE])('consent: %s', async name => {
    const browser = new Browser();
    const consent = await browser.open(authorizationUrl(server, client).url);
    const page = await browser.submit(consent, {
      button: 'decision=approve',
      fields: { [name]: name === 'decision' ? undefined : LURE },
      stopAt: url => atEntra(url) || backAtClient(url),
    });
    expect(page.url).not.toContain(LURE);
    expectOwnWords(page);
    expectOwnWords(await browser.open(`${server.origin}/oauth/consent?${name}=${LURE}`));
  });

  test.each(['csrf', 'post_logout_redirect_uri', 'state', LURE])('logout: %s', async name => {
    const browser = new Browser();
    expectOwnWords(await browser.open(`${server.origin}/auth/logout?${name}=${LURE}`));
    const landing = await signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'ada');
    const forms = landing.forms.filter(form => form.action.endsWith('/auth/logout'));
    expectOwnWords(await browser.submit({ ...landing, forms }, { fields: { [name]: LURE } }));
    expectOwnWords(await browser.open(`${server.origin}/auth/logout?${name}=${LURE}`));
  });

  test.each(['notice', 'error', 'q', LURE])('landing and account: %s', async name => {
    for (const path of ['/', '/account']) {
      expectOwnWords(await new Browser().open(`${server.origin}${path}?${name}=${LURE}`, { stopAt: atEntra }));
    }
  });
});

describe('a form’s address that is opened by itself is a page', () => {
  test('the consent form’s', async () => {
    const page = await new Browser().open(`${server.origin}/oauth/consent`);
    expect(page.status).toBe(400);
    expect(textOf(page.html)).toContain('Go back to the application and sign in again.');
  });

  test('the sign-out’s, which then signs nobody out', async () => {
    const browser = new Browser();
    await signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'ada');
    expect((await browser.open(`${server.origin}/auth/logout`)).status).toBe(403);
    expect(textOf((await browser.open(server.origin)).html)).toContain('Ada Lovelace');
  });
});

describe('what Entra refuses', () => {
  test.each([
    ['access_denied', 65004, 'access_denied', 'You cancelled'],
    ['access_denied', 50105, 'access_denied', 'not assigned'],
    ['access_denied', 53003, 'access_denied', 'conditional access'],
    ['access_denied', 90095, 'access_denied', 'consent'],
    ['invalid_grant', 50053, 'access_denied', 'locked'],
    ['invalid_grant', 50173, 'login_required', 'session with Microsoft has ended'],
    ['login_required', 50058, 'login_required', 'not signed in'],
    ['interaction_required', 50079, 'interaction_required', 'second proof'],
    ['interaction_required', 16000, 'account_selection_required', 'choose one'],
    ['consent_required', 65001, 'consent_required', 'consent'],
    ['unauthorized_client', 700016, 'server_error', 'AUTH_CLIENT_ID'],
    ['temporarily_unavailable', 90033, 'temporarily_unavailable', 'busy'],
  ])(
    '%s AADSTS%i is %s for the client that was approved, and words for a person',
    async (error, number, code, words) => {
      const answer = { error, error_description: `AADSTS${number}: Entra's own words.` };
      const approved = new Browser();
      const back = new URL((await comeBack(approved, await approve(approved), answer)).url);
      expect(Object.fromEntries(back.searchParams)).toEqual({
        error: code,
        error_description: expect.stringMatching(new RegExp(`${words}.* AADSTS${number}$`)),
        state: expect.stringMatching(/^[\w-]{22}$/),
        iss: server.origin,
      });

      const alone = new Browser();
      const page = await comeBack(alone, await begin(alone), answer);
      const isBusy = code === 'temporarily_unavailable';
      expect(page.status).toBe(isBusy ? 503 : 403);
      expect(page.headers.get('retry-after')).toBe(isBusy ? '60' : null);
      const text = textOf(page.html);
      for (const part of [words, `AADSTS${number}`]) expect(text).toContain(part);
      expect(text).not.toContain('own words');
    },
  );
});
