import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import type { EndpointName } from '../../src/app.ts';
import { programFault, toFault } from '../../src/http/faults.ts';
import { createLogger } from '../../src/log.ts';
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
} from '../support/broken-requests.ts';
import { authorizationUrl, type Client, codeForm, connect, refreshForm } from '../support/flows.ts';

/**
 * Each endpoint is sent 10,000 requests that are right but for a part or two. Whatever comes, the answer is no fault of
 * ours, says what is wrong in the form its reader expects, and shows nothing of the inside.
 */
const EACH = { seed: 4, numRuns: 10_000 };
const TIME = { timeout: 60_000 };

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

async function expectFit(name: EndpointName, sent: Sent, reader: 'client' | 'person' | 'mcp client'): Promise<void> {
  const response = await ask(name, sent);
  const text = await response.text();
  expect(response.status, text).toBeLessThan(500);
  // A limit of rate would look at nothing.
  expect(response.status).not.toBe(429);
  expect(text).not.toMatch(/\.ts:\d+|node_modules|node:internal/);
  const location = response.headers.get('location');
  if (location) expect(isOurs(location), location).toBe(true);
  if (response.status < 400) return;
  const type = response.headers.get('content-type') ?? '';
  if (reader === 'person') {
    expect(type).toContain('text/html');
    expect(text).toContain(context.correlationId);
    return;
  }
  expect(type).toBe('application/json');
  const { error, error_description } = JSON.parse(text);
  if (reader === 'mcp client' && typeof error === 'object') {
    expect([typeof error.code, typeof error.message]).toEqual(['number', 'string']);
    return;
  }
  expect(error).toMatch(PLAIN);
  expect(error_description).toMatch(PLAIN);
}

/** Nobody is sent anywhere but to this server, to Entra, or to where the client registered. */
function isOurs(location: string): boolean {
  const ours = [`${server.origin}/`, `${server.entra.url}/`, 'http://localhost:33418/callback?'];
  return ours.some(start => location.startsWith(start));
}

const check = (
  name: EndpointName,
  requests: fc.Arbitrary<Sent>,
  reader: Parameters<typeof expectFit>[2],
  many = EACH,
) =>
  fc.assert(
    fc.asyncProperty(requests, sent => expectFit(name, sent, reader)),
    many,
  );

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

test('authorize: 10,000 queries', TIME, async () => {
  const fields = Object.fromEntries(new URL(authorizationUrl(server, { client_id: 'portal' }).url).searchParams);
  const also = ['nonce', 'request', 'request_uri', 'response_mode', 'prompt', 'max_age', 'login_hint', 'dpop_jkt'];
  await check('authorize', queries({ path: '/oauth/authorize', fields, also, headers: cookies }), 'person');
});

test('consent: 10,000 forms', TIME, async () => {
  // With nothing ticked that was asked, the last thing that is looked at, nothing is stored.
  const fields = { request: sealed, decision: 'approve', scope: 'x' };
  const headers = fc.oneof(
    fc.constant({ cookie, 'sec-fetch-site': 'same-origin' }),
    cookies,
    HEADER.map(text => ({ cookie, 'sec-fetch-site': text, origin: text })),
  );
  await check('consent', forms({ path: '/oauth/consent', fields, also: ['redirect_uri'], headers }), 'person');
});

test('login: 10,000 queries', TIME, async () => {
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

test('callback: 10,000 queries', TIME, async () => {
  const [path, also] = ['/auth/callback', ['session_state', 'iss', 'client_info', 'error_uri']];
  const refused = { error: 'access_denied', error_description: 'AADSTS50105' };
  const unknown = queries({ path, fields: { state: 'x'.repeat(28), code: 'x', ...refused }, also, headers: cookies });
  const known = queries({ path, fields: { state: begun, ...refused }, also, headers: fc.constant({ cookie }) });
  const requests = fc.oneof({ weight: 9, arbitrary: unknown }, { weight: 1, arbitrary: known });
  await check('callback', requests, 'person');
});

test('token: 10,000 forms, with Authorization and DPoP headers', TIME, async () => {
  const path = '/oauth/token';
  const headers = fc.tuple(AUTHORIZATION, proof).map(each => Object.assign({}, ...each) as Fields);
  const code = { ...codeForm(client, good), resource: server.mcpUrl } as Fields;
  const renewal = { ...refreshForm(client, good.refreshToken), scope: 'notes:read' } as Fields;
  const requests = [code, renewal].map(fields => forms({ path, fields, also: CLIENT_MEMBERS, headers }));
  await check('token', fc.oneof(...requests), 'client');
});

test('revoke: 10,000 forms', TIME, async () => {
  const fields = { token: good.accessToken, token_type_hint: 'access_token', client_id: 'x' };
  const headers = AUTHORIZATION;
  await check('revoke', forms({ path: '/oauth/revoke', fields, also: CLIENT_MEMBERS, headers }), 'client');
});

test('introspect: 10,000 forms', TIME, async () => {
  const fields = {
    token: good.accessToken,
    token_type_hint: 'access_token',
    client_id: 'api',
    client_secret: 'secret',
  };
  const headers = fc.oneof({ weight: 3, arbitrary: fc.constant<Fields>({}) }, { weight: 1, arbitrary: AUTHORIZATION });
  await check('introspect', forms({ path: '/oauth/introspect', fields, also: CLIENT_MEMBERS, headers }), 'client');
});

test('register: 10,000 documents', TIME, async () => {
  const members = {
    redirect_uris: ['http://localhost:1/cb'],
    client_name: 'x',
    client_uri: 'https://x.example',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    scope: 'profile',
    application_type: 'native',
    software_id: 'x',
    jwks: { keys: [] },
    jwks_uri: 'https://x.example/jwks',
    contacts: ['x'],
    // Nothing is stored: this alone is refused, after all that stands above was looked at.
    token_endpoint_auth_method: 'nonsense',
  };
  const name = fc.constantFrom(...Object.keys(members), '__proto__', 'constructor');
  const value = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 3 }), fc.array(NASTY, { maxLength: 3 }));
  const document = fc.tuple(name, value).map(([bent, bad]) => withMember(members, bent, bad));
  const body = fc.oneof({ weight: 8, arbitrary: document }, { weight: 1, arbitrary: NOISE });
  const requests = fc.tuple(body, CONTENT_TYPES).map(([sent, type]) => ({
    method: 'POST',
    path: '/oauth/register',
    headers: { 'content-type': type },
    body: sent,
  }));
  await check('register', requests, 'client');
});

test('the landing page, the account page and signing out: 10,000 forms and queries', TIME, async () => {
  const browser = new Browser();
  const home = await signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'ada');
  const session = { cookie: browser.cookies.header(new URL(server.origin), false, true) ?? '' };
  const csrf = /name="csrf" value="([^"]+)"/.exec(home.html)?.[1] ?? '';
  const fields = { csrf, action: 'x', scope: 'notes:read', grant_id: 'A'.repeat(22), note_id: 'x', q: 'a', from: 'x' };
  const headers = fc.oneof(
    { weight: 9, arbitrary: forgedCookies },
    // Looked up in storage each time, so they are few.
    { weight: 1, arbitrary: fc.constant({ ...session, 'sec-fetch-site': 'same-origin' }) },
  );
  const also = ['id', 'show', 'to'];
  const part = { ...EACH, numRuns: EACH.numRuns / 4 };
  await check('landing', forms({ path: '/', fields, also, headers }), 'person', part);
  await check('account', forms({ path: '/account', fields, also, headers }), 'person', part);
  await check('account', queries({ path: '/account', fields, also, headers }), 'person', part);
  const { csrf: _csrf, ...others } = fields;
  await check('logout', forms({ path: '/auth/logout', fields: others, also, headers }), 'person', part);
});

test('/mcp: 10,000 messages, and their headers', TIME, async () => {
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

/** An object in JSON, with a member that comes last, be it `__proto__`. */
function withMember(whole: object, name: string, value: unknown): string {
  const rest = JSON.stringify(Object.fromEntries(Object.entries(whole).filter(([each]) => each !== name)));
  return `${rest.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`;
}
