/** Tokens for APIs at the Entra stand-in, what it wants of a person before it gives one, and the Graph that takes them. */
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { type Entra, type PersonName, startEntra } from '../../../dev/entra/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import {
  authorizeUrl,
  codeForm,
  codeOf,
  REDIRECT_URI,
  refreshForm,
  SECRET,
  stopAt,
  token,
  tokensOf,
} from './entra-fixture.ts';

const CALENDAR = 'https://graph.microsoft.com/Calendars.Read';

let entra: Entra;
beforeEach(async () => {
  entra = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET });
});
afterEach(() => entra.stop());

const refreshTokenOf = async (who: PersonName = 'ada') => (await tokensOf(entra, who)).refresh_token;
const ask = async (refreshToken: string, scope: string, claims?: string) =>
  (await token(entra, { ...refreshForm(entra, refreshToken), scope, claims })).body;
const graph = (bearer: string, path: string) =>
  fetch(`${entra.url}/graph/v1.0${path}`, { headers: { authorization: `Bearer ${bearer}` } });

test('a token is for the API of its scopes, which stand in it without the API, and Graph takes its own alone', async () => {
  const refreshToken = await refreshTokenOf();
  const own = await ask(refreshToken, CALENDAR);
  expect(decodeJwt(own.access_token)).toMatchObject({
    aud: '00000003-0000-0000-c000-000000000000',
    scp: 'Calendars.Read',
  });
  const other = await ask(refreshToken, 'api://billing/Invoices.Read');
  expect(decodeJwt(other.access_token)).toMatchObject({ aud: 'api://billing', scp: 'Invoices.Read' });
  expect((await graph(own.access_token, '/me/calendarView')).status).toBe(400);
  expect((await graph(other.access_token, '/me/calendarView')).status).toBe(401);
});

describe('Graph', () => {
  test('tells a person’s profile and photo, where there is one', async () => {
    const [ada, grace] = [await tokensOf(entra, 'ada'), await tokensOf(entra, 'grace')];
    const { oid, name, jobTitle, officeLocation } = entra.people.ada;
    expect(await (await graph(ada.access_token, '/me')).json()).toMatchObject({
      id: oid,
      displayName: name,
      jobTitle,
      officeLocation,
    });
    expect(await (await graph(grace.access_token, '/me')).json()).toMatchObject({ jobTitle: null });
    const photo = await graph(ada.access_token, '/me/photos/48x48/$value');
    expect([photo.status, photo.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect((await graph(grace.access_token, '/me/photos/48x48/$value')).status).toBe(404);
  });

  test('tells the events of a day, as many as are asked, to who has the scope', async () => {
    const refreshToken = await refreshTokenOf();
    const path = '/me/calendarView?startDateTime=2026-11-02T10:00:00Z&endDateTime=2026-11-03T10:00:00Z';
    const { access_token } = await ask(refreshToken, CALENDAR);
    const { value } = (await (await graph(access_token, path)).json()) as { value: { start: { dateTime: string } }[] };
    expect(value.map(({ start }) => start.dateTime.slice(0, 13))).toEqual([
      '2026-11-02T13',
      '2026-11-02T16',
      '2026-11-03T09',
    ]);
    const two = (await (await graph(access_token, `${path}&$top=2`)).json()) as { value: unknown[] };
    expect(two.value).toHaveLength(2);
    expect((await graph((await ask(refreshToken, 'User.Read')).access_token, path)).status).toBe(403);
  });
});

describe('consent', () => {
  test('that a person lacks is AADSTS65001, for those scopes and that person alone', async () => {
    const [ada, grace] = [await refreshTokenOf('ada'), await refreshTokenOf('grace')];
    entra.requireConsent('ada', ['Calendars.Read']);
    expect(await ask(ada, CALENDAR)).toMatchObject({
      error: 'invalid_grant',
      error_codes: [65001],
      suberror: 'consent_required',
    });
    expect((await ask(ada, 'User.Read')).access_token).toBeTruthy();
    expect((await ask(grace, CALENDAR)).access_token).toBeTruthy();
  });

  test('is asked for at a sign-in that wants those scopes, and counts from then on', async () => {
    const refreshToken = await refreshTokenOf();
    entra.requireConsent('ada', ['Calendars.Read']);
    const browser = new Browser();
    const picker = await browser.open(authorizeUrl(entra, { scope: `openid profile ${CALENDAR}` }));
    const page = await signInAs(browser, picker, 'ada', { stopAt });
    expect(textOf(page.html)).toContain(CALENDAR);
    const back = await browser.submit(page, { button: 'accept=yes', stopAt });
    expect(new URL(back.url).searchParams.get('code')).toBeTruthy();
    expect((await ask(refreshToken, CALENDAR)).access_token).toBeTruthy();
  });

  test('that is declined is AADSTS65004, and still lacks', async () => {
    const refreshToken = await refreshTokenOf();
    entra.requireConsent('ada', ['Calendars.Read']);
    const browser = new Browser();
    const picker = await browser.open(authorizeUrl(entra, { scope: `openid profile ${CALENDAR}` }));
    const page = await signInAs(browser, picker, 'ada', { stopAt });
    const back = await browser.submit(page, { button: 'cancel=yes', stopAt });
    expect(new URL(back.url).searchParams.get('error_description')).toContain('AADSTS65004');
    expect((await ask(refreshToken, CALENDAR)).error_codes).toEqual([65001]);
  });
});

describe('an authentication context', () => {
  test('that Entra demands for a scope is AADSTS50076 until a sign-in was asked with its claims', async () => {
    const refreshToken = await refreshTokenOf();
    entra.challenge('ada', { scope: CALENDAR });
    const refused = await ask(refreshToken, CALENDAR);
    expect(refused).toMatchObject({ error: 'invalid_grant', error_codes: [50076], suberror: 'basic_action' });
    expect((await ask(refreshToken, 'User.Read')).access_token).toBeTruthy();

    const code = await codeOf(entra, 'ada', { claims: refused.claims });
    const { body } = await token(entra, { ...codeForm(entra, code), scope: CALENDAR, claims: refused.claims });
    expect(decodeJwt(body.access_token)).toMatchObject({ acrs: ['c1'], scp: 'Calendars.Read' });
    expect((await ask(refreshToken, CALENDAR)).error_codes, 'of the earlier sign-in').toEqual([50076]);
  });

  test('that Graph demands is a claims challenge, which leads to a token that it takes', async () => {
    const first = await tokensOf(entra, 'ada');
    entra.challenge('ada', 'graph', 'c2');
    // Only for an application that has said it understands one.
    const silent = await graph(first.access_token, '/me');
    expect([silent.status, silent.headers.get('www-authenticate')]).toEqual([401, null]);
    const capable = await ask(first.refresh_token, 'User.Read', '{"access_token":{"xms_cc":{"values":["CP1"]}}}');
    expect(decodeJwt(capable.access_token).xms_cc).toEqual(['CP1']);
    const refused = await graph(capable.access_token, '/me');
    expect(refused.status).toBe(401);
    const challenge = refused.headers.get('www-authenticate') ?? '';
    expect(challenge).toContain('error="insufficient_claims"');
    const claims = Buffer.from(/claims="([^"]+)"/.exec(challenge)?.[1] ?? '', 'base64').toString();

    expect((await ask(first.refresh_token, 'User.Read', claims)).error_codes).toEqual([50076]);
    const code = await codeOf(entra, 'ada', { claims });
    const { body } = await token(entra, { ...codeForm(entra, code), scope: 'User.Read', claims });
    expect((await graph(body.access_token, '/me')).status).toBe(200);
    const grace = await tokensOf(entra, 'grace');
    expect((await graph(grace.access_token, '/me')).status).toBe(200);
  });
});
