import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import type { EndpointName } from '../../src/app.ts';
import { programFault, toFault } from '../../src/http/faults.ts';
import { createLogger } from '../../src/log.ts';
import { openTables } from '../../src/storage/tables.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { badProofs } from '../support/bad-proofs.ts';
import {
  AUTHORIZATION,
  CONTENT_TYPES,
  type Fields,
  forms,
  HEADER,
  NASTY,
  NOISE,
  queries,
  type Sent,
  URIS,
  withMember,
} from '../support/broken-requests.ts';
import { authorizationUrl, type Client, codeForm, connect, refreshForm } from '../support/flows.ts';

/**
 * Each endpoint is sent 1,000 requests that are right but for a part or two. Whatever comes, the answer is no fault of
 * ours, says what is wrong in the form its reader expects, and shows nothing of the inside. Few of them go to storage,
 * for that is what takes the time. Scenario 20 of `npm run proof` sends ten times as many to the app as it is deployed.
 */
const EACH = { seed: 4, numRuns: 1_000 };
const some = (numRuns: number) => ({ ...EACH, numRuns });

let server: AppServer;
let client: Client;
let good: { code: string; verifier: string; accessToken: string; refreshToken: string };
let proofs: string[];
/** The hidden field of a consent page, and the cookie of the browser that was shown it. */
let sealed: string;
let cookie: string;
/** The name of a sign-in that has begun with them. */
let begun: string;

beforeAll(async () => {
  const hash = createHash('sha256').update('secret').digest('hex');
  const named = [
    { client_id: 'api', client_secret_sha256: hash, introspection: true },
    { client_id: 'portal', redirect_uris: ['http://localhost:33418/callback'] },
  ];
  server = await startAppServer({ settings: { MCP_RATE_LIMIT: '0', PREREGISTERED_CLIENTS: JSON.stringify(named) } });
  const { code, tokens, client: registered } = await connect(server);
  client = registered;
  good = { ...code, accessToken: tokens.access_token, refreshToken: tokens.refresh_token };
  proofs = await badProofs(`${server.origin}/oauth/token`, Math.floor(server.clock.now / 1000));
  const page = await fetch(authorizationUrl(server, client).url);
  cookie = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  sealed = /name="request" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  const approved = await fetch(`${server.origin}/oauth/consent`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ request: sealed, decision: 'approve', scope: 'profile' }),
  });
  begun = new URL(approved.headers.get('location') ?? '').searchParams.get('state') ?? '';
});
afterAll(() => server.stop());

const context = { correlationId: 'c0ffee', log: createLogger('error', () => {}) };

/** In this process, past the host: what it refuses is not what is asked here. */
async function ask(name: EndpointName, { method = 'GET', path, headers = {}, body }: Sent): Promise<Response> {
  const endpoint = await server.apps[0]?.endpoint(name);
  if (!endpoint) throw new Error(`There is no endpoint ${name}.`);
  const request = new Request(server.origin + path, { method, headers, ...(body === undefined ? {} : { body }) });
  try {
    return await endpoint(request, context);
  } catch (error) {
    return programFault(toFault(error, context.log));
  }
}

/** RFC 6749 section 5.2: printable ASCII without quotes and backslashes. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

type Reader = 'client' | 'person' | 'mcp client';

/** What is wrong with an answer; `undefined` when it is fit. Not by `expect`, which takes longer than most answers. */
function misfit({ status, headers }: Response, text: string, reader: Reader): string | undefined {
  if (status >= 500) return 'a fault of ours';
  // A limit of rate would look at nothing.
  if (status === 429) return 'a limit';
  if (/\.ts:\d+|node_modules|node:internal/.test(text)) return 'it shows the inside';
  const location = headers.get('location');
  if (location && !isOurs(location)) return `it leads to ${location}`;
  if (status < 400) return undefined;
  const type = headers.get('content-type') ?? '';
  if (reader === 'person') {
    return type.includes('text/html') && text.includes(context.correlationId) ? undefined : 'no page for a person';
  }
  if (type !== 'application/json') return 'no JSON';
  const { error, error_description } = JSON.parse(text);
  if (reader === 'mcp client' && typeof error === 'object') {
    return typeof error.code === 'number' && typeof error.message === 'string' ? undefined : 'no error of JSON-RPC';
  }
  return PLAIN.test(error) && PLAIN.test(error_description) ? undefined : 'no error of OAuth';
}

/** Nobody is sent anywhere but to this server, to Entra, or to where the client registered. */
function isOurs(location: string): boolean {
  const ours = [`${server.origin}/`, `${server.entra.url}/`, 'http://localhost:33418/callback?'];
  return ours.some(start => location.startsWith(start));
}

/** Sends them all. @returns how many answers there were of each status */
async function check(
  name: EndpointName,
  requests: fc.Arbitrary<Sent>,
  reader: Reader,
  { many = EACH, after }: { many?: typeof EACH; after?: (answer: Response) => unknown } = {},
): Promise<Record<number, number>> {
  const answers: Record<number, number> = {};
  await fc.assert(
    fc.asyncProperty(requests, async sent => {
      const response = await ask(name, sent);
      const text = await response.text();
      const wrong = misfit(response, text, reader);
      if (wrong) throw new Error(`${wrong}: ${response.status} ${text}`);
      answers[response.status] = (answers[response.status] ?? 0) + 1;
      await after?.(response);
    }),
    many,
  );
  return answers;
}

/** Cookies of ours by name, which nobody has signed. */
const forgedCookies: fc.Arbitrary<Fields> = fc
  .tuple(fc.constantFrom('mcp-signin', 'mcp-session', 'x'), HEADER)
  .map(([base, value]) => ({
    cookie: `${base}-${new URL(server.origin).port}=${value || `000000.${'A'.repeat(43)}`}`,
  }));
const cookies = fc.oneof(
  fc.constant(null).map((): Fields => ({ cookie })),
  forgedCookies,
);
const proof: fc.Arbitrary<Fields> = fc.oneof(
  fc.nat(100).map((n): Fields => ({ dpop: proofs[n % proofs.length] ?? '' })),
  HEADER.map((dpop): Fields => (dpop ? { dpop } : {})),
);
const CLIENT_MEMBERS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];

test('authorize: 1,000 queries', async () => {
  const fields = Object.fromEntries(new URL(authorizationUrl(server, { client_id: 'portal' }).url).searchParams);
  const also = ['nonce', 'request', 'request_uri', 'response_mode', 'prompt', 'max_age', 'login_hint', 'dpop_jkt'];
  await check('authorize', queries({ path: '/oauth/authorize', fields, also, headers: cookies }), 'person');
});

test('consent: 1,000 forms', async () => {
  // With nothing ticked that was asked, the last thing that is looked at, nothing is stored.
  const fields = { request: sealed, decision: 'approve', scope: 'x' };
  const headers = fc.oneof(
    fc.constant({ cookie, 'sec-fetch-site': 'same-origin' }),
    cookies,
    HEADER.map(text => ({ cookie, 'sec-fetch-site': text, origin: text })),
  );
  await check('consent', forms({ path: '/oauth/consent', fields, also: ['redirect_uri'], headers }), 'person');
});

test('login: 1,000 queries', async () => {
  const path = '/auth/login';
  const unknown = queries({ path, fields: { signin: 'x'.repeat(28), prompt: 'x' }, also: ['next'], headers: cookies });
  // Of a sign-in that is under way in this browser; fewer, for each is looked up.
  const known = queries({ path, fields: { signin: begun, to: 'account' }, headers: fc.constant({ cookie }) });
  const requests = fc.oneof({ weight: 9, arbitrary: unknown }, { weight: 1, arbitrary: known });
  // Without this name a sign-in begins, and is stored.
  await check(
    'login',
    requests.filter(({ path: sent }) => /[?&]signin=[^&]/.test(sent)),
    'person',
  );
});

test('callback: 1,000 queries', async () => {
  const [path, also] = ['/auth/callback', ['session_state', 'iss', 'client_info', 'error_uri']];
  const refused = { error: 'access_denied', error_description: 'AADSTS50105' };
  const unknown = queries({ path, fields: { state: 'x'.repeat(28), code: 'x', ...refused }, also, headers: cookies });
  const known = queries({ path, fields: { state: begun, ...refused }, also, headers: fc.constant({ cookie }) });
  const requests = fc.oneof({ weight: 9, arbitrary: unknown }, { weight: 1, arbitrary: known });
  await check('callback', requests, 'person');
});

test('token: 1,000 forms, with Authorization and DPoP headers', async () => {
  const path = '/oauth/token';
  const headers = fc.tuple(AUTHORIZATION, proof).map(each => Object.assign({}, ...each) as Fields);
  const code = { ...codeForm(client, good), resource: server.mcpUrl } as Fields;
  const renewal = { ...refreshForm(client, good.refreshToken), scope: 'notes:read' } as Fields;
  const requests = [code, renewal].map(fields => forms({ path, fields, also: CLIENT_MEMBERS, headers }));
  await check('token', fc.oneof(...requests), 'client');
});

test('revoke: 1,000 forms', async () => {
  const fields = { token: good.accessToken, token_type_hint: 'access_token', client_id: 'x' };
  const headers = AUTHORIZATION;
  await check('revoke', forms({ path: '/oauth/revoke', fields, also: CLIENT_MEMBERS, headers }), 'client');
});

test('introspect: 1,000 forms', async () => {
  const fields = {
    token: good.accessToken,
    token_type_hint: 'access_token',
    client_id: 'api',
    client_secret: 'secret',
  };
  const headers = fc.oneof({ weight: 3, arbitrary: fc.constant<Fields>({}) }, { weight: 1, arbitrary: AUTHORIZATION });
  await check('introspect', forms({ path: '/oauth/introspect', fields, also: CLIENT_MEMBERS, headers }), 'client');
});

test('register: 1,000 documents', async () => {
  const members = {
    redirect_uris: ['http://localhost:1/cb'],
    client_name: 'x',
    client_uri: 'https://x.example',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    scope: 'profile',
    application_type: 'native',
    software_id: 'x',
    jwks: { keys: [] },
    jwks_uri: 'https://x.example/jwks',
    contacts: ['x'],
  };
  const value = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 3 }), fc.array(NASTY, { maxLength: 3 }));
  const documents = (whole: typeof members, given: fc.Arbitrary<unknown> = value) => {
    const names = ['__proto__', 'constructor', ...Object.keys(members)];
    return fc.tuple(fc.constantFrom(...names), given).map(([bent, bad]) => withMember(whole, bent, bad));
  };
  const sent = (bodies: fc.Arbitrary<Sent['body'] & {}>) =>
    fc.tuple(bodies, CONTENT_TYPES).map(
      ([body, type]): Sent => ({
        method: 'POST',
        path: '/oauth/register',
        headers: { 'content-type': type },
        body,
      }),
    );
  const methods = fc.constantFrom('none', 'client_secret_post', 'client_secret_basic', null);
  const uris = fc.array(URIS, { minLength: 1, maxLength: 3 });

  // These are looked at to the end, and stored if they are right.
  const right = fc
    .tuple(fc.constantFrom(...Object.keys(members)), value, uris, methods)
    .map(([bent, bad, redirect_uris, method]) =>
      withMember(
        { ...members, token_endpoint_auth_method: method },
        bent,
        bent === 'redirect_uris' ? redirect_uris : bad,
      ),
    );
  const answers = await check('register', sent(right), 'client', { many: some(300) });
  expect(answers[201]).toBeGreaterThan(100);
  // Of these the last redirect URI alone is refused, after the others were looked at.
  const elsewhere = uris.map(all => withMember(members, 'redirect_uris', [...all, 'http://localhost:1/cb#']));
  expect(await check('register', sent(elsewhere), 'client', { many: some(300) })).toEqual({ 400: 300 });
  // And of these the method, after all other members were.
  const method = { ...members, token_endpoint_auth_method: 'nonsense' };
  const body = fc.oneof({ weight: 8, arbitrary: documents(method) }, { weight: 1, arbitrary: NOISE });
  await check('register', sent(body), 'client', { many: some(400) });
});

describe('the pages of a person', () => {
  /** Grace, whose session is put back when a form has ended it: so it is worth the same to each that comes. */
  let session: Fields;
  let csrf: string;
  let putBack: (answer: Response) => Promise<void>;
  let ended: number;
  beforeAll(async () => {
    const browser = new Browser();
    const home = await signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), 'grace');
    session = {
      cookie: browser.cookies.header(new URL(server.origin), false, true) ?? '',
      'sec-fetch-site': 'same-origin',
    };
    csrf = /name="csrf" value="([^"]+)"/.exec(home.html)?.[1] ?? '';
    const table = openTables({ connection: { connectionString: server.storage.connectionString } }).table('sessions');
    const { rows } = await table.page<{ person?: string }>('', 100);
    const row = rows.find(({ person }) => person?.includes(server.entra.people.grace.oid));
    if (!row) throw new Error('Grace has no session.');
    const { etag: _etag, ...columns } = row;
    putBack = async answer => {
      if (!answer.headers.has('set-cookie')) return;
      ended++;
      await table.upsert(columns);
    };
  });
  beforeEach(() => {
    ended = 0;
  });

  /** Of this many one comes from Grace’s own page. */
  function given(path: string, among: number) {
    const fields = {
      csrf,
      scope: 'notes:read',
      grant_id: 'A'.repeat(22),
      note_id: `${'0'.repeat(16)}r${'0'.repeat(32)}`,
      q: 'a',
      from: `${'0'.repeat(16)}r${'1'.repeat(32)}`,
    };
    const headers = fc.oneof(
      { weight: among - 1, arbitrary: forgedCookies },
      { weight: 1, arbitrary: fc.constant(session) },
    );
    return { path, fields, also: ['id', 'show', 'to'], headers };
  }
  /** Forms for each of these actions, as often as it says. */
  function formsFor(path: string, among: number, actions: Record<string, number>): fc.Arbitrary<Sent> {
    const { fields, ...rest } = given(path, among);
    const each = Object.entries(actions).map(([action, weight]) => ({
      weight,
      arbitrary: forms({ ...rest, fields: { ...fields, action } }),
    }));
    return fc.oneof(...each);
  }

  test('landing: 1,000 forms', async () => {
    const requests = formsFor('/', 6, { 'issue-token': 1, 'end-token': 1, x: 1 });
    // Not all in one minute, for which there is a limit; and while the sign-in is fresh.
    const answers = await check('landing', requests, 'person', { after: () => server.clock.advance(0.8) });
    // As many tokens as one person may have.
    expect(answers[200]).toBe(20);
    expect(answers[303]).toBeGreaterThan(50);
  });

  test('account: 1,000 forms and queries', async () => {
    const often = { 'end-grant': 4, 'end-all': 4, 'delete-note': 4, export: 4, x: 4 };
    const requests = formsFor('/account', 2, { ...often, 'delete-everything': 1 });
    const answers = await check('account', requests, 'person', { many: some(800), after: putBack });
    expect(ended).toBeGreaterThan(5);
    expect((answers[200] ?? 0) - ended, 'exports').toBeGreaterThan(20);
    expect(answers[303]).toBeGreaterThan(100);
    await check('account', queries(given('/account', 2)), 'person', { many: some(200) });
  });

  test('logout: 1,000 forms', async () => {
    await check('logout', forms(given('/auth/logout', 5)), 'person', { after: putBack });
    expect(ended).toBeGreaterThan(50);
  });
});

test('/mcp: 1,000 messages, and their headers', async () => {
  const value = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 2 }));
  const method = fc.constantFrom('initialize', 'ping', 'tools/list', 'tools/call', 'server/discover', 'x');
  const params = fc.oneof(
    value,
    fc.record({ name: fc.constantFrom('calculate_sum', 'x'), arguments: fc.record({ numbers: value }) }),
    fc.record({ protocolVersion: value, capabilities: value, clientInfo: value, _meta: value }),
  );
  const member = fc.constantFrom('jsonrpc', 'id', 'method', 'params', '__proto__', 'result', 'error');
  const message = fc.tuple(method, params, fc.option(fc.tuple(member, value))).map(([called, given, bad]) => {
    const whole = { jsonrpc: '2.0', id: 1, method: called, params: given };
    return bad ? withMember(whole, ...bad) : JSON.stringify(whole);
  });
  const body = fc.oneof(
    { weight: 6, arbitrary: message },
    { weight: 1, arbitrary: fc.array(message, { maxLength: 3 }).map(all => `[${all}]`) },
    { weight: 3, arbitrary: NOISE },
  );
  const header = fc.constantFrom(
    ...['mcp-protocol-version', 'mcp-session-id', 'mcp-method', 'mcp-name', 'last-event-id'],
    ...['accept', 'content-type', 'origin', 'authorization', 'x-y'],
  );
  const right = {
    authorization: `Bearer ${good.accessToken}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const requests = fc.tuple(body, fc.option(fc.tuple(header, HEADER)), proof).map(([sent, bad, dpop]) => ({
    method: 'POST',
    path: '/mcp',
    headers: { ...right, ...dpop, ...(bad ? { [bad[0]]: bad[1] } : {}) },
    body: sent,
  }));
  await check('mcp', requests, 'mcp client');
});
