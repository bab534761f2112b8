import { createHmac } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTables } from '../../../src/storage/tables.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { createDocumentHosts, type DocumentHosts, documentOf } from '../../support/document-hosts.ts';
import {
  type Client,
  callTool,
  codeForm,
  connect,
  obtainCode,
  post,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
import { countTrips, type StorageProxy, startStorageProxy } from '../../support/storage-faults.ts';

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const;
const DAY = 24 * 3600;

/** A client's key, with the public half that it publishes. */
interface Key {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

let server: AppServer;
let proxy: StorageProxy;
let hosts: DocumentHosts;
let keys: Record<(typeof ALGORITHMS)[number], Key>;
/** One that no client has published. */
let stranger: Key;
beforeAll(async () => {
  hosts = createDocumentHosts();
  server = await startAppServer({
    instances: 2,
    settings: { CLIENT_DENYLIST: 'evil.example' },
    fetchDocument: hosts.fetchDocument,
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  const [ES256, RS256, PS256, EdDSA] = await Promise.all(ALGORITHMS.map(alg => newKey(alg)));
  if (!ES256 || !RS256 || !PS256 || !EdDSA) throw new Error('There are four.');
  keys = { ES256, RS256, PS256, EdDSA };
  stranger = await newKey('ES256');
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

let count = 0;
async function newKey(alg: string): Promise<Key> {
  const kid = `key-${++count}`;
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** A client whose document names these keys. */
function newClient(published: JWK[], change: Record<string, unknown> = {}): Client {
  const client_id = `https://signing.example/${++count}`;
  const named = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: published }, ...change };
  hosts.serve(client_id, documentOf(client_id, named), { 'cache-control': 'max-age=3600' });
  return { client_id };
}

/** What an assertion says; `undefined` leaves a claim out. */
function claims({ client_id }: Client, change: Record<string, unknown> = {}) {
  const now = Math.floor(server.clock.now / 1000);
  const aud = server.origin;
  return { iss: client_id, sub: client_id, aud, iat: now, exp: now + 300, jti: `jti-${++count}`, ...change };
}

const sign = (
  { alg, kid, privateKey }: Key,
  payload: Record<string, unknown>,
  header: Record<string, unknown> = {},
  critical: string[] = [],
) =>
  new SignJWT(payload)
    .setProtectedHeader({ alg, kid, ...header })
    .sign(privateKey, { crit: Object.fromEntries(critical.map(name => [name, true])) });

const asserting = (jwt: string) => ({ client_assertion_type: TYPE, client_assertion: jwt });

/** A code of a client, and a way to redeem it with an assertion. */
async function codeOf(client: Client) {
  const form = codeForm(client, await obtainCode(server, client));
  return (jwt: string, change: Record<string, string | undefined> = {}) =>
    token(server, { ...form, ...asserting(jwt), ...change });
}

describe('a client that signs', () => {
  test.each(ALGORITHMS)('%s: redeems a code, calls, renews and revokes', async alg => {
    const key = keys[alg];
    const client = newClient([stranger.publicJwk, key.publicJwk]);
    const redeem = await codeOf(client);
    const { status, body } = await redeem(await sign(key, claims(client)));
    expect(status).toBe(200);
    expect((await callTool(server, body.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(200);
    const form = { ...refreshForm(client, body.refresh_token), ...asserting(await sign(key, claims(client))) };
    const renewed = await token(server, form);
    expect(renewed.status).toBe(200);
    const revoking = { token: renewed.body.refresh_token, ...asserting(await sign(key, claims(client))) };
    expect((await post(server, '/oauth/revoke', revoking)).status).toBe(200);
    const after = { ...refreshForm(client, renewed.body.refresh_token), ...asserting(await sign(key, claims(client))) };
    expect((await token(server, after)).body.error).toBe('invalid_grant');
  });

  test('need not send its client_id beside, nor name its key', async () => {
    const client = newClient([keys.RS256.publicJwk, keys.ES256.publicJwk]);
    const redeem = await codeOf(client);
    const jwt = await sign(keys.ES256, claims(client), { kid: undefined });
    expect((await redeem(jwt, { client_id: undefined })).status).toBe(200);
  });

  test.each<[string, (own: AppServer) => unknown]>([
    ['the token endpoint', own => `${own.origin}/oauth/token`],
    ['the issuer, in a list', own => [own.origin]],
  ])('may address %s', async (_what, aud) => {
    const client = newClient([keys.ES256.publicJwk]);
    const redeem = await codeOf(client);
    const jwt = await sign(keys.ES256, claims(client, { aud: aud(server) }), { typ: 'client-authentication+jwt' });
    expect((await redeem(jwt)).status).toBe(200);
  });

  test('has no other way in, at the token and at the revocation endpoint', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const code = await obtainCode(server, client);
    expect(await token(server, codeForm(client, code))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    const form = { ...codeForm(client, code), ...asserting(await sign(keys.ES256, claims(client))) };
    const { body } = await token(server, form);
    expect((await token(server, refreshForm(client, body.refresh_token))).body.error).toBe('invalid_client');
    const revoked = await post(server, '/oauth/revoke', { ...client, token: body.refresh_token });
    expect(revoked.status).toBe(401);
    const again = { ...refreshForm(client, body.refresh_token), ...asserting(await sign(keys.ES256, claims(client))) };
    expect((await token(server, again)).status).toBe(200);
  });

  test('costs one trip to storage more than one that does not', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const redeem = await codeOf(client);
    const { body } = await redeem(await sign(keys.ES256, claims(client)));
    const form = { ...refreshForm(client, body.refresh_token), ...asserting(await sign(keys.ES256, claims(client))) };
    const { trips } = await countTrips(server.storage.accountName, () => token(server, form));
    // Each is counted twice: on its way to the proxy, and on to storage.
    expect(trips).toBe(2 * 3);
  });
});

describe('an assertion that is refused consumes nothing', () => {
  let client: Client;
  let redeem: Awaited<ReturnType<typeof codeOf>>;
  beforeAll(async () => {
    client = newClient(Object.values(keys).map(key => key.publicJwk));
    redeem = await codeOf(client);
  });

  const now = () => Math.floor(server.clock.now / 1000);

  test.each<[string, () => Record<string, unknown>]>([
    ['for another server', () => ({ aud: 'https://other.example' })],
    ['for this server with a slash', () => ({ aud: `${server.origin}/` })],
    ['for the MCP endpoint', () => ({ aud: server.mcpUrl })],
    ['for several servers', () => ({ aud: [server.origin, 'https://other.example'] })],
    ['for the issuer and the token endpoint', () => ({ aud: [server.origin, `${server.origin}/oauth/token`] })],
    ['for nobody', () => ({ aud: undefined })],
    ['for nobody, in a list', () => ({ aud: [] })],
    ['expired', () => ({ exp: now() - 60 })],
    ['without an expiry', () => ({ exp: undefined })],
    ['that lives more than an hour', () => ({ exp: now() + 3600 + 61 })],
    ['that is not valid yet', () => ({ nbf: now() + 61 })],
    ['of the future', () => ({ iat: now() + 61 })],
    ['without a jti', () => ({ jti: undefined })],
    ['with an empty jti', () => ({ jti: '' })],
    ['with a jti that is a number', () => ({ jti: 7 })],
    ['with an endless jti', () => ({ jti: 'x'.repeat(201) })],
    ['of another issuer', () => ({ iss: 'https://signing.example/another' })],
    ['about another client', () => ({ sub: 'https://signing.example/another' })],
    ['without an issuer', () => ({ iss: undefined })],
    ['without a subject', () => ({ sub: undefined })],
  ])('%s', async (_what, change) => {
    const { status, body } = await redeem(await sign(keys.ES256, claims(client, change())));
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  const hmac = (secret: string, header: object) => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode(header)}.${encode(claims(client))}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };

  test.each<[string, () => Promise<string> | string]>([
    ['alg none', () => hmac('', { alg: 'none' }).replace(/[^.]*$/, '')],
    ['alg none with a signature', () => hmac('', { alg: 'none' })],
    ['alg None', () => hmac('', { alg: 'None' }).replace(/[^.]*$/, '')],
    [
      'HS256 with the public key',
      () => hmac(JSON.stringify(keys.RS256.publicJwk), { alg: 'HS256', kid: keys.RS256.kid }),
    ],
    ['HS256 with nothing', () => hmac('', { alg: 'HS256' })],
    ['ES256 that is an HMAC', () => hmac('', { alg: 'ES256', kid: keys.ES256.kid })],
    ['a key that brings itself', () => sign(stranger, claims(client), { jwk: stranger.publicJwk, kid: undefined })],
    ['a stranger’s key under a known name', () => sign(stranger, claims(client), { kid: keys.ES256.kid })],
    ['a stranger’s key', () => sign(stranger, claims(client))],
    ['another key’s name', () => sign(keys.ES256, claims(client), { kid: keys.EdDSA.kid })],
    ['a critical header that nobody knows', () => sign(keys.ES256, claims(client), { crit: ['x'], x: 1 }, ['x'])],
    ['a JWT of another type', () => sign(keys.ES256, claims(client), { typ: 'at+jwt' })],
    ['a proof of possession', () => sign(keys.ES256, claims(client), { typ: 'dpop+jwt' })],
    ['no JWT', () => 'abc'],
    ['an endless one', () => sign(keys.ES256, claims(client, { more: 'x'.repeat(9_000) }))],
  ])('%s', async (_what, make) => {
    const { status, body } = await redeem(await make());
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  test('changed after it was signed', async () => {
    const [header, , signature] = (await sign(keys.ES256, claims(client))).split('.');
    const payload = Buffer.from(JSON.stringify(claims(client))).toString('base64url');
    expect((await redeem(`${header}.${payload}.${signature}`)).body.error).toBe('invalid_client');
  });

  test('of another client, by its own key', async () => {
    const other = newClient([stranger.publicJwk]);
    const jwt = await sign(stranger, claims(other));
    expect((await redeem(jwt)).body.error).toBe('invalid_client');
    expect((await redeem(jwt, { client_id: other.client_id })).body.error).toBe('invalid_grant');
  });

  test.each<[string, Record<string, string | undefined>]>([
    ['a type that is none', { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' }],
    ['no type', { client_assertion_type: undefined }],
    ['a type alone', { client_assertion: undefined }],
    ['a secret beside it', { client_secret: 'secret' }],
  ])('%s', async (_what, change) => {
    const { status, body } = await redeem(await sign(keys.ES256, claims(client)), change);
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  test('after all that the code is as good as new', async () => {
    expect((await redeem(await sign(keys.ES256, claims(client)))).status).toBe(200);
  });
});

describe('single use', () => {
  test('the same one at the other instance is refused, and the code is not touched by it', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const jwt = await sign(keys.ES256, claims(client));
    const [first, second] = [await codeOf(client), await codeOf(client)];
    expect((await first(jwt)).status).toBe(200);
    // Once at each instance.
    for (const _instance of server.apps) expect(await second(jwt)).toMatchObject({ status: 401 });
    expect((await second(await sign(keys.ES256, claims(client)))).status).toBe(200);
  });

  test('twenty at once with one: a single one is served', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const jwt = await sign(keys.ES256, claims(client));
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(client)));
    const answers = await Promise.all(codes.map(redeem => redeem(jwt)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
  });

  test('one that was refused for anything else is not used up', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const same = claims(client);
    const redeem = await codeOf(client);
    expect((await redeem(await sign(stranger, same, { kid: keys.ES256.kid }))).status).toBe(401);
    expect((await redeem(await sign(keys.ES256, same))).status).toBe(200);
  });

  test('two clients may have the same jti', async () => {
    for (const client of [newClient([keys.ES256.publicJwk]), newClient([keys.ES256.publicJwk])]) {
      const redeem = await codeOf(client);
      expect((await redeem(await sign(keys.ES256, claims(client, { jti: 'shared' })))).status).toBe(200);
    }
  });

  test('a reply of storage that is lost does not make it a replay', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const redeem = await codeOf(client);
    const lost = proxy.loseNextReply(request => request.method === 'POST' && /\/assertions\b/.test(request.url ?? ''));
    expect((await redeem(await sign(keys.ES256, claims(client)))).status).toBe(200);
    await lost;
  });

  test('storage down: 503 with Retry-After, and the code works afterwards', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const redeem = await codeOf(client);
    proxy.refuse({ matches: request => /\/assertions\b/.test(request.url ?? ''), status: 503 });
    const { status, headers, body } = await redeem(await sign(keys.ES256, claims(client)));
    proxy.refuse(undefined);
    expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(headers.get('retry-after')).toBeTruthy();
    expect((await redeem(await sign(keys.ES256, claims(client)))).status).toBe(200);
  });

  test('many renewals at once with an assertion each get the same successor', async () => {
    const client = newClient([keys.ES256.publicJwk]);
    const redeem = await codeOf(client);
    const { body } = await redeem(await sign(keys.ES256, claims(client)));
    const jwts = await Promise.all(Array.from({ length: 12 }, () => sign(keys.ES256, claims(client))));
    const answers = await Promise.all(
      jwts.map(jwt => token(server, { ...refreshForm(client, body.refresh_token), ...asserting(jwt) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(new Set(answers.map(answer => answer.body.refresh_token)).size).toBe(1);
  });

  test('used ones are purged when nobody would accept them any more, not before', async () => {
    const [app] = server.apps;
    const tables = openTables({ connection: { connectionString: server.storage.connectionString } });
    const rows = async () => (await tables.table('assertions').page("PartitionKey ge ''", 1_000)).rows.length;
    await app?.purge();
    const before = await rows();
    expect(before).toBeGreaterThan(0);
    server.clock.advance(2 * 3600);
    expect((await app?.purge())?.assertions).toBe(before);
    expect(await rows()).toBe(0);
  });
});

describe('keys at a jwks_uri', () => {
  const KEYS = 'https://keys.example/jwks.json';
  const newRemoteClient = (uri: string) => newClient([], { jwks: undefined, jwks_uri: uri });
  const serveKeys = (uri: string, ...published: Key[]) =>
    hosts.serve(uri, { keys: published.map(key => key.publicJwk) }, { 'cache-control': 'max-age=3600' });

  test('are fetched once for many requests of an instance', async () => {
    serveKeys(KEYS, keys.ES256);
    const client = newRemoteClient(KEYS);
    hosts.fetched.length = 0;
    for (let i = 0; i < 4; i++) {
      const redeem = await codeOf(client);
      expect((await redeem(await sign(keys.ES256, claims(client)))).status).toBe(200);
    }
    expect(hosts.fetched.filter(url => url === KEYS).length).toBeLessThanOrEqual(server.apps.length);
  });

  test('a new key is found, and an unknown one is asked for once a minute at most', async () => {
    const uri = `${KEYS}?rotating`;
    serveKeys(uri, keys.ES256);
    const client = newRemoteClient(uri);
    const redeem = await codeOf(client);
    for (const _instance of server.apps) await redeem(await sign(stranger, claims(client)));
    hosts.fetched.length = 0;
    for (let i = 0; i < 10; i++) expect((await redeem(await sign(stranger, claims(client)))).status).toBe(401);
    expect(hosts.fetched).toEqual([]);
    serveKeys(uri, keys.ES256, keys.EdDSA);
    server.clock.advance(60);
    const later = await codeOf(client);
    expect((await later(await sign(keys.EdDSA, claims(client)))).status).toBe(200);
    expect(hosts.fetched).toEqual([uri]);
  });

  test('down: the old ones serve for a day after they were fresh, then 503 and never invalid_client', async () => {
    const uri = `${KEYS}?down`;
    serveKeys(uri, keys.ES256);
    const client = newRemoteClient(uri);
    // One after the other, so that each instance has the keys.
    for (const redeem of [await codeOf(client), await codeOf(client)]) {
      expect((await redeem(await sign(keys.ES256, claims(client)))).status).toBe(200);
    }
    hosts.takeDown(uri);
    server.clock.advance(3600 + DAY - 60);
    const redeem = await codeOf(client);
    expect((await redeem(await sign(keys.ES256, claims(client)))).status).toBe(200);
    const late = await codeOf(client);
    server.clock.advance(59);
    for (const _instance of server.apps) {
      expect((await late(await sign(stranger, claims(client)))).body.error).toBe('invalid_client');
    }
    server.clock.advance(1);
    const { status, body } = await (await codeOf(client))(await sign(keys.ES256, claims(client)));
    expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
  });

  test('at a host on the deny list: nothing is fetched', async () => {
    const uri = 'https://evil.example/jwks.json';
    serveKeys(uri, keys.ES256);
    const client = newRemoteClient(uri);
    const redeem = await codeOf(client);
    hosts.fetched.length = 0;
    expect((await redeem(await sign(keys.ES256, claims(client)))).body.error).toBe('invalid_client');
    expect(hosts.fetched).not.toContain(uri);
  });

  test.each<[string, unknown]>([
    ['no set', { key: [] }],
    ['nothing of use', { keys: [] }],
    ['a page', 'text'],
  ])('%s: invalid_client', async (_what, served) => {
    const uri = `${KEYS}?${++count}`;
    hosts.serve(uri, served);
    const client = newRemoteClient(uri);
    const redeem = await codeOf(client);
    expect((await redeem(await sign(keys.ES256, claims(client)))).body.error).toBe('invalid_client');
  });
});

describe('a document with keys that will not do is refused', () => {
  const authorize = async (client: Client) => {
    const url = new URL(`${server.origin}/oauth/authorize`);
    url.searchParams.set('client_id', client.client_id);
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    return ((await response.json()) as { error_description: string }).error_description;
  };

  test('a private key', async () => {
    const published = (await exportJWK(keys.ES256.privateKey)) as JWK;
    expect(await authorize(newClient([published]))).toContain('shows a private key');
  });

  test('keys of other kinds alone: symmetric, short, for encryption, of another curve', async () => {
    const { publicKey } = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    );
    const short = (await crypto.subtle.exportKey('jwk', publicKey)) as JWK;
    const other = await exportJWK((await generateKeyPair('ES384')).publicKey);
    const useless: JWK[] = [
      { kty: 'oct', k: 'c2VjcmV0' },
      { ...short, alg: 'RS256' },
      { ...keys.ES256.publicJwk, use: 'enc' },
      { ...keys.ES256.publicJwk, key_ops: ['encrypt'] },
      { ...keys.ES256.publicJwk, alg: 'ECDH-ES' },
      other,
    ];
    for (const key of useless) expect(await authorize(newClient([key]))).toContain('has no key for ES256');
    const client = newClient([...useless, keys.RS256.publicJwk]);
    const redeem = await codeOf(client);
    expect((await redeem(await sign(keys.RS256, claims(client)))).status).toBe(200);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['both jwks and jwks_uri', { jwks_uri: 'https://keys.example/a' }, 'does not name its keys'],
    ['a jwks_uri on http', { jwks: null, jwks_uri: 'http://keys.example/a' }, 'jwks_uri is not an https URL'],
    ['one of this machine', { jwks: null, jwks_uri: 'https://127.0.0.1/a' }, 'jwks_uri has an IP address'],
    ['an algorithm that is none of ours', { token_endpoint_auth_signing_alg: 'HS256' }, 'is not served here'],
  ])('%s', async (_what, change, problem) => {
    expect(await authorize(newClient([keys.ES256.publicJwk], change))).toContain(problem);
  });
});

test('a key that is published for one algorithm verifies no other', async () => {
  const client = newClient([{ ...keys.RS256.publicJwk, alg: 'PS256' }]);
  const redeem = await codeOf(client);
  expect((await redeem(await sign(keys.RS256, claims(client)))).body.error).toBe('invalid_client');
});

test('a client that has announced an algorithm is held to it', async () => {
  const client = newClient([keys.ES256.publicJwk, keys.RS256.publicJwk], { token_endpoint_auth_signing_alg: 'ES256' });
  const redeem = await codeOf(client);
  expect((await redeem(await sign(keys.RS256, claims(client)))).body.error).toBe('invalid_client');
  expect((await redeem(await sign(keys.ES256, claims(client)))).status).toBe(200);
});

test('a client whose document no longer names keys, or is gone, is out', async () => {
  const client = newClient([keys.ES256.publicJwk]);
  const redeem = await codeOf(client);
  const { body } = await redeem(await sign(keys.ES256, claims(client)));
  const renew = async () =>
    token(server, { ...refreshForm(client, body.refresh_token), ...asserting(await sign(keys.ES256, claims(client))) });
  hosts.serve(client.client_id, documentOf(client.client_id));
  server.clock.advance(3600);
  for (const _instance of server.apps) expect((await renew()).body.error).toBe('invalid_client');
  hosts.answer(client.client_id, () => new Response(null, { status: 404 }));
  server.clock.advance(3600);
  for (const _instance of server.apps) expect((await renew()).body.error).toBe('invalid_client');
});

test('a client that registered itself may not bring an assertion', async () => {
  const client = await register(server);
  const { tokens } = await connect(server, 'ada', {}, client);
  const form = { ...refreshForm(client, tokens.refresh_token), ...asserting(await sign(keys.ES256, claims(client))) };
  expect(await token(server, form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
});

test('no assertion is in a log line', async () => {
  const client = newClient([keys.ES256.publicJwk]);
  const redeem = await codeOf(client);
  const jwt = await sign(keys.ES256, claims(client));
  await redeem(jwt);
  await redeem(jwt);
  expect(server.logLines.join('\n')).not.toContain(jwt.split('.')[2]);
});
