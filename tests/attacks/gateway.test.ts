/** Clients that try to get past the gateway, and servers behind it that try to get at clients, or at what is beside them. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AccessToken, signAccessToken } from '../../src/access/access-token.ts';
import { createForwarder } from '../../src/gateway/forward.ts';
import { createKeyRing, type KeyRing } from '../../src/keys/key-ring.ts';
import { parseSecrets } from '../../src/keys/secret.ts';
import { createLogger } from '../../src/log.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import { newProofKey } from '../support/dpop.ts';
import { answersWith, idOf, says, startUpstream, type Upstream } from '../support/upstream.ts';

const KEY = newSecret();
const MAX_BYTES = 4096;
let server: AppServer;
let keys: KeyRing;
let wiki: Upstream;
let shop: Upstream;
let internal: Upstream;

beforeAll(async () => {
  keys = await createKeyRing(parseSecrets(KEY));
  [wiki, shop, internal] = await Promise.all([startUpstream(), startUpstream(), startUpstream()]);
  server = await startAppServer({
    settings: {
      JWT_SECRET_KEY: KEY,
      GATEWAY_UPSTREAMS: `wiki=${wiki.url} shop=${shop.url}`,
      GATEWAY_TOOLS: JSON.stringify({ wiki: { deny: { '*': ['drop_all', 'admin_*'] } } }),
      GATEWAY_MAX_BYTES: String(MAX_BYTES),
      MCP_RATE_LIMIT: '0',
    },
  });
});
afterAll(() => Promise.all([server, wiki, shop, internal].map(each => each?.stop())));
beforeEach(() => {
  for (const upstream of [wiki, shop, internal]) {
    upstream.asked.length = 0;
    upstream.behave = answersWith({});
  }
});

const at = (name: string) => `${server.origin}/${name}/mcp`;

function claims(change: Partial<AccessToken> = {}): AccessToken {
  const issuedAt = Math.floor(server.clock.now / 1000);
  return {
    person: { tid: 'tenant', oid: 'ada' },
    clientId: 'client',
    grantId: 'grant',
    tokenId: 'token',
    resource: at('wiki'),
    scopes: ['wiki:use'],
    roles: [],
    signedInAt: issuedAt,
    issuedAt,
    expiresAt: issuedAt + 3600,
    ...change,
  };
}
const tokenFor = (change: Partial<AccessToken> = {}) => signAccessToken(keys, server.origin, claims(change));
const grace = { person: { tid: 'tenant', oid: 'grace' } };

async function send(
  body: unknown,
  { url = at('wiki'), token, headers = {} }: { url?: string; token?: string; headers?: Record<string, string> } = {},
) {
  return fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token ?? (await tokenFor())}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** Sends a ping through a gateway of its own, which gives a call so many milliseconds in all. */
function forwarder(totalMs: number): () => Promise<Response> {
  const upstream = { name: 'wiki', url: wiki.url, resource: at('wiki'), scopes: [], tools: {} };
  const log = createLogger('error', () => {});
  const forward = createForwarder(upstream, {
    issuer: server.origin,
    keys: async () => keys,
    random: length => Buffer.alloc(length, 1),
    now: () => server.clock.now,
    fetch,
    record: async () => {},
    timeoutMs: 10_000,
    totalMs,
    maxBytes: MAX_BYTES,
  });
  return async () => {
    const request = new Request(at('wiki'), { method: 'POST', body: JSON.stringify(ping) });
    return forward(request, claims(), { correlationId: 'c', log });
  };
}

describe('a session', () => {
  test('is 404 to another person, at another server, altered, bare, and sealed for something else', async () => {
    wiki.behave = answersWith({}, { 'mcp-session-id': 'session' });
    const sealed = (await send(ping)).headers.get('mcp-session-id') ?? '';
    wiki.asked.length = 0;
    const shops = { url: at('shop'), token: await tokenFor({ resource: at('shop'), scopes: ['shop:use'] }) };
    const last = sealed.at(-5) === 'A' ? 'B' : 'A';
    const ofSomethingElse = keys.seal('cursor', 'tenant.ada\nwiki', 'session', length => Buffer.alloc(length));
    const tries: [string, { url?: string; token?: string }][] = [
      [sealed, { token: await tokenFor(grace) }],
      [sealed, { token: await tokenFor({ person: { tid: 'other', oid: 'ada' } }) }],
      [sealed, shops],
      [`${sealed.slice(0, -5)}${last}${sealed.slice(-4)}`, {}],
      [`${sealed}, ${sealed}`, {}],
      [sealed.slice(0, -1), {}],
      ['session', {}],
      ['', {}],
      ['A'.repeat(5000), {}],
      [ofSomethingElse, {}],
    ];
    for (const [session, from] of tries) {
      const response = await send(ping, { ...from, headers: { 'mcp-session-id': session } });
      expect([response.status, await response.json()], session).toEqual([
        404,
        { jsonrpc: '2.0', id: 1, error: { code: -32001, message: 'There is no such session.' } },
      ]);
    }
    expect([...wiki.asked, ...shop.asked]).toEqual([]);
    expect((await send(ping, { headers: { 'mcp-session-id': sealed } })).status).toBe(200);
    const said = server.logLines.join('\n');
    expect(said).not.toContain(sealed);
  });
});

describe('a token', () => {
  test('is good at its own resource alone', async () => {
    const upstreams = async () => {
      await send(ping);
      return wiki.asked.at(-1)?.headers.authorization?.replace('Bearer ', '') ?? '';
    };
    const own = await tokenFor({ resource: server.mcpUrl, scopes: ['notes:read'] });
    const given = await upstreams();
    wiki.asked.length = 0;
    for (const [url, token] of [
      [at('wiki'), own],
      [server.mcpUrl, await tokenFor()],
      [at('shop'), await tokenFor()],
      [at('wiki'), given],
      [server.mcpUrl, given],
      [at('wiki'), await tokenFor({ resource: server.origin })],
      [at('wiki'), await tokenFor({ resource: `${at('wiki')}/` })],
    ] as const) {
      const response = await send(ping, { url, token });
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringContaining('error="invalid_token"'),
      ]);
    }
    expect([...wiki.asked, ...shop.asked]).toEqual([]);
  });

  test('that is bound to a key needs a proof for this very server; what goes on is no bound one', async () => {
    const key = await newProofKey();
    const token = await tokenFor({ jkt: key.jkt });
    const ask = async (url: string, nonce: string | null) =>
      send(ping, {
        headers: { authorization: `DPoP ${token}`, dpop: await key.proof({ url, nonce, accessToken: token }) },
      });
    expect((await send(ping, { token })).status).toBe(401);
    const nonce = (await ask(at('wiki'), null)).headers.get('dpop-nonce');
    for (const url of [server.mcpUrl, at('shop'), wiki.url]) expect((await ask(url, nonce)).status).toBe(401);
    expect(wiki.asked).toEqual([]);
    expect((await ask(at('wiki'), nonce)).status).toBe(200);
    const [{ headers } = { headers: {} }] = wiki.asked;
    expect(headers).not.toHaveProperty('dpop');
    expect(headers).toHaveProperty('authorization', expect.stringMatching(/^Bearer /));
  });
});

describe('a denied tool', () => {
  const call = (name: unknown) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } });
  const text = (params: string, method = '"method":"tools/call"') =>
    `{"jsonrpc":"2.0","id":1,${method},"params":${params}}`;
  test.each([
    ['as it is', call('drop_all')],
    ['by its beginning', call('admin_reset')],
    ['in upper case', call('DROP_ALL')],
    ['with a space', call('drop_all ')],
    ['with nothing visible in it', call('drop\u200b_all')],
    ['with a variation selector in it', call('dro\ufe0fp_all')],
    ['with a NUL', call('drop_all\u0000')],
    ['in full width', call('ｄｒｏｐ＿ａｌｌ')],
    ['as a list', call(['drop_all'])],
    ['as no text', call({ toString: 'drop_all' })],
    ['in a batch', [ping, call('drop_all')]],
    ['in a batch of one', [call('drop_all')]],
    ['in a list of lists', [[call('drop_all')]]],
    ['under the last of two names', text('{"name":"read","name":"drop_all"}')],
    ['under the first of two names', text('{"name":"drop_all","name":"read"}')],
    ['under an escaped second name', text('{"name":"read","n\\u0061me":"drop_all"}')],
    ['under a name in another case', text('{"name":"read","Name":"drop_all"}')],
    ['under a name in full width', text('{"name":"read","ｎａｍｅ":"drop_all"}')],
    ['with a second method', text('{"name":"drop_all"}', '"method":"ping","method":"tools/call"')],
    ['with a method first', text('{"name":"drop_all"}', '"method":"tools/call","method":"ping"')],
    ['with a method in another case', text('{"name":"drop_all"}', '"method":"ping","Method":"tools/call"')],
    ['by a method in another case', text('{"name":"drop_all"}', '"method":"Tools/Call"')],
    ['by a method with a space', text('{"name":"drop_all"}', '"method":"tools/call "')],
    ['with two params', text('{"name":"read"},"params":{"name":"drop_all"}')],
    ['with params in another case', text('{"name":"read"},"PARAMS":{"name":"drop_all"}')],
    ['with params as a list', text('["drop_all"]')],
    ['as a notification', { ...call('drop_all'), id: undefined }],
    ['as a response too', { ...call('drop_all'), result: {}, Method: 'tools/call' }],
    ['behind a byte-order mark', `\ufeff${JSON.stringify(call('drop_all'))}`],
    ['beside a comment', `{/**/${JSON.stringify(call('drop_all')).slice(1)}`],
    ['behind another message', `${JSON.stringify(ping)}\n${JSON.stringify(call('drop_all'))}`],
  ])('is not reached %s', async (_how, body) => {
    const response = await send(body);
    const { error } = (await response.json()) as { error?: object };
    expect(error).toBeDefined();
    expect(wiki.asked).toEqual([]);
  });

  test('is not reached by headers that say something else than the message', async () => {
    const allowed = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read' } };
    for (const headers of [
      { 'mcp-method': 'tools/call', 'mcp-name': 'drop_all' },
      { 'mcp-name': `=?base64?${Buffer.from('drop_all').toString('base64')}?=` },
      { 'mcp-method': 'tools/list' },
      { 'mcp-method': 'TOOLS/CALL' },
    ]) {
      const response = await send(allowed, { headers });
      expect([response.status, await response.json()]).toMatchObject([400, { id: 1, error: { code: -32020 } }]);
    }
    const sideDoor = { name: 'read', uri: 'drop_all', taskId: 'drop_all' };
    for (const [method, params] of [
      ['ping', {}],
      ['ping', sideDoor],
      ['tools/call', sideDoor],
      ['prompts/get', sideDoor],
      ['resources/read', { uri: 'read', name: 'drop_all' }],
      ['tasks/get', { taskId: 'read', name: 'drop_all' }],
    ] as const) {
      const response = await send({ ...ping, method, params }, { headers: { 'mcp-name': 'drop_all' } });
      expect([method, response.status]).toEqual([method, 400]);
    }
    expect(wiki.asked).toEqual([]);
    const right = { 'mcp-method': 'tools/call', 'mcp-name': '=?base64?cmVhZA==?=' };
    const other = { 'mcp-param-tool': 'drop_all', 'mcp-anything': 'drop_all' };
    expect((await send(allowed, { headers: { ...right, ...other } })).status).toBe(200);
    expect(wiki.asked[0]?.headers).toMatchObject(right);
    for (const name of Object.keys(other)) expect(wiki.asked[0]?.headers).not.toHaveProperty(name);
    for (const [method, key] of [
      ['prompts/get', 'name'],
      ['resources/read', 'uri'],
      ['tasks/get', 'taskId'],
    ] as const) {
      const about = { ...ping, method, params: { [key]: 'it' } };
      expect((await send(about, { headers: { 'mcp-name': 'it' } })).status).toBe(200);
    }
  });

  test('is not reached by headers that repeat no argument of the call', async () => {
    const params = { name: 'read', arguments: { region: 'west', deep: { count: 3, isAll: true, text: 'Füße' } } };
    const said = { ...ping, method: 'tools/call', params };
    const right = {
      'mcp-param-region': 'west',
      'mcp-param-count': '3',
      'mcp-param-all': 'true',
      'mcp-param-text': `=?base64?${Buffer.from('Füße').toString('base64')}?=`,
    };
    const wrong = { 'mcp-param-tenant': 'other', 'mcp-param-name': 'read', 'mcp-param-key': 'region' };
    expect((await send(said, { headers: { ...right, ...wrong } })).status).toBe(200);
    expect(wiki.asked[0]?.headers).toMatchObject(right);
    for (const name of Object.keys(wrong)) expect(wiki.asked[0]?.headers).not.toHaveProperty(name);
    await send({ ...said, method: 'prompts/get' }, { headers: right });
    for (const name of Object.keys(right)) expect(wiki.asked[1]?.headers).not.toHaveProperty(name);
    let nested = '"west"';
    for (let depth = 0; depth < 800; depth++) nested = `[${nested}]`;
    const deep = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":${nested}}}`;
    expect((await send(deep, { headers: { 'mcp-param-region': 'west' } })).status).toBe(200);
    expect(wiki.asked[2]?.headers).toMatchObject({ 'mcp-param-region': 'west' });
  });
});

describe('a client', () => {
  test('smuggles no header by sending it twice, or as one of the connection', async () => {
    const token = await tokenFor();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read' } });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = ['authorization', `Bearer ${token}`, 'content-type', 'application/json'];
      const twice = ['mcp-name', 'read', 'mcp-name', 'drop_all', 'connection', 'mcp-name, close'];
      const length = ['content-length', String(body.length), 'host', 'evil.example'];
      const sent = httpRequest(at('wiki'), { method: 'POST', headers: [...headers, ...twice, ...length] }, answer => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject).end(body);
    });
    expect([status, wiki.asked]).toEqual([400, []]);
  });

  test('reaches no other path, query or host by the name', async () => {
    const raw = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const { hostname, port } = new URL(server.origin);
        const sent = httpRequest({ hostname, port, path, method: 'POST', headers: {} }, answer => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.on('error', reject).end('{}');
      });
    for (const path of [
      '/wiki%2f..%2fadmin/mcp',
      '/wiki;x/mcp',
      '/wiki%00/mcp',
      '/wiki%20/mcp',
      '/%77iki/mcp',
      '/wiki/mcp/x',
      '/wiki/mcp%2fx',
      '/wiki//mcp',
      '/ｗｉｋｉ/mcp'.replace(/[^\x20-\x7e]/g, encodeURIComponent),
      '/127.0.0.1/mcp',
      '/wiki@127.0.0.1/mcp',
      '/__proto__/mcp',
    ]) {
      expect([path, await raw(path)]).toEqual([path, 404]);
    }
    await send(ping, { url: `${at('wiki')}?url=${encodeURIComponent(internal.url)}` });
    expect([wiki.asked[0]?.path, internal.asked]).toEqual(['/mcp', []]);
  });

  test('sends no more than the limit', async () => {
    const params = { name: 'read', arguments: { x: 'x'.repeat(MAX_BYTES) } };
    const long = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
    expect((await send(long)).status).toBe(413);
    expect(wiki.asked).toEqual([]);
  });
});

describe('a server behind the gateway', () => {
  test.each([301, 302, 303, 307, 308])('is not followed elsewhere (%i)', async status => {
    for (const location of [internal.url, '//127.0.0.1/', '/other', 'file:///etc/passwd']) {
      wiki.behave = says(status, { location });
      const response = await send(ping);
      expect([response.status, response.headers.get('location')]).toEqual([502, null]);
    }
    expect([internal.asked, wiki.asked.map(({ path }) => path)]).toEqual([[], ['/mcp', '/mcp', '/mcp', '/mcp']]);
  });

  test('gives the client no header of its own', async () => {
    const headers = {
      'set-cookie': ['session=evil; Path=/', '__Host-x=1; Path=/; Secure'],
      'www-authenticate': 'Bearer resource_metadata="https://evil.example/"',
      location: 'https://evil.example/',
      'access-control-allow-origin': 'https://evil.example',
      'access-control-allow-credentials': 'true',
      'dpop-nonce': 'evil',
      'cache-control': 'public, max-age=1000',
      'clear-site-data': '"*"',
      refresh: '0; url=https://evil.example',
      link: '<https://evil.example>; rel=preload',
      'retry-after': '1000',
      'x-anything': 'evil',
    };
    const event = `data: ${JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} })}\n\n`;
    for (const behave of [
      answersWith({}, headers),
      says(200, { ...headers, 'content-type': 'text/event-stream; x="evil"' }, event),
      says(202, headers),
      says(400, { ...headers, 'content-type': 'application/json' }, '{"jsonrpc":"2.0","id":1,"error":{}}'),
      ...[401, 402, 403, 407, 500, 503].map(status => says(status, headers, '{"jsonrpc":"2.0","id":1,"error":{}}')),
    ]) {
      wiki.behave = behave;
      const response = await send(ping);
      expect([200, 400, 502]).toContain(response.status);
      expect(JSON.stringify([...response.headers])).not.toContain('evil');
      const own = [...response.headers.keys()].filter(name => !/^(connection|date|keep-alive|transfer-)/.test(name));
      expect(own.filter(name => !name.startsWith('access-control-')).sort()).toEqual([
        'cache-control',
        'content-type',
        'x-content-type-options',
      ]);
      expect(response.headers.get('cache-control')).toBe('no-store');
      await response.body?.cancel();
    }
  });

  test('answers nobody else’s request', async () => {
    const ids: unknown[] = [];
    const answers: (() => void)[] = [];
    // Each of two gets the answer to the other.
    wiki.behave = (asked, out) => {
      ids.push(idOf(asked));
      const other = ids.length - 1;
      answers.push(() => {
        const message = { jsonrpc: '2.0', id: ids[1 - other], result: { secret: true } };
        out.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message));
      });
      if (answers.length === 2) for (const answer of answers) answer();
    };
    const both = ['a', 'b'].map(async id => {
      const response = await send({ ...ping, id }, { token: await tokenFor(id === 'a' ? {} : grace) });
      return [response.status, (await response.json()) as object];
    });
    expect(await Promise.all(both)).toMatchObject(['a', 'b'].map(id => [502, { id, error: {} }]));
  });

  test('that answers slowly for ever is cut, with an answer or a stream, and holds no place', async () => {
    const forward = forwarder(100);
    const forwarded = async (type: string) => {
      wiki.behave = (_asked, out) => {
        out.writeHead(200, { 'content-type': type });
        const dripping = setInterval(() => out.write(' '), 10);
        out.on('close', () => clearInterval(dripping));
      };
      return (await (await forward()).text()).replace(/^[\s\S]*data: /, '');
    };
    // More often than there are places.
    for (const type of [...Array(20).fill('application/json'), 'text/event-stream']) {
      expect(JSON.parse(await forwarded(type))).toMatchObject({
        id: 1,
        error: { message: 'The server wiki did not end its answer within 0.1 seconds.' },
      });
    }
  });

  test('that floods a stream is cut, and let go of', async () => {
    const notification = { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'x'.repeat(1000) } };
    const closed = Promise.withResolvers<void>();
    // Twice of what may come, and then the connection stays open.
    wiki.behave = (_asked, out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' }).on('close', closed.resolve);
      out.write(`data: ${JSON.stringify(notification)}\n\n`.repeat(Math.ceil((32 * MAX_BYTES) / 1000)));
      // Where nobody cuts it, it ends at last, and is seen to be too long.
      setTimeout(() => out.end(), 5_000).unref();
    };
    const text = await (await send(ping)).text();
    expect(text.length).toBeLessThan(17 * MAX_BYTES);
    expect(JSON.parse(text.replace(/^[\s\S]*data: /, ''))).toMatchObject({
      id: 1,
      error: { message: 'The server wiki sent a stream of more than 65536 bytes.' },
    });
    await closed.promise;
  });

  test('holds no place for a client that does not read', async () => {
    const forward = forwarder(500);
    const closed: Promise<unknown>[] = [];
    wiki.behave = (_asked, out) => {
      closed.push(once(out, 'close'));
      out.writeHead(200, { 'content-type': 'text/event-stream' }).write(': \n\n');
    };
    // All places that one person has.
    const unread = await Promise.all(Array.from({ length: 16 }, forward));
    await Promise.all(closed);
    wiki.behave = answersWith({});
    expect((await forward()).status).toBe(200);
    await Promise.all(unread.map(({ body }) => body?.cancel().catch(() => {})));
  });
});
