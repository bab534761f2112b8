import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/log.ts';
import { registrationEndpoint } from '../../../src/oauth/clients/register.ts';
import { createRegisteredClients } from '../../../src/oauth/clients/registered-clients.ts';
import { createLimits } from '../../../src/oauth/limits.ts';
import { openClients } from '../../../src/storage/clients.ts';
import { openTables, type Table, type Tables } from '../../../src/storage/tables.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { freshStorage } from '../../support/azurite.ts';
import { codeForm, connect, obtainCode, register, token } from '../../support/flows.ts';
import { purge } from '../../support/purge.ts';
import { countTrips, startStorageProxy } from '../../support/storage-faults.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = 1_800_000_000_000;

const context = { correlationId: 'c0ffee', log: createLogger('debug', () => {}) };

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { client_id: string };
}

/** The registration endpoint on real storage, on as many instances as are asked for, with a clock that a test moves. */
function setUp(options: { connectionString?: string; isOpen?: boolean; privateUseSchemes?: string[] } = {}) {
  const storage = freshStorage();
  const clock = { now: NOW };
  const now = () => clock.now;
  const random = (size: number) => randomBytes(size);

  function startInstance(wrap = (tables: Tables) => tables) {
    const connection = { connectionString: options.connectionString ?? storage.connectionString };
    const tables = wrap(openTables({ connection, timeoutMs: 2_000 }));
    const clients = openClients(tables);
    const directory = createRegisteredClients(clients, now);
    const registration = { isOpen: true, privateUseSchemes: [], ...options, clients };
    const endpoint = registrationEndpoint({
      registration,
      limits: createLimits({ trustedProxyHops: 1, now }),
      audit: { record: () => {} },
      now,
      random,
    });
    return {
      tables,
      markUsed: directory.markUsed,
      find: (id: string) => directory.find(id, context),
      send: async (body: Record<string, unknown> | string, address?: string): Promise<Answer> => {
        const response = await endpoint(
          new Request('https://app.example/oauth/register', {
            method: 'POST',
            headers: {
              'content-type': 'application/json',
              ...(address ? { 'x-forwarded-for': `10.9.8.7, ${address}:1234` } : {}),
            },
            body: typeof body === 'string' ? body : JSON.stringify(body),
          }),
          context,
        );
        return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
      },
    };
  }
  const instance = startInstance();
  const trips = async (work: () => Promise<unknown>) => (await countTrips(storage.accountName, work)).trips;
  return { storage, clock, startInstance, ...instance, trips };
}

const publicClient = (name: string, port = 33_418) => ({
  client_name: name,
  redirect_uris: [`http://localhost:${port}/callback`],
  token_endpoint_auth_method: 'none',
});
const confidentialClient = (name: string) => ({ client_name: name, redirect_uris: ['https://app.example/callback'] });

describe('the answer to a registration (RFC 7591 section 3.2.1)', () => {
  test('repeats what was registered, the caller’s own port with it, and neither nulls nor what is not known', async () => {
    const { send } = setUp();
    const first = await send({
      ...publicClient('a', 1111),
      client_uri: null,
      contacts: [],
      code_challenge_method: 'S256',
    });
    expect(first.status).toBe(201);
    expect(first.headers.get('access-control-allow-origin')).toBe('*');
    const { client_id, ...rest } = first.body;
    expect(client_id).toMatch(/^pc\./);
    expect(rest).toEqual({
      client_id_issued_at: NOW / 1000,
      ...publicClient('a', 1111),
      grant_types: ['authorization_code'],
      response_types: ['code'],
    });
    const again = await send(publicClient('a', 2222));
    expect(again.body).toMatchObject({ client_id, redirect_uris: ['http://localhost:2222/callback'] });
  });

  test('of a confidential client has a secret that nobody else gets', async () => {
    const { send, find } = setUp();
    const [one, two] = [await send(confidentialClient('a')), await send(confidentialClient('a'))];
    expect(one.body).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic', client_secret_expires_at: 0 });
    expect(one.body.client_secret).not.toBe(two.body.client_secret);
    expect(one.body.client_id).not.toBe(two.body.client_id);
    const kept = await find(one.body.client_id);
    expect(kept?.secretHash).toEqual(expect.any(String));
    expect(JSON.stringify(kept)).not.toContain(String(one.body.client_secret));
  });

  test('is 413 above 16 KB, and 400 with 21 URIs or a name of 201 characters', async () => {
    const { send, trips } = setUp();
    const refused = async (body: Parameters<typeof send>[0]) => (await send(body)).status;
    const cost = await trips(async () => {
      expect(await refused(publicClient('x'.repeat(16_384)))).toBe(413);
      expect(await refused({ ...publicClient('a'), redirect_uris: Array(21).fill('https://a.example/') })).toBe(400);
      expect(await refused(publicClient('x'.repeat(201)))).toBe(400);
      expect(await refused('{"redirect_uris":')).toBe(400);
    });
    expect(cost).toBe(0);
  });

  test('takes the operator’s schemes', async () => {
    const body = { ...publicClient('a'), redirect_uris: ['contoso-agent://cb'] };
    expect((await setUp().send(body)).body).toMatchObject({ error: 'invalid_redirect_uri' });
    expect((await setUp({ privateUseSchemes: ['contoso-agent'] }).send(body)).status).toBe(201);
  });

  test('is 403 where registration is off, with what to do', async () => {
    const { send, trips } = setUp({ isOpen: false });
    const cost = await trips(async () => {
      const { status, body, headers } = await send(publicClient('a'));
      expect([status, headers.get('access-control-allow-origin')]).toEqual([403, '*']);
      expect(body).toMatchObject({ error: 'access_denied', error_description: expect.stringContaining('Ask whoever') });
    });
    expect(cost).toBe(0);
  });
});

describe('what a registration costs in storage', () => {
  test('two trips when it is new, none again on the same instance, three on another', async () => {
    const { send, startInstance, clock, trips } = setUp();
    await send(publicClient('the table is made'));
    expect(await trips(() => send(publicClient('a', 1)))).toBe(2);
    expect(await trips(() => send(publicClient('a', 2)))).toBe(0);
    const other = startInstance();
    expect(await trips(() => other.send(publicClient('a', 3)))).toBe(3);
    expect(await trips(() => other.send(publicClient('a', 4)))).toBe(0);
    clock.now += DAY;
    expect(await trips(() => send(publicClient('a')))).toBe(3);
    expect(await trips(() => send(confidentialClient('b')))).toBe(2);
  });

  test('a client that is used costs no trip to look up', async () => {
    const { send, find, markUsed, trips } = setUp();
    const { client_id } = (await send(publicClient('a'))).body;
    expect(await trips(() => find(client_id))).toBe(1);
    expect(await trips(() => find(client_id))).toBe(1);
    expect(await trips(() => markUsed(client_id))).toBe(1);
    expect(await trips(() => find(client_id))).toBe(1);
    expect(await trips(() => find(client_id))).toBe(0);
    expect(await find(client_id)).toMatchObject({ unused: false, metadata: { client_name: 'a' } });
    expect(await trips(() => find('pc.not-one-of-ours'))).toBe(0);
  });
});

describe('the limits', () => {
  test('are 30 new clients an hour from one address, which lock out nobody else', async () => {
    const { send, clock, trips } = setUp();
    for (let i = 0; i < 30; i++) expect((await send(publicClient(`${i}`), '203.0.113.7')).status).toBe(201);
    const cost = await trips(async () => {
      const refused = await send(confidentialClient('more'), '203.0.113.7');
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '120']);
      expect(refused.headers.get('access-control-allow-origin')).toBe('*');
      expect(refused.body).toEqual({
        error: 'temporarily_unavailable',
        error_description: 'Too many clients were registered. Try again in 120 seconds.',
      });
    });
    expect(cost).toBe(0);
    expect(await trips(() => send(publicClient('more'), '203.0.113.7'))).toBe(1);
    expect((await send(publicClient('more'), '203.0.113.7')).status).toBe(429);
    expect((await send(publicClient('more'), '203.0.113.8')).status).toBe(201);
    clock.now += 120_000;
    expect((await send(publicClient('yet more'), '203.0.113.7')).status).toBe(201);
    expect((await send(publicClient('even more'), '203.0.113.7')).status).toBe(429);
  });

  test('opencode: a registration that exists never counts, and is answered when the limit is reached', async () => {
    const { send, startInstance, trips } = setUp();
    const address = '203.0.113.7';
    for (let i = 0; i < 100; i++) expect((await send(publicClient('a', 1000 + i), address)).status).toBe(201);
    const other = startInstance();
    for (let i = 0; i < 30; i++) expect((await other.send(publicClient(`${i}`), address)).status).toBe(201);
    // Known to storage, not to this instance.
    expect(await trips(() => other.send(publicClient('a', 7), address))).toBe(1);
    const { status, body } = await other.send(publicClient('a', 8), address);
    expect([status, body.redirect_uris]).toEqual([201, ['http://localhost:8/callback']]);
    expect((await other.send(publicClient('new'), address)).status).toBe(429);
    // Those that storage knew took nothing of the limit either.
    const third = startInstance();
    for (let i = 0; i < 30; i++) expect((await third.send(publicClient(`${i}`), address)).status).toBe(201);
    for (let i = 0; i < 30; i++) expect((await third.send(publicClient(`third ${i}`), address)).status).toBe(201);
    expect((await third.send(publicClient('new'), address)).status).toBe(429);
  });

  test('when the limit is reached, a registration that exists is kept from expiring all the same', async () => {
    const { send, startInstance, find, clock } = setUp();
    const address = '203.0.113.7';
    const { client_id } = (await send(publicClient('a'))).body;
    clock.now += 29 * DAY;
    const other = startInstance();
    for (let i = 0; i < 30; i++) await other.send(publicClient(`${i}`), address);
    expect((await other.send(publicClient('a'), address)).status).toBe(201);
    clock.now += 20 * DAY;
    expect(await find(client_id)).toBeDefined();
  });

  test('what is refused, or meets an outage, does not count', async () => {
    const storage = freshStorage();
    const proxy = await startStorageProxy(storage.connectionString);
    try {
      const { send } = setUp({ connectionString: proxy.connectionString });
      const address = '203.0.113.7';
      for (let i = 0; i < 40; i++) expect((await send({ redirect_uris: [] }, address)).status).toBe(400);
      proxy.refuse({ matches: () => true, status: 403 });
      for (let i = 0; i < 40; i++) {
        await expect(send(publicClient('a'), address)).rejects.toMatchObject({ service: 'storage' });
      }
      proxy.refuse(undefined);
      for (let i = 0; i < 30; i++) expect((await send(publicClient(`${i}`), address)).status).toBe(201);
    } finally {
      await proxy.stop();
    }
  });
});

describe('a client that never gets a token', () => {
  test('is unknown after 30 days, and its rows are gone an hour or two later', async () => {
    const { send, find, tables, clock } = setUp();
    // Late in its hour, so that the purge would come early if it could.
    clock.now += 59 * MINUTE;
    const { client_id } = (await send(confidentialClient('a'))).body;
    clock.now += 30 * DAY - 1;
    expect(await purge(tables, clock.now)).toMatchObject({ clients: 0 });
    expect(await find(client_id)).toMatchObject({ unused: true });
    clock.now += 1;
    expect(await find(client_id)).toBeUndefined();
    // Whose code comes now began to sign in when the client was known.
    clock.now += 59 * MINUTE;
    expect(await purge(tables, clock.now)).toMatchObject({ clients: 0 });
    clock.now += 2 * HOUR;
    expect(await purge(tables, clock.now)).toMatchObject({ clients: 1 });
    expect(await rowsOf(tables.table('clients'))).toEqual([]);
  });

  test('begins anew when it registers again, on whatever instance', async () => {
    const { send, startInstance, find, tables, clock } = setUp();
    const { client_id } = (await send(publicClient('a'))).body;
    clock.now += 29 * DAY;
    expect((await startInstance().send(publicClient('a', 5))).body.client_id).toBe(client_id);
    clock.now += 29 * DAY;
    expect(await purge(tables, clock.now)).toMatchObject({ clients: 0 });
    expect(await find(client_id)).toMatchObject({ unused: true });
    // Of the two filings the first is gone.
    expect(await rowsOf(tables.table('clients'))).toHaveLength(2);
    clock.now += 3 * DAY;
    expect(await find(client_id)).toBeUndefined();
    expect(await purge(tables, clock.now)).toMatchObject({ clients: 1 });
    expect(await rowsOf(tables.table('clients'))).toEqual([]);
  });

  test('comes back to life while its row is still there, and after', async () => {
    const { send, find, tables, clock } = setUp();
    const { client_id } = (await send(publicClient('a'))).body;
    clock.now += 30 * DAY + 30 * MINUTE;
    expect(await find(client_id)).toBeUndefined();
    await send(publicClient('a'));
    expect(await find(client_id)).toBeDefined();
    expect(await purge(tables, clock.now + 3 * HOUR)).toMatchObject({ clients: 0 });
    clock.now += 31 * DAY;
    expect(await purge(tables, clock.now)).toMatchObject({ clients: 1 });
    await send(publicClient('a'));
    expect(await find(client_id)).toBeDefined();
  });

  test('is not answered from memory once storage has lost it', async () => {
    const { send, find, tables } = setUp();
    const { client_id } = (await send(publicClient('a'))).body;
    for (const row of await rowsOf(tables.table('clients'))) await tables.table('clients').remove(row);
    expect(await find(client_id)).toBeUndefined();
    await send(publicClient('a'));
    expect(await find(client_id)).toBeDefined();
  });

  test('registered again in the moment of its purge, is stored anew', async () => {
    const { send, startInstance, find, tables, clock } = setUp();
    const { client_id } = (await send(publicClient('a'))).body;
    clock.now += 31 * DAY;
    let purged = 0;
    const other = startInstance(all =>
      beforeWrites(all, async write => {
        if (write.type === 'merge') purged += (await purge(tables, clock.now)).clients;
      }),
    );
    expect((await other.send(publicClient('a'))).status).toBe(201);
    expect(purged).toBe(1);
    expect(await find(client_id)).toMatchObject({ unused: true });
  });
});

describe('a client that got a token', () => {
  test('is kept for ever, and only its filing goes', async () => {
    const { send, find, markUsed, tables, clock } = setUp();
    const { client_id } = (await send(publicClient('a'))).body;
    await markUsed(client_id);
    clock.now += 400 * DAY;
    expect(await purge(tables, clock.now)).toMatchObject({ clients: 0 });
    expect(await rowsOf(tables.table('clients'))).toMatchObject([{ partitionKey: client_id, usedAt: NOW }]);
    expect(await find(client_id)).toMatchObject({ unused: false });
  });

  test('in the very moment of its purge, is kept', async () => {
    const { send, find, markUsed, startInstance, tables, clock } = setUp();
    const { client_id } = (await send(publicClient('a'))).body;
    clock.now += 30 * DAY + 2 * HOUR;
    const other = startInstance(all =>
      beforeWrites(all, async write => {
        if (write.type === 'delete') await markUsed(client_id);
      }),
    );
    expect(await purge(other.tables, clock.now)).toMatchObject({ clients: 0 });
    expect(await find(client_id)).toMatchObject({ unused: false });
    expect(await rowsOf(tables.table('clients'))).toHaveLength(1);
  });

  test('does not come into being by being used', async () => {
    const { markUsed, tables } = setUp();
    await markUsed(`pc.${'a'.repeat(43)}`);
    expect(await rowsOf(tables.table('clients'))).toEqual([]);
  });
});

describe('in a whole sign-in', () => {
  let server: AppServer;
  beforeAll(async () => {
    server = await startAppServer({ instances: 2 });
  });
  afterAll(() => server.stop());

  test('the first token marks a client as used, and so it outlives the 30 days', async () => {
    const [used, unused] = [
      await register(server, { client_name: 'used' }),
      await register(server, { client_name: 'not' }),
    ];
    await obtainCode(server, unused);
    await connect(server, 'ada', {}, used);
    server.clock.advance(31 * 86_400);
    const [app] = server.apps;
    expect(await app?.purge()).toMatchObject({ clients: 1 });
    await connect(server, 'ada', {}, used);
    await expect(obtainCode(server, unused)).rejects.toThrow('is not registered with this server');
  });

  test('a code that comes again marks it too, where the first attempt was cut off there', async () => {
    const client = await register(server, { client_name: 'cut off' });
    const code = await obtainCode(server, client);
    const { table } = openTables({ connection: { connectionString: server.storage.connectionString } });
    const row = { partitionKey: client.client_id, rowKey: 'client' };
    expect((await token(server, codeForm(client, code))).status).toBe(200);
    const stored = await table('clients').read<{ metadata: string; registeredAt: number; usedAt: number }>(row);
    expect(stored?.usedAt).toBe(server.clock.now);
    // As if that write had not come to pass.
    if (!stored) throw new Error('the client is gone');
    const { usedAt: _usedAt, etag, ...unused } = stored;
    await table('clients').write({ type: 'replace', row: unused, etag });
    expect((await token(server, codeForm(client, code))).status).toBe(200);
    expect(await table('clients').read(row)).toMatchObject({ usedAt: server.clock.now });
  });
});

test('where registration is off, the metadata has no endpoint for it', async () => {
  const server = await startAppServer({ settings: { CLIENT_REGISTRATION: 'off' } });
  try {
    const metadata = await fetch(`${server.origin}/.well-known/oauth-authorization-server`);
    expect(await metadata.json()).not.toHaveProperty('registration_endpoint');
    await expect(register(server)).rejects.toThrow('403');
  } finally {
    await server.stop();
  }
});

async function rowsOf(table: Table) {
  return (await table.page("PartitionKey ge ''", 1_000)).rows;
}

/** Tables where something happens before each write to `clients`. */
function beforeWrites(tables: Tables, happens: (write: Parameters<Table['write']>[0]) => Promise<void>) {
  const table = tables.table('clients');
  const watched: Table = {
    ...table,
    write: async write => {
      await happens(write);
      return table.write(write);
    },
  };
  return {
    ...tables,
    table: (name: Parameters<Tables['table']>[0]) => (name === 'clients' ? watched : tables.table(name)),
  };
}
