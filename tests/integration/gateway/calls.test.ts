/** What goes through the gateway and what does not, with a server behind it that does what each test says. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { callTool, claimsOf, connect, register } from '../../support/flows.ts';
import { answersWith, type Behaviour, idOf, says, startUpstream, type Upstream } from '../../support/upstream.ts';

const MAX_BYTES = 4096;
let server: AppServer;
let wiki: Upstream;
let shop: Upstream;
const tokens = { ada: '', grace: '', shop: '', own: '' };

beforeAll(async () => {
  [wiki, shop] = await Promise.all([startUpstream(), startUpstream()]);
  server = await startAppServer({
    instances: 2,
    settings: {
      GATEWAY_UPSTREAMS: `wiki=${wiki.url} shop=${shop.url}`,
      GATEWAY_TOOLS: JSON.stringify({ wiki: { allow: { '*': ['read_*'], Editor: ['*'] }, deny: { '*': ['drop'] } } }),
      GATEWAY_TIMEOUT_SECONDS: '1',
      GATEWAY_MAX_BYTES: String(MAX_BYTES),
    },
  });
  server.entra.change('grace', { roles: ['Editor'] });
  const client = await register(server);
  const get = async (who: 'ada' | 'grace', name: string) =>
    (await connect(server, who, { resource: at(name), scope: `${name}:use` }, client)).tokens.access_token;
  tokens.ada = await get('ada', 'wiki');
  tokens.grace = await get('grace', 'wiki');
  tokens.shop = await get('ada', 'shop');
  tokens.own = (await connect(server, 'ada', { resource: server.mcpUrl }, client)).tokens.access_token;
});
afterAll(() => Promise.all([server, wiki, shop].map(each => each?.stop())));
beforeEach(() => {
  for (const upstream of [wiki, shop]) {
    upstream.asked.length = 0;
    upstream.behave = answersWith({});
  }
});

const at = (name: string) => `${server.origin}/${name}/mcp`;

interface Sending {
  name?: string;
  token?: string;
  method?: string;
  headers?: Record<string, string>;
  query?: string;
}

function send(
  body: unknown,
  { name = 'wiki', token = tokens.ada, method = 'POST', headers, query = '' }: Sending = {},
) {
  return fetch(`${at(name)}${query}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  });
}

const request = (method: string, params: object = {}, id: string | number = 7) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
});
const call = (name: string, id: string | number = 7) => request('tools/call', { name, arguments: {} }, id);

interface Answer {
  id: unknown;
  result?: { tools?: { name: string }[] };
  error?: { code: number; message: string };
}
const jsonOf = async (response: Response) => (await response.json()) as Answer;
/** The data of each event. */
const eventsOf = async (response: Response) =>
  [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Answer);
const event = (message: unknown, lines = '') => `${lines}event: message\ndata: ${JSON.stringify(message)}\n\n`;
const streams = (body: string, headers: Record<string, string> = {}) =>
  says(200, { 'content-type': 'text/event-stream', ...headers }, body);

describe('what the server behind gets', () => {
  test('is a short-lived token of ours for it, and nothing else of who asks', async () => {
    await send(call('read_page'), {
      query: '?x=1',
      headers: {
        cookie: 'session=1',
        'x-forwarded-for': '10.0.0.1',
        'x-forwarded-host': 'evil.example',
        forwarded: 'for=10.0.0.1',
        'x-api-key': 'k',
        'proxy-authorization': 'Basic eA==',
        'user-agent': 'client',
        traceparent: '00-11111111111111111111111111111111-2222222222222222-01',
        baggage: 'a=b',
        'mcp-protocol-version': '2025-11-25',
        'last-event-id': 'x',
      },
    });
    const [asked] = wiki.asked;
    expect([asked?.method, asked?.path]).toEqual(['POST', '/mcp']);
    const { authorization = '', traceparent, ...rest } = asked?.headers ?? {};
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(traceparent).not.toContain('22222222');
    // The last five are those of the HTTP client itself.
    expect(Object.keys(rest).sort()).toEqual(
      ['accept', 'content-type', 'mcp-protocol-version', 'accept-encoding', 'accept-language']
        .concat(['connection', 'content-length', 'host', 'sec-fetch-mode', 'user-agent'])
        .sort(),
    );
    expect(rest['user-agent']).not.toBe('client');
    expect(rest.host).toBe(new URL(wiki.url).host);
    const token = authorization.replace('Bearer ', '');
    expect(token).not.toBe(tokens.ada);
    const keys = createRemoteJWKSet(new URL(`${server.origin}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(token, keys, { issuer: server.origin, audience: wiki.url, typ: 'at+jwt' });
    const { sub, client_id, exp = 0, iat = 0, scope, jti } = payload;
    const own = claimsOf(tokens.ada);
    expect([sub, client_id, scope]).toEqual([own.sub, own.client_id, 'wiki:use']);
    expect(exp - iat).toBeLessThanOrEqual(60);
    expect(jti).not.toBe(own.jti);
  });

  test('is the message as it came, numbers that no double holds among it', async () => {
    const text =
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read_x","arguments":{"n":9007199254740993}}}';
    expect((await send(text)).status).toBe(200);
    expect(wiki.asked[0]?.body).toBe(text);
  });

  test('is GET and DELETE too, with the stream that is asked for again', async () => {
    wiki.behave = streams(event({ jsonrpc: '2.0', method: 'notifications/message', params: {} }));
    const listening = await send(undefined, { method: 'GET', headers: { 'last-event-id': 'e1', 'mcp-method': 'x' } });
    expect(await eventsOf(listening)).toEqual([{ jsonrpc: '2.0', method: 'notifications/message', params: {} }]);
    wiki.behave = says(200);
    expect((await send(undefined, { method: 'DELETE' })).status).toBe(204);
    expect(wiki.asked.map(({ method, headers }) => [method, headers['last-event-id'], headers['mcp-method']])).toEqual([
      ['GET', 'e1', undefined],
      ['DELETE', undefined, undefined],
    ]);
  });
});

describe('the door', () => {
  test('tells a stranger where to sign in to this server, and nothing else', async () => {
    for (const method of ['GET', 'POST', 'DELETE', 'HEAD']) {
      const response = await fetch(at('wiki'), { method });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain(
        `resource_metadata="${server.origin}/.well-known/oauth-protected-resource/wiki/mcp", scope="wiki:use"`,
      );
    }
    expect((await send(undefined, { method: 'HEAD' })).status).toBe(405);
    const cors = await fetch(at('wiki'), { method: 'OPTIONS' });
    expect(cors.headers.get('access-control-allow-methods')).toBe('GET, POST, DELETE, OPTIONS');
    expect((await send(call('read_x'), { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect(wiki.asked).toEqual([]);
  });

  test('is named on the landing page', async () => {
    const html = await (await fetch(`${server.origin}/`)).text();
    expect(html).toContain(`value="${at('wiki')}"`);
    expect(html).toContain(`value="${at('shop')}"`);
  });

  test('is not there for names that no setting has', async () => {
    for (const name of ['nothing', 'constructor', '%77iki', 'wiki%2f', 'wiki/', '.well-known']) {
      for (const method of ['GET', 'POST', 'OPTIONS']) expect((await fetch(at(name), { method })).status).toBe(404);
    }
    expect((await fetch(at('WIKI'), { method: 'POST' })).status).toBe(401);
  });

  test('opens no stream to listen where answers do not leave as they come', async () => {
    server.deploy({ HTTP_STREAMING: 'off' });
    const response = await send(undefined, { method: 'GET' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, DELETE, OPTIONS']);
    server.deploy({}, {});
  });

  test('lets in as many messages a minute as the setting says, to all servers and /mcp together', async () => {
    server.deploy({ MCP_RATE_LIMIT: '2' });
    const statuses = [];
    for (const [name, token] of [
      ['wiki', tokens.ada],
      ['shop', tokens.shop],
      ['wiki', tokens.ada],
    ] as const) {
      statuses.push((await send(request('ping'), { name, token })).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect((await callTool(server, tokens.own, 'calculate_sum')).status).toBe(429);
    expect((await send(request('ping'), { token: tokens.grace })).status).toBe(200);
    server.deploy({}, {});
  });
});

test('messages come one by one', async () => {
  const batch = await send([request('ping'), request('ping')]);
  const message = 'Batches are not taken here. Send each message by itself.';
  expect([batch.status, await batch.json()]).toEqual([
    400,
    { jsonrpc: '2.0', id: null, error: { code: -32600, message } },
  ]);
  expect(wiki.asked).toEqual([]);
});

describe('tools', () => {
  const listed = { tools: ['read_page', 'edit', 'drop', 'Drop'].map(name => ({ name, inputSchema: {} })) };
  const names = (answer?: Answer) => answer?.result?.tools?.map(({ name }) => name);

  test('that a person may not use are not listed, in JSON and in a stream, to be shared with nobody', async () => {
    wiki.behave = answersWith({ ...listed, ttlMs: 1000, cacheScope: 'public' });
    const own = await jsonOf(await send(request('tools/list')));
    expect(own).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: { tools: [listed.tools[0]], ttlMs: 1000, cacheScope: 'private' },
    });
    const editors = await send(request('tools/list'), { token: tokens.grace });
    expect(names(await jsonOf(editors))).toEqual(['read_page', 'edit']);
    wiki.behave = streams(event({ jsonrpc: '2.0', id: 7, result: listed }));
    expect(names((await eventsOf(await send(request('tools/list'))))[0])).toEqual(['read_page']);
    // Again, over a stream of which nothing is known.
    const again = await send(undefined, { method: 'GET', headers: { 'last-event-id': 'e1' } });
    expect(names((await eventsOf(again))[0])).toEqual(['read_page']);
    shop.behave = answersWith(listed);
    const everything = await send(request('tools/list'), { name: 'shop', token: tokens.shop });
    expect(names(await jsonOf(everything))).toHaveLength(4);
  });

  test('that a person may not use are not called; the record has who tried what', async () => {
    const before = server.logLines.length;
    for (const [tool, token, isAllowed] of [
      ['read_page', tokens.ada, true],
      ['edit', tokens.ada, false],
      ['edit', tokens.grace, true],
      ['drop', tokens.grace, false],
    ] as const) {
      const response = await send(call(tool), { token });
      const { error, id } = await jsonOf(response);
      expect([response.status, id, error]).toEqual(
        isAllowed ? [200, 7, undefined] : [200, 7, { code: -32602, message: 'You may not use this tool.' }],
      );
    }
    expect(wiki.asked.map(({ body }) => JSON.parse(body).params.name)).toEqual(['read_page', 'edit']);
    const lines = server.logLines.slice(before).map(line => JSON.parse(line) as Record<string, unknown>);
    const { client_id: client, gid: grant, sub: person } = claimsOf(tokens.grace);
    const audit = lines.filter(line => line.event === 'audit').map(({ act, tool }) => [act, tool]);
    expect(audit).toEqual([
      ['tool called', 'read_page'],
      ['tool denied', 'edit'],
      ['tool called', 'edit'],
      ['tool denied', 'drop'],
    ]);
    const last = lines.findLast(line => line.event === 'audit');
    expect(last).toMatchObject({ client, grant, person, resource: at('wiki') });
  });

  test('prompts and resources that are used are on record too, a URI without its query; lists are not', async () => {
    const before = server.logLines.length;
    for (const [method, params] of [
      ['prompts/get', { name: 'draft' }],
      ['resources/read', { uri: 'page://home?q=canary#canary' }],
      ['resources/list', {}],
      ['resources/subscribe', { uri: 'page://home' }],
    ] as const) {
      expect((await send(request(method, params))).status, method).toBe(200);
    }
    const lines = server.logLines.slice(before);
    const audit = lines.map(line => JSON.parse(line)).filter(({ event }) => event === 'audit');
    expect(audit.map(({ act, tool }) => [act, tool])).toEqual([
      ['prompt used', 'draft'],
      ['resource read', 'page://home'],
    ]);
    expect(lines.join()).not.toContain('canary');
  });
});

describe('sessions', () => {
  const SESSION = 'session-of-the-server';
  const begin = async (token = tokens.ada) => {
    wiki.behave = answersWith({}, { 'mcp-session-id': SESSION });
    const response = await send(request('initialize'), { token });
    return response.headers.get('mcp-session-id') ?? '';
  };

  test('are sealed on the way out and opened on the way back, by every instance', async () => {
    const sealed = await begin();
    expect(sealed).not.toContain(SESSION);
    for (let instance = 0; instance < 2; instance++) {
      const response = await send(request('ping'), { headers: { 'mcp-session-id': sealed } });
      // What the client has stays as it is.
      expect(response.headers.get('mcp-session-id')).toBe(sealed);
    }
    expect(wiki.asked.map(({ headers }) => headers['mcp-session-id'])).toEqual([undefined, SESSION, SESSION]);
  });

  test('that the server behind has forgotten are 404, and so is one that was never sealed', async () => {
    const sealed = await begin();
    wiki.behave = says(404, {}, 'Not found');
    const gone = await send(request('ping'), { headers: { 'mcp-session-id': sealed } });
    expect([gone.status, (await jsonOf(gone)).error?.code]).toEqual([404, -32001]);
    wiki.asked.length = 0;
    for (const method of ['GET', 'POST', 'DELETE']) {
      const forged = await send(request('ping'), { method, headers: { 'mcp-session-id': SESSION } });
      expect([forged.status, (await jsonOf(forged)).error?.code]).toEqual([404, -32001]);
    }
    expect(wiki.asked).toEqual([]);
  });
});

describe('a server that fails', () => {
  const ok = (asked: { body: string }, id: unknown = idOf(asked as never)) =>
    JSON.stringify({ jsonrpc: '2.0', id, result: {} });
  const json = { 'content-type': 'application/json' };
  const cases: [string, Behaviour, number, RegExp][] = [
    ['with 500', says(500, {}, 'secret trace'), 502, /answered with status 500/],
    ['with 401', says(401, { 'www-authenticate': 'Bearer realm="x"' }), 502, /answered with status 401/],
    ['with 403', says(403, { ...json, 'www-authenticate': 'Bearer' }, '{"secret":1}'), 502, /status 403/],
    ['with HTML', says(200, { 'content-type': 'text/html' }, '<h1>Hello</h1>'), 502, /another content type/],
    ['with nothing', says(200), 502, /no content/],
    ['with 202', says(202), 502, /no content/],
    ['with 404 and no JSON-RPC', says(404, json, '<'), 502, /status 404/],
    ['with broken JSON', says(200, json, '{"jsonrpc"'), 502, /no JSON-RPC message/],
    ['with a batch', says(200, json, '[]'), 502, /no JSON-RPC message/],
    ['with neither result nor error', says(200, json, '{"jsonrpc":"2.0","id":7}'), 502, /no result and no error/],
    ['with a request', says(200, json, '{"jsonrpc":"2.0","id":7,"method":"ping"}'), 502, /no answer/],
    ['with another id', (asked, out) => out.writeHead(200, json).end(ok(asked, '7')), 502, /another request/],
    ['with too much', says(200, json, JSON.stringify({ x: 'x'.repeat(MAX_BYTES) })), 502, /more than 4096 bytes/],
    ['with a bad session', answersWith({}, { 'mcp-session-id': 'a b' }), 502, /does not allow/],
    ['by hanging up', (_asked, out) => out.destroy(), 502, /cannot be reached/],
    ['by half an answer', (_asked, out) => out.writeHead(200, json).write('{', () => out.destroy()), 502, /broke off/],
    ['by never answering', () => {}, 504, /did not begin to answer within 1 seconds/],
  ];
  test.each(cases)('%s gives a clear error under the right id', async (_how, behave, status, message) => {
    wiki.behave = behave;
    const response = await send(call('read_page'));
    const { id, error } = await jsonOf(response);
    expect([response.status, id, error?.message]).toEqual([status, 7, expect.stringMatching(message)]);
    expect(error?.message).toMatch(/^The server wiki /);
    for (const name of ['www-authenticate', 'set-cookie', 'location']) expect(response.headers.get(name)).toBeNull();
  });

  test('a client’s own mistakes are told in the server’s words', async () => {
    const error = { code: -32000, message: 'Bad Request: No valid session ID provided' };
    wiki.behave = says(400, json, JSON.stringify({ jsonrpc: '2.0', id: 'another', error }));
    const response = await send(request('ping'));
    expect([response.status, await response.json()]).toEqual([400, { jsonrpc: '2.0', id: null, error }]);
    wiki.behave = says(405);
    const listening = await send(undefined, { method: 'GET' });
    expect([listening.status, (await jsonOf(listening)).error?.message]).toEqual([
      405,
      'This server does not offer that.',
    ]);
  });

  const broken: [string, string, RegExp][] = [
    [
      'that ends before the answer',
      event({ jsonrpc: '2.0', method: 'notifications/message' }),
      /ended its answer too early/,
    ],
    ['that is not JSON', 'data: <html>\n\n', /no JSON-RPC message/],
    ['with the answer to another request', event({ jsonrpc: '2.0', id: 8, result: {} }), /answered another request/],
    ['with an endless event', `data: ${'x'.repeat(2 * MAX_BYTES)}`, /an event of more than 4096/],
  ];
  test.each(broken)('a stream %s ends with a clear error under the right id', async (_how, body, message) => {
    wiki.behave = streams(body);
    const last = (await eventsOf(await send(call('read_page')))).at(-1);
    expect(last).toEqual({ jsonrpc: '2.0', id: 7, error: { code: -32000, message: expect.stringMatching(message) } });
  });

  test('a stream that can be asked for again just ends', async () => {
    wiki.behave = streams('id: e1\nretry: 10\ndata: \n\n');
    expect(await (await send(call('read_page'))).text()).toBe('id: e1\nretry: 10\ndata: \n\n');
  });

  test('a stream to listen just ends, in both eras', async () => {
    wiki.behave = streams(': hello\n\n');
    expect(await (await send(request('subscriptions/listen'))).text()).toBe(':\n\n');
    expect(await (await send(undefined, { method: 'GET' })).text()).toBe(':\n\n');
  });

  test('a stream that is left open after the answer ends, and an answer that comes twice counts once', async () => {
    const answer = event({ jsonrpc: '2.0', id: 7, result: {} });
    wiki.behave = (_asked, out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' }).write(answer);
    };
    expect(await eventsOf(await send(call('read_page')))).toEqual([{ jsonrpc: '2.0', id: 7, result: {} }]);
    // In one piece: what is wrong takes nothing along that came before it.
    wiki.behave = streams(answer + event({ jsonrpc: '2.0', id: 7, result: { second: true } }));
    expect(await eventsOf(await send(call('read_page')))).toEqual([{ jsonrpc: '2.0', id: 7, result: {} }]);
    wiki.behave = streams(`${answer}data: ${'x'.repeat(MAX_BYTES)}`);
    expect(await eventsOf(await send(call('read_page')))).toEqual([{ jsonrpc: '2.0', id: 7, result: {} }]);
  });

  test('a stream brings what happened before it broke', async () => {
    wiki.behave = (_asked, out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' });
      out.write(event({ jsonrpc: '2.0', method: 'notifications/progress' }), () => out.destroy());
    };
    const events = await eventsOf(await send(call('read_page')));
    expect(events).toMatchObject([{ method: 'notifications/progress' }, { id: 7, error: { code: -32000 } }]);
  });

  test('hurts no other server and nobody else', async () => {
    const held: (() => void)[] = [];
    wiki.behave = (asked, out, incoming) => {
      const answer = () => answersWith({})(asked, out, incoming);
      if (idOf(asked) === 'x') answer();
      else held.push(answer);
    };
    // One instance, so that its limit of 16 calls a person is met.
    server.deploy({ GATEWAY_TIMEOUT_SECONDS: '60' });
    const waiting = Array.from({ length: 16 }, () => send(call('read_page')));
    await expect.poll(() => held.length, { timeout: 15_000 }).toBe(16);
    const refused = await send(call('read_page', 'x'));
    expect([refused.status, refused.headers.get('retry-after'), (await jsonOf(refused)).id]).toEqual([503, '1', 'x']);
    expect((await send(request('ping'), { name: 'shop', token: tokens.shop })).status).toBe(200);
    const graces = send(call('read_page'), { token: tokens.grace });
    await expect.poll(() => held.length, { timeout: 15_000 }).toBe(17);
    for (const answer of held) answer();
    const statuses = await Promise.all([...waiting, graces].map(async each => (await each).status));
    expect(statuses).toEqual(Array.from({ length: 17 }, () => 200));
    wiki.behave = answersWith({});
    expect((await send(call('read_page'))).status).toBe(200);
    server.deploy({}, {});
  });
});
