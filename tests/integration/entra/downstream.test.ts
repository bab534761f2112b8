/** Tokens of other APIs for tools, as the person, and what Entra wants of the person before it gives one. */
import { TableClient } from '@azure/data-tables';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';
import type { PersonName } from '../../../dev/entra/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { claimsChallenge } from '../../../src/mcp/claims-challenge.ts';
import { defineTool } from '../../../src/mcp/define-tool.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import {
  type Client,
  callTool,
  claimsOf,
  connect,
  obtainCode,
  post,
  refreshForm,
  type Tokens,
  token,
} from '../../support/flows.ts';
import { type StorageProxy, startStorageProxy } from '../../support/storage-faults.ts';

/** Gives the token itself, so that a test can look into it. No tool should. */
const askEntra = defineTool({
  name: 'ask_entra',
  title: 'Ask Entra',
  description: 'Asks for a token of another API.',
  scopes: [],
  input: z.object({ scopes: z.array(z.string()), claims: z.string().optional() }),
  output: z.object({ token: z.string(), expiresAt: z.number() }),
  handler: ({ scopes, claims }, { tokenFor }) => tokenFor(scopes, claims ? { claims } : {}),
});

/** Reads the profile from Graph, and meets a claims challenge of Graph's as a tool should. */
const askGraph = defineTool({
  name: 'ask_graph',
  title: 'Ask Graph',
  description: 'Asks Graph who the person is.',
  scopes: [],
  input: z.object({}),
  output: z.object({ name: z.string(), calls: z.number() }),
  async handler(_args, { tokenFor, graph, signal }) {
    const ask = async (claims?: string) => {
      const { token: bearer } = await tokenFor(['User.Read'], claims ? { claims } : {});
      return graph.fetch(`${graph.url}/me`, { headers: { authorization: `Bearer ${bearer}` }, signal });
    };
    let [response, calls] = [await ask(), 1];
    const claims = claimsChallenge(response);
    if (claims) [response, calls] = [await ask(claims), 2];
    const { displayName } = (await response.json()) as { displayName: string };
    return { name: displayName, calls };
  },
});

let server: AppServer;
let proxy: StorageProxy;
/** What a test puts into the way to Entra. */
let onFetch: (form: URLSearchParams) => Promise<Response | undefined>;
const untouched: typeof onFetch = async () => undefined;

beforeAll(async () => {
  server = await startAppServer({
    tools: [askEntra, askGraph],
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
    fetch: async (input, init) =>
      (await onFetch(new URLSearchParams(String(init?.body ?? '')))) ?? (await fetch(input, init)),
  });
});
afterEach(() => {
  onFetch = untouched;
  server.entra.fail('token', undefined);
  proxy.refuse(undefined);
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});
onFetch = untouched;

const GRAPH = '00000003-0000-0000-c000-000000000000';

const ask = (tokens: Tokens, scopes: string[], claims?: string) =>
  callTool(server, tokens.access_token, 'ask_entra', { scopes, ...(claims ? { claims } : {}) });

type Answer = Awaited<ReturnType<typeof ask>>;

/** The token that a call has got. */
function given({ status, body }: Answer): string {
  expect([status, body.error, body.result?.isError]).toEqual([200, undefined, undefined]);
  return String(body.result?.structuredContent?.token);
}

function refusal({ status, body }: Answer): string {
  expect([status, body.result?.isError]).toEqual([200, true]);
  return body.result?.content[0]?.text ?? '';
}

/** The address that a refused call names. */
function linkOf(answer: Answer): string {
  const link = /Open (\S+) in a browser within 10 minutes, then try again\./.exec(refusal(answer))?.[1];
  if (!link) throw new Error(`No address in: ${refusal(answer)}`);
  return link;
}

/** How often Entra was asked for a token since. */
function countAsks(): () => number {
  const count = () => server.entra.requests.filter(({ grantType }) => grantType === 'refresh_token').length;
  const before = count();
  return () => count() - before;
}

const goOn = (browser: Browser, page: Page, stopAt?: (url: string) => boolean) =>
  browser.submit(page, stopAt ? { stopAt } : {});
const atCallback = (url: string) => url.startsWith(`${server.origin}/auth/callback`);

/** Opens the address, goes on, chooses a person at Entra, and accepts where she is asked to. */
async function visit(browser: Browser, link: string, who: PersonName, stopAt: (url: string) => boolean = () => false) {
  let page = await goOn(browser, await browser.open(link), stopAt);
  if (page.html.includes('Pick an account')) page = await signInAs(browser, page, who, { stopAt });
  if (page.html.includes('Permissions requested')) page = await browser.submit(page, { button: 'accept=yes', stopAt });
  return page;
}

async function grantRow(tokens: Tokens): Promise<Record<string, unknown>> {
  const { sub, gid } = claimsOf(tokens.access_token);
  const table = TableClient.fromConnectionString(server.storage.connectionString, 'grants', {
    allowInsecureConnection: true,
  });
  return table.getEntity(String(sub), `g.${gid}`);
}

/** Ada without consent to a scope, and the address that she gets. */
async function withoutConsent(scope: string, who: PersonName = 'ada') {
  const connected = await connect(server, who);
  server.entra.requireConsent(who, [scope]);
  const answer = await ask(connected.tokens, [scope]);
  return { ...connected, scope, answer, link: linkOf(answer) };
}

const CONTEXT = JSON.stringify({ access_token: { acrs: { essential: true, value: 'c1' } } });

describe('a token of another API', () => {
  test('is of the person and for that API alone, and Entra’s tokens are in no log', async () => {
    const ada = await connect(server, 'ada');
    const graph = given(await ask(ada.tokens, ['https://graph.microsoft.com/Mail.Read', 'User.Read']));
    expect(claimsOf(graph)).toMatchObject({ aud: GRAPH, oid: server.entra.people.ada.oid, scp: 'User.Read Mail.Read' });
    const other = given(await ask(ada.tokens, ['api://other/Things.Read']));
    expect(claimsOf(other)).toMatchObject({ aud: 'api://other', oid: server.entra.people.ada.oid, scp: 'Things.Read' });
    const lines = server.logLines.join('\n');
    for (const each of [graph, other]) expect(lines).not.toContain(each.split('.')[2]);
  });

  test('is asked for once, however many ask at the same moment', async () => {
    const { tokens } = await connect(server, 'ada');
    const asks = countAsks();
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(tokens, ['User.Read'])));
    expect(new Set(answers.map(given)).size).toBe(1);
    expect(asks()).toBe(1);
  });

  test('is never another person’s, nor another sign-in’s', async () => {
    const [ada, again, grace] = [
      await connect(server, 'ada'),
      await connect(server, 'ada'),
      await connect(server, 'grace'),
    ];
    const all = [];
    for (const { tokens } of [ada, again, grace]) all.push(given(await ask(tokens, ['User.Read'])));
    expect(new Set(all).size).toBe(3);
    expect(all.map(each => claimsOf(each).oid)).toEqual(
      (['ada', 'ada', 'grace'] as const).map(name => server.entra.people[name].oid),
    );
  });

  test('goes with its sign-in, remembered or not', async () => {
    const { client, tokens } = await connect(server, 'ada');
    given(await ask(tokens, ['User.Read']));
    const asks = countAsks();
    await post(server, '/oauth/revoke', { client_id: client.client_id, token: tokens.refresh_token });
    expect((await ask(tokens, ['User.Read'])).status).toBe(401);
    expect(asks()).toBe(0);
  });

  test.each([
    ['scopes of two APIs', ['User.Read', 'api://other/Things.Read']],
    ['no scope', []],
    ['two scopes in one', ['User.Read Mail.Read']],
  ])('%s: a mistake of the tool, which the log tells and the caller does not learn', async (_what, scopes) => {
    const { tokens } = await connect(server, 'ada');
    const asks = countAsks();
    const { body } = await ask(tokens, scopes);
    expect(body.error).toMatchObject({ code: -32603, message: expect.stringContaining('The log has it under') });
    expect(server.logLines.at(-1)).toContain('scopes of one API at a time');
    expect(asks()).toBe(0);
  });

  test('claims that are no claims request are a mistake of the tool', async () => {
    const { tokens } = await connect(server, 'ada');
    for (const claims of ['not JSON', '[]', `{"a":"${'x'.repeat(2_000)}"}`]) {
      expect((await ask(tokens, ['User.Read'], claims)).body.error).toMatchObject({ code: -32603 });
    }
  });

  test('cannot be had with a token for scripts, which is told', async () => {
    const browser = new Browser();
    await signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), 'ada');
    const landing = await browser.open(`${server.origin}/`);
    const issued = await browser.submit(landing, { button: 'action=issue-token' });
    const jwt = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(issued.html)?.[0] ?? '';
    const answer = await callTool(server, jwt, 'ask_entra', { scopes: ['User.Read'] });
    expect(refusal(answer)).toContain('A token for scripts');
  });

  test.each(['outage', 'reset', 'garbage'] as const)('Entra down (%s): 503, and nothing is remembered', async fault => {
    const { tokens } = await connect(server, 'ada');
    server.entra.fail('token', fault);
    const down = await ask(tokens, ['User.Read']);
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '5']);
    server.entra.fail('token', undefined);
    given(await ask(tokens, ['User.Read']));
  });

  test('storage down: 503', async () => {
    const { tokens } = await connect(server, 'ada');
    proxy.refuse({ matches: ({ url = '' }) => url.includes('/grants('), status: 403 });
    expect((await ask(tokens, ['User.Read'])).status).toBe(503);
  });

  test('that Entra refuses for good is told in words, without an address', async () => {
    const { tokens } = await connect(server, 'guest');
    server.entra.disable('guest');
    const text = refusal(await ask(tokens, ['User.Read']));
    expect(text).toContain('Your account is disabled. (AADSTS50057)');
    expect(text).not.toContain('http');
  });

  test.each([
    ['a policy that a sign-in can meet', 53003, 'message_only', CONTEXT, true],
    ['a policy that none can meet', 53003, undefined, undefined, false],
    ['a refresh token that has expired', 700082, 'bad_token', undefined, true],
    ['an error that is not known here', 99999, undefined, undefined, true],
    ['an account that is gone', 50034, undefined, undefined, false],
  ])(
    '%s (AADSTS%i): an address where a visit helps, and only there',
    async (_what, number, suberror, claims, helps) => {
      const { tokens } = await connect(server, 'ada');
      onFetch = async form => {
        if (form.get('grant_type') !== 'refresh_token') return undefined;
        const error = { error: 'invalid_grant', error_description: `AADSTS${number}: no.`, suberror, claims };
        return Response.json(error, { status: 400 });
      };
      const text = refusal(await ask(tokens, ['User.Read']));
      expect(text).toContain(`AADSTS${number}`);
      expect(text.includes('/auth/interaction?id=')).toBe(helps);
    },
  );

  test('that this server’s own credential does not get is a fault here, and no refusal', async () => {
    const { tokens } = await connect(server, 'ada');
    onFetch = async form =>
      form.get('grant_type') === 'refresh_token'
        ? Response.json({ error: 'invalid_client', error_description: 'AADSTS7000222: expired' }, { status: 401 })
        : undefined;
    expect((await ask(tokens, ['User.Read'])).body.error).toMatchObject({ code: -32603 });
    expect(server.logLines.at(-1)).toContain('AADSTS7000222');
  });
});

describe('consent that is missing', () => {
  test('is told with an address; a visit there leads to a working second call, with no session and no redirect', async () => {
    const { tokens, answer, link, scope } = await withoutConsent('Calendars.Read');
    expect(refusal(answer)).toContain('The application lacks consent. (AADSTS65001)');
    const browser = new Browser();
    const page = await browser.open(link);
    expect(textOf(page.html)).toContain('“ A test ”');
    expect(textOf(page.html)).toContain('Calendars.Read');
    expect(page.html).not.toContain(server.entra.people.ada.username);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const before = (await grantRow(tokens)).upstreamTokens0;
    const done = await visit(browser, link, 'ada');
    expect([done.status, textOf(done.html)]).toEqual([200, expect.stringContaining('Go back to your application')]);
    expect(done.headers.getSetCookie()).toEqual([]);
    expect((await grantRow(tokens)).upstreamTokens0).not.toBe(before);
    expect(claimsOf(given(await ask(tokens, [scope]))).scp).toBe(scope);
  });

  test('looking at the address uses nothing up, and asks nothing of Entra', async () => {
    const { link } = await withoutConsent('Calendars.Read');
    const before = server.entra.requests.length;
    for (let i = 0; i < 3; i++) expect((await new Browser().open(link)).status).toBe(200);
    expect(server.entra.requests.length).toBe(before);
    expect((await visit(new Browser(), link, 'ada')).status).toBe(200);
  });

  test('is asked of Entra with the scopes, the claims and no prompt', async () => {
    const { link } = await withoutConsent('Calendars.Read');
    const browser = new Browser();
    const atEntra = await goOn(browser, await browser.open(link), url => url.startsWith(server.entra.url));
    const { searchParams } = new URL(atEntra.url);
    expect(searchParams.get('scope')?.split(' ')).toEqual(expect.arrayContaining(['openid', 'Calendars.Read']));
    expect(searchParams.has('prompt')).toBe(false);
  });

  test('what comes back is looked at ten times a minute: no more events, no more questions to Entra', async () => {
    const { link } = await withoutConsent('Calendars.Read');
    const browser = new Browser();
    const atEntra = await goOn(browser, await browser.open(link), url => url.startsWith(server.entra.url));
    const state = new URL(atEntra.url).searchParams.get('state') ?? '';
    const tokenRequests = () => server.entra.requests.filter(({ endpoint }) => endpoint === 'token').length;
    const before = tokenRequests();
    const statuses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const query = new URLSearchParams({ state, ...(i % 2 ? { code: `made-up-${i}` } : { error: 'access_denied' }) });
      statuses.push((await browser.open(`${server.origin}/auth/callback?${query}`)).status);
    }
    expect(statuses.filter(status => status === 429)).toHaveLength(10);
    expect(tokenRequests() - before).toBe(5);
    const events = server.logLines.filter(line => line.includes('sign-in refused') && line.includes(state));
    expect(events).toHaveLength(10);
  });

  test('the address is good once', async () => {
    const { link } = await withoutConsent('Calendars.Read');
    const browser = new Browser();
    await visit(browser, link, 'ada');
    for (const each of [browser, new Browser()]) {
      const again = await each.open(link);
      expect([again.status, textOf(again.html)]).toEqual([400, expect.stringContaining('was already used')]);
    }
  });

  test('another person comes back: nothing is kept, and the right one can still go on', async () => {
    const { link, tokens, scope } = await withoutConsent('Calendars.Read');
    const before = (await grantRow(tokens)).upstreamTokens0;
    const browser = new Browser();
    const refused = await visit(browser, link, 'grace');
    expect([refused.status, textOf(refused.html)]).toEqual([403, expect.stringContaining('somebody else')]);
    expect((await grantRow(tokens)).upstreamTokens0).toBe(before);
    const audited = server.logLines.find(line => line.includes('another person than the grant’s'));
    expect(audited).toContain(server.entra.people.grace.oid);
    const again = /href="(\/auth\/interaction[^"]+)"/.exec(refused.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const done = await visit(browser, `${server.origin}${again}`, 'ada');
    expect(done.status).toBe(200);
    given(await ask(tokens, [scope]));
  });

  test('who the id token names counts, whatever account was picked', async () => {
    const { link, tokens } = await withoutConsent('Calendars.Read');
    const before = (await grantRow(tokens)).upstreamTokens0;
    await server.entra.spoilIdTokens({ claims: claims => ({ ...claims, oid: server.entra.people.guest.oid }) });
    expect((await visit(new Browser(), link, 'ada')).status).toBe(403);
    await server.entra.spoilIdTokens(undefined);
    expect((await grantRow(tokens)).upstreamTokens0).toBe(before);
  });

  test('another browser half-way is refused, and changes nothing for the first', async () => {
    const { link, tokens, scope } = await withoutConsent('Calendars.Read');
    const [mine, other] = [new Browser(), new Browser()];
    const otherPage = await other.open(link);
    const back = await visit(mine, link, 'ada', atCallback);
    expect((await other.open(back.url)).status).toBe(403);
    expect((await goOn(other, otherPage)).status).toBe(400);
    expect((await other.open(link)).status).toBe(400);
    expect((await mine.open(back.url)).status).toBe(200);
    given(await ask(tokens, [scope]));
  });

  test('the form is refused without this browser’s cookie, and from another site', async () => {
    const { link } = await withoutConsent('Calendars.Read');
    const form = { id: new URL(link).searchParams.get('id') ?? '' };
    const first = await fetch(link);
    await first.text();
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const bare = await post(server, '/auth/interaction', form, { 'sec-fetch-site': 'same-origin' });
    const foreign = await post(server, '/auth/interaction', form, { cookie, 'sec-fetch-site': 'cross-site' });
    expect([bare.status, foreign.status]).toEqual([403, 403]);
    expect((await visit(new Browser(), link, 'ada')).status).toBe(200);
  });

  test('the grant has ended meanwhile: told before Entra, and after; nothing is kept', async () => {
    const { link, client, tokens } = await withoutConsent('Calendars.Read');
    const browser = new Browser();
    const page = await browser.open(link);
    const back = await visit(browser, link, 'ada', atCallback);
    await post(server, '/oauth/revoke', { client_id: client.client_id, token: tokens.refresh_token });
    for (const answer of [await goOn(browser, page), await browser.open(link), await browser.open(back.url)]) {
      expect([answer.status, textOf(answer.html)]).toEqual([403, expect.stringContaining('access has ended')]);
    }
    expect(await grantRow(tokens)).not.toHaveProperty('upstreamTokens0');
  });

  test('"Cancel" at Entra is a page that offers to try again, and does', async () => {
    const { link, tokens, scope } = await withoutConsent('Calendars.Read');
    const browser = new Browser();
    const picker = await goOn(browser, await browser.open(link));
    const cancelled = await signInAs(browser, picker, 'cancel');
    expect([cancelled.status, textOf(cancelled.html)]).toEqual([403, expect.stringContaining('AADSTS65004')]);
    const again = /href="(\/auth\/interaction[^"]+)"/.exec(cancelled.html)?.[1] ?? '';
    expect((await visit(browser, `${server.origin}${again}`, 'ada')).status).toBe(200);
    given(await ask(tokens, [scope]));
  });

  test('storage down when it is to be kept: 503, nothing lost; a lost reply of it is no failure', async () => {
    const { link, tokens, scope } = await withoutConsent('Calendars.Read');
    const browser = new Browser();
    const back = await visit(browser, link, 'ada', atCallback);
    proxy.refuse({ matches: ({ method, url = '' }) => method === 'PUT' && url.includes('/grants('), status: 403 });
    expect((await browser.open(back.url)).status).toBe(503);
    proxy.refuse(undefined);
    const spent = await browser.open(back.url);
    expect(textOf(spent.html)).toContain('Try again');
    const lost = proxy.loseNextReply(({ method, url = '' }) => method === 'PUT' && url.includes('/grants('));
    expect((await visit(browser, link, 'ada')).status).toBe(200);
    await lost;
    given(await ask(tokens, [scope]));
  });

  test.each(['', 'x', '0'.repeat(28)])('an address that was made up (%j) leads nowhere', async id => {
    expect((await new Browser().open(`${server.origin}/auth/interaction?id=${id}`)).status).toBe(400);
  });

  test('another sign-in’s name is no interaction’s', async () => {
    const client = await connect(server);
    const { code } = await obtainCode(server, client.client);
    const id = code.split('.')[1] ?? '';
    expect((await new Browser().open(`${server.origin}/auth/interaction?id=${id}`)).status).toBe(400);
  });
});

describe('a stronger sign-in', () => {
  async function challenged(): Promise<{ client: Client; tokens: Tokens; link: string }> {
    server.entra.challenge('grace', { scope: 'Files.Read' });
    const { client, tokens } = await connect(server, 'grace');
    const answer = await ask(tokens, ['Files.Read']);
    expect(refusal(answer)).toContain('a second proof that it is you. (AADSTS50076)');
    return { client, tokens, link: linkOf(answer) };
  }

  test('that Entra demands is asked for with its claims, and kept for the second call', async () => {
    const { tokens, link } = await challenged();
    const browser = new Browser();
    const atEntra = await goOn(browser, await browser.open(link), url => url.startsWith(server.entra.url));
    expect(JSON.parse(new URL(atEntra.url).searchParams.get('claims') ?? '')).toMatchObject(JSON.parse(CONTEXT));
    expect((await visit(browser, link, 'grace')).status).toBe(200);
    expect(claimsOf(given(await ask(tokens, ['Files.Read'])))).toMatchObject({ scp: 'Files.Read', acrs: ['c1'] });
  });

  test('is not lost to a renewal that comes in between, nor the renewal to it', async () => {
    const { client, tokens, link } = await challenged();
    let renewed: Awaited<ReturnType<typeof token>> | undefined;
    onFetch = async form => {
      if (form.get('grant_type') !== 'authorization_code') return undefined;
      onFetch = untouched;
      renewed = await token(server, refreshForm(client, tokens.refresh_token));
      return undefined;
    };
    expect((await visit(new Browser(), link, 'grace')).status).toBe(200);
    expect(renewed?.status).toBe(200);
    const after = renewed?.body ?? tokens;
    given(await ask(after, ['Files.Read']));
    expect((await token(server, refreshForm(client, after.refresh_token))).status).toBe(200);
  });

  test('is not lost to a renewal that is under way', async () => {
    const { client, tokens, link } = await challenged();
    onFetch = async form => {
      if (form.get('grant_type') !== 'refresh_token') return undefined;
      onFetch = untouched;
      expect((await visit(new Browser(), link, 'grace')).status).toBe(200);
      return undefined;
    };
    const renewed = await token(server, refreshForm(client, tokens.refresh_token));
    expect(renewed.status).toBe(200);
    given(await ask(renewed.body, ['Files.Read']));
  });

  test('that Graph demands is passed on by the tool, past what is remembered, and its answer is remembered', async () => {
    const { tokens } = await connect(server, 'ada');
    const call = () => callTool(server, tokens.access_token, 'ask_graph');
    expect((await call()).body.result?.structuredContent).toMatchObject({ calls: 1 });
    server.entra.challenge('ada', 'graph', 'c2');
    const refused = await call();
    const done = await visit(new Browser(), linkOf(refused), 'ada');
    expect(done.status).toBe(200);
    expect((await call()).body.result?.structuredContent).toEqual({ name: 'Ada Lovelace', calls: 2 });
    expect((await call()).body.result?.structuredContent).toEqual({ name: 'Ada Lovelace', calls: 1 });
  });
});

/** Last, for the clock does not go back. */
describe('in time', () => {
  test('is remembered until five minutes before it expires, whatever the order of its scopes', async () => {
    // MSAL reckons by the real clock, which has gone on since the other one began.
    server.clock.now = Date.now();
    const { tokens } = await connect(server, 'ada');
    const asks = countAsks();
    const first = given(await ask(tokens, ['User.Read', 'Mail.Read']));
    expect(given(await ask(tokens, ['Mail.Read', 'User.Read', 'User.Read']))).toBe(first);
    expect(asks()).toBe(1);
    // Its own lifetime is an hour, as that of ours.
    server.clock.advance(3_270);
    expect(given(await ask(tokens, ['User.Read', 'Mail.Read']))).toBe(first);
    server.clock.advance(60);
    expect(given(await ask(tokens, ['User.Read', 'Mail.Read']))).not.toBe(first);
    expect(asks()).toBe(2);
  });

  test('the address is good for ten minutes, and for ten more once it was used', async () => {
    const [{ link }, { link: unused }] = [
      await withoutConsent('Calendars.Read'),
      await withoutConsent('Calendars.Read'),
    ];
    server.clock.advance(599);
    const [browser, late] = [new Browser(), new Browser()];
    const picker = await goOn(browser, await browser.open(link));
    const latePage = await late.open(unused);
    server.clock.advance(1);
    expect((await goOn(late, latePage)).status).toBe(400);
    expect((await late.open(unused)).status).toBe(400);
    server.clock.advance(598);
    const consent = await signInAs(browser, picker, 'ada');
    expect((await browser.submit(consent, { button: 'accept=yes' })).status).toBe(200);
  });

  test('too late from Entra: nothing is kept', async () => {
    const { link, tokens } = await withoutConsent('Calendars.Read');
    const before = (await grantRow(tokens)).upstreamTokens0;
    const browser = new Browser();
    const back = await visit(browser, link, 'ada', atCallback);
    server.clock.advance(601);
    expect((await browser.open(back.url)).status).toBe(400);
    expect((await grantRow(tokens)).upstreamTokens0).toBe(before);
  });

  test('Entra’s answer twice gets the same page for a moment; an old one does not', async () => {
    const { link } = await withoutConsent('Calendars.Read');
    const browser = new Browser();
    const back = await visit(browser, link, 'ada', atCallback);
    const both = await Promise.all([browser.open(back.url), browser.open(back.url)]);
    expect(both.map(({ status }) => status)).toContain(200);
    expect((await browser.open(back.url)).status).toBe(200);
    server.clock.advance(31);
    expect((await browser.open(back.url)).status).toBe(400);
  });
});
