import { request as send } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  callTool,
  connect,
  refreshForm,
  register,
  type Tokens,
  token,
} from '../support/flows.ts';
import { countTrips } from '../support/storage-faults.ts';

/** Too much of everything, at every endpoint: refused, without storing or asking anything, and the next request is served. */
let server: AppServer;
let client: Client;
let tokens: Tokens;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  ({ client, tokens } = await connect(server));
});
afterAll(() => server.stop());

interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Sent in chunks, so that no length is declared. */
  chunked?: boolean;
}

function ask(path: string, { method = 'POST', headers = {}, body = '', chunked = false }: Sent) {
  return new Promise<{ status: number; text: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const length = chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const { hostname, port } = new URL(server.origin);
    const sent = send({ hostname, port, path, method, headers: { ...length, ...headers } }, async answer => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) text += chunk;
      resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers });
    });
    sent.on('error', reject);
    if (chunked) for (let at = 0; at < body.length; at += 65_536) sent.write(body.slice(at, at + 65_536));
    sent.end(chunked ? undefined : body);
  });
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };
const bearer = () => ({ ...JSON_TYPE, authorization: `Bearer ${tokens.access_token}` });
const FORMS = [
  '/oauth/token',
  '/oauth/revoke',
  '/oauth/introspect',
  '/oauth/consent',
  '/',
  '/account',
  '/auth/interaction',
  '/auth/logout',
];

async function expectServed(): Promise<void> {
  expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(200);
}

describe('a body', () => {
  test.each(FORMS.filter(path => path !== '/oauth/introspect'))(
    'of more than 64 KB at %s is 413, whatever length was declared',
    async path => {
      const body = `token=${'x'.repeat(70_000)}`;
      for (const chunked of [false, true]) {
        const { trips, result } = await countTrips(server.storage.accountName, () =>
          ask(path, { headers: FORM, body, chunked }),
        );
        expect([chunked, result.status, trips]).toEqual([chunked, 413, 0]);
      }
      await expectServed();
    },
  );

  test('of more than 16 KB at registration, and of more than 1 MB at /mcp, is 413', async () => {
    const large = (bytes: number) => JSON.stringify({ client_name: 'x'.repeat(bytes) });
    for (const chunked of [false, true]) {
      const work = async () => [
        await ask('/oauth/register', { headers: JSON_TYPE, body: large(17_000), chunked }),
        await ask('/mcp', { headers: bearer(), body: large(1_100_000), chunked }),
      ];
      const { trips, result } = await countTrips(server.storage.accountName, work);
      expect([result.map(({ status }) => status), trips]).toEqual([[413, 413], 0]);
    }
    await expectServed();
  });

  test('with a length that is a lie is read no further than the limit', async () => {
    const { hostname, port } = new URL(server.origin);
    const outcome = await new Promise<number | string>(resolve => {
      const headers = { ...FORM, 'content-length': '999999999999' };
      const sent = send({ hostname, port, path: '/oauth/token', method: 'POST', headers }, answer => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
        sent.destroy();
      });
      sent.on('error', error => resolve(error.message));
      sent.write('grant_type=x');
    });
    expect(outcome).toBe(413);
    await expectServed();
  });

  test('of ten thousand parameters, or of one a hundred times, is a refusal', async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => `a${n}=`)
      .join('&')
      .slice(0, 60_000);
    const again = 'grant_type=refresh_token&'.repeat(100);
    for (const path of FORMS) {
      for (const body of [many, again]) {
        const { status } = await ask(path, { headers: FORM, body });
        expect(status).toBeLessThan(500);
        expect([path, [400, 401, 403, 404, 200].includes(status)]).toEqual([path, true]);
      }
    }
    await expectServed();
  });

  test('of JSON nested as deep as it will go is a refusal', async () => {
    for (const [path, most, headers] of [
      ['/oauth/register', 8_000, JSON_TYPE],
      ['/mcp', 500_000, bearer()],
    ] as const) {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const times = Math.floor(most / open.length);
        const inner = open.repeat(times) + (open === '[' ? '' : '1') + close.repeat(times);
        for (const body of [inner, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${inner}}`]) {
          if (body.length > (path === '/mcp' ? 1_000_000 : 16_000)) continue;
          const { status } = await ask(path, {
            headers: { ...headers, accept: 'application/json, text/event-stream' },
            body,
          });
          expect([path, open, status < 500]).toEqual([path, open, true]);
        }
      }
    }
    await expectServed();
  });
});

describe('a query', () => {
  test.each(['/oauth/authorize', '/auth/login', '/auth/callback', '/', '/account'])(
    'of 8,000 characters at %s is no fault of ours',
    async path => {
      for (const name of [
        'client_id',
        'redirect_uri',
        'state',
        'scope',
        'resource',
        'signin',
        'code',
        'error',
        'q',
        'from',
      ]) {
        const { trips, result } = await countTrips(server.storage.accountName, () =>
          ask(`${path}?${name}=${'x'.repeat(8_000)}`, { method: 'GET' }),
        );
        expect(result.status).toBeLessThan(500);
        // A sign-in without a client begins whatever else the query says.
        if (!(path === '/auth/login' && name !== 'signin')) expect([path, name, trips]).toEqual([path, name, 0]);
      }
    },
  );

  test('of parts that are too long is refused: state, scopes, hints, addresses', async () => {
    for (const [change, status] of [
      [{ state: 'x'.repeat(2_000) }, 200],
      [{ state: 'x'.repeat(2_001) }, 400],
      [{ redirect_uri: `http://localhost:33418/${'x'.repeat(3_000)}` }, 400],
      [{ scope: 'notes:read '.repeat(500) }, 200],
      [{ login_hint: 'x'.repeat(5_000) }, 200],
    ] as const) {
      const { url } = authorizationUrl(server, client, change);
      expect((await fetch(url)).status).toBe(status);
    }
  });
});

describe('headers', () => {
  test('cookies, tokens and proofs of 10,000 characters are refusals', async () => {
    const long = 'x'.repeat(10_000);
    const port = new URL(server.origin).port;
    const cookie = { cookie: `mcp-session-${port}=${long}` };
    const many = { cookie: Array.from({ length: 300 }, () => `mcp-signin-${port}=x`).join('; ') };
    const body = 'grant_type=refresh_token&refresh_token=x';
    const work = async () => [
      ...(await Promise.all(['/', '/account'].map(path => ask(path, { method: 'GET', headers: cookie })))),
      ...(await Promise.all(['/', '/oauth/consent'].map(path => ask(path, { headers: { ...FORM, ...many }, body })))),
      await ask('/mcp', { headers: { ...JSON_TYPE, authorization: `Bearer ${long}` }, body: '{}' }),
      await ask('/mcp', {
        headers: { ...JSON_TYPE, authorization: `DPoP ${long}`, dpop: long.slice(9_000) },
        body: '{}',
      }),
      await ask('/oauth/token', { headers: { ...FORM, authorization: `Basic ${long}` }, body }),
      await ask('/oauth/token', { headers: { ...FORM, dpop: long }, body: `${body}&client_id=x` }),
    ];
    const { trips, result } = await countTrips(server.storage.accountName, work);
    expect(result.map(({ status }) => status)).toEqual([200, 200, 403, 403, 401, 401, 401, 400]);
    expect(trips).toBe(0);
    await expectServed();
  });
});

describe('what a signed-in person sends', () => {
  test('a batch of a thousand calls counts as a thousand', async () => {
    const call = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'calculate_sum', arguments: { numbers: [1] } },
    };
    const body = JSON.stringify(Array.from({ length: 1_000 }, () => call));
    const headers = { ...bearer(), accept: 'application/json, text/event-stream' };
    const { status, headers: answer } = await ask('/mcp', { headers, body });
    expect([status, Number(answer['retry-after']) > 0]).toEqual([429, true]);
    await expectServed();
  });

  test('a note of more than 16,000 characters, or more numbers than a thousand, is refused in band', async () => {
    const note = await callTool(server, tokens.access_token, 'save_user_note', { note: 'x'.repeat(16_001) });
    const sum = await callTool(server, tokens.access_token, 'calculate_sum', { numbers: Array(1_001).fill(1) });
    for (const { status, body } of [note, sum]) {
      expect(status).toBe(200);
      expect(body.result?.isError ?? body.error !== undefined).toBe(true);
    }
  });

  test('a refresh token of any length but its own is no reason to look anything up', async () => {
    const { trips } = await countTrips(server.storage.accountName, async () => {
      for (const bent of ['', `${tokens.refresh_token}x`, tokens.refresh_token.slice(0, -1), 'rt.'.repeat(9_000)]) {
        const { status, body } = await token(server, refreshForm(client, bent));
        expect([status, body.error]).toEqual([400, 'invalid_grant']);
      }
    });
    expect(trips).toBe(0);
  });
});

test('nothing of it was registered: a registration holds 20 addresses, and names of 200 characters', async () => {
  const uris = (count: number) => Array.from({ length: count }, (_, n) => `https://client.example/${n}`);
  expect((await register(server, { redirect_uris: uris(20), client_name: 'x'.repeat(200) })).client_id).toBeTruthy();
  for (const change of [{ redirect_uris: uris(21) }, { client_name: 'x'.repeat(201) }, { scope: 'x'.repeat(1_001) }]) {
    await expect(register(server, change)).rejects.toThrow('Registration: 400');
  }
});
