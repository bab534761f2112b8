import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { createDocumentHosts, type DocumentHosts, documentOf } from '../../support/document-hosts.ts';
import {
  authorizationUrl,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  post,
  REDIRECT_URI,
  refreshForm,
  token,
} from '../../support/flows.ts';
import { countTrips } from '../../support/storage-faults.ts';

const DAY = 24 * 3600;
/** Of a client that the operator has registered. */
const SECRET = randomBytes(32).toString('base64url');

let server: AppServer;
let hosts: DocumentHosts;
beforeAll(async () => {
  hosts = createDocumentHosts();
  server = await startAppServer({
    fetchDocument: hosts.fetchDocument,
    settings: {
      CLIENT_DENYLIST: 'evil.example,*.evil.example',
      PRIVATE_USE_SCHEMES: 'contoso-agent',
      PREREGISTERED_CLIENTS: JSON.stringify([
        { client_id: 'portal', client_name: 'Portal', redirect_uris: [REDIRECT_URI, 'own-scheme://callback'] },
        {
          client_id: 'confidential',
          redirect_uris: [REDIRECT_URI],
          client_secret_sha256: createHash('sha256').update(SECRET).digest('hex'),
        },
      ]),
    },
  });
});
afterAll(() => server.stop());

let count = 0;
/** The id of a client whose document is served from now on. */
function newClient(change: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  const client_id = `https://client.example/${++count}`;
  hosts.serve(client_id, documentOf(client_id, change), headers);
  return { client_id };
}

/** What the authorization endpoint shows a person who comes with a client id. */
async function authorize(client_id: string, change: Record<string, string> = {}) {
  const page = await new Browser().open(authorizationUrl(server, { client_id }, change).url);
  return { status: page.status, text: textOf(page.html), headers: page.headers };
}

describe('a client with a metadata document', () => {
  test('signs in, calls and renews, by one fetch and nothing in storage for it', async () => {
    // Makes the tables.
    await connect(server, 'ada', {}, newClient());
    const client = newClient();
    hosts.fetched.length = 0;
    const { trips, result } = await countTrips(server.storage.accountName, () => connect(server, 'ada', {}, client));
    expect(claimsOf(result.tokens.access_token).client_id).toBe(client.client_id);
    expect((await callTool(server, result.tokens.access_token, 'calculate_sum', { numbers: [1, 2] })).status).toBe(200);
    expect((await token(server, refreshForm(client, result.tokens.refresh_token))).status).toBe(200);
    expect(hosts.fetched).toEqual([client.client_id]);
    expect(trips).toBeLessThanOrEqual(8);
  });

  test('a thousand look-ups are one fetch and no trip to storage', async () => {
    const { client_id } = newClient();
    await authorize(newClient().client_id);
    hosts.fetched.length = 0;
    const { trips } = await countTrips(server.storage.accountName, async () => {
      for (let i = 0; i < 20; i++) {
        const pages = await Promise.all(Array.from({ length: 50 }, () => authorizeOnly(client_id)));
        expect(new Set(pages)).toEqual(new Set([200]));
      }
    });
    expect([trips, hosts.fetched]).toEqual([0, [client_id]]);
  });

  test('its redirect URI is held against the document', async () => {
    const { client_id } = newClient({ redirect_uris: ['https://client.example/callback'] });
    const refused = await authorize(client_id, { redirect_uri: 'https://client.example/callback/more' });
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('is not one that the application') });
    expect((await authorize(client_id, { redirect_uri: 'https://client.example/callback' })).status).toBe(200);
  });

  test('a loopback URI without a port in it takes any port, as Claude Code needs', async () => {
    const { client_id } = newClient({ redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'] });
    expect((await authorize(client_id, { redirect_uri: 'http://localhost:51234/callback' })).status).toBe(200);
    expect((await authorize(client_id, { redirect_uri: 'http://127.0.0.1:1/callback' })).status).toBe(200);
  });

  test('members that are null count as absent, unknown ones are ignored', async () => {
    const { client_id } = newClient({ jwks_uri: null, logo_uri: null, grant_types: null, 'x-more': { a: 1 } });
    expect((await authorize(client_id)).status).toBe(200);
  });

  test('a private-use scheme is one of the known, or of the operator’s', async () => {
    const uri = 'contoso-agent://callback';
    expect((await authorize(newClient({ redirect_uris: [uri] }).client_id, { redirect_uri: uri })).status).toBe(200);
    const refused = await authorize(newClient({ redirect_uris: ['unknown-agent://callback'] }).client_id);
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('scheme unknown-agent') });
  });
});

const authorizeOnly = async (client_id: string) => {
  const response = await fetch(authorizationUrl(server, { client_id }).url);
  await response.body?.cancel();
  return response.status;
};

describe('a document that is refused: a page with 400, no redirect', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['another client_id', { client_id: 'https://client.example/another' }, 'names another client_id'],
    ['no client_id', { client_id: undefined }, 'client_id is missing'],
    ['no client_name', { client_name: undefined }, 'client_name is missing'],
    ['an empty client_name', { client_name: '' }, 'client_name is missing'],
    ['a name with unseen characters', { client_name: 'A\u202eB' }, 'client_name has characters that cannot be seen'],
    ['a name of 201 characters', { client_name: 'x'.repeat(201) }, 'client_name is longer than 200'],
    ['no redirect_uris', { redirect_uris: undefined }, 'redirect_uris is missing'],
    ['redirect_uris that are a text', { redirect_uris: REDIRECT_URI }, 'redirect_uris is missing or of another type'],
    ['a redirect URI on http', { redirect_uris: ['http://client.example/'] }, 'is http on another host'],
    ['a redirect URI with a fragment', { redirect_uris: ['https://client.example/#'] }, 'has a fragment'],
    ['21 redirect URIs', { redirect_uris: Array(21).fill(REDIRECT_URI) }, 'more than 20'],
    ['a secret', { client_secret: 'x' }, 'client_secret is something that no document may hold'],
    ...['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'tls_client_auth'].map(
      (method): [string, Record<string, unknown>, string] => [
        method,
        { token_endpoint_auth_method: method },
        'is neither none nor private_key_jwt',
      ],
    ),
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }, 'does not name its keys'],
    ['no code flow', { grant_types: ['client_credentials'] }, 'grant_types lacks authorization_code'],
  ])('%s', async (_what, change, problem) => {
    const { client_id } = newClient(change);
    const { status, text, headers } = await authorize(client_id);
    expect([status, headers.get('location')]).toEqual([400, null]);
    expect(text).toContain(problem);
  });

  test.each([null, [], 'text', 7])('%j is no document', async json => {
    const client_id = `https://client.example/${++count}`;
    hosts.serve(client_id, json);
    expect((await authorize(client_id)).status).toBe(400);
  });

  test.each([
    ['one that is not there', () => new Response(null, { status: 404 })],
    ['a redirect', () => Response.redirect('https://client.example/1', 302)],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['more than 5 KB', () => Response.json('x'.repeat(5_120))],
  ])('%s', async (_what, answer) => {
    const client_id = `https://client.example/${++count}`;
    hosts.answer(client_id, answer);
    hosts.fetched.length = 0;
    for (let i = 0; i < 5; i++) expect((await authorize(client_id)).status).toBe(400);
    expect(hosts.fetched).toEqual([client_id]);
  });

  test.each([
    ['http://client.example/id', 'is not an https URL'],
    ['https://client.example/', 'has no path'],
    ['https://localhost/id', 'has no public host'],
    ['https://127.0.0.1/id', 'has an IP address'],
    ['https://[::ffff:127.0.0.1]/id', 'canonical'],
    ['https://169.254.169.254/latest/meta-data', 'has an IP address'],
    ['https://2130706433/id', 'canonical'],
    ['https://user@client.example/id', 'has user information'],
    ['https://client.example/a/../id', 'canonical'],
  ])('the id %s: nothing is fetched', async (client_id, problem) => {
    hosts.fetched.length = 0;
    const { status, text } = await authorize(client_id);
    expect([status, hosts.fetched]).toEqual([400, []]);
    expect(text).toContain(problem);
  });

  test('a host on the deny list, or below one: nothing is fetched', async () => {
    hosts.fetched.length = 0;
    for (const host of ['evil.example', 'a.b.evil.example']) {
      expect(await authorize(`https://${host}/id`)).toMatchObject({
        status: 400,
        text: expect.stringContaining('not let in here'),
      });
    }
    expect(hosts.fetched).toEqual([]);
    const client_id = 'https://notevil.example/id';
    hosts.serve(client_id, documentOf(client_id));
    expect((await authorize(client_id)).status).toBe(200);
  });
});

describe('its host is down', () => {
  test('at first contact: 503 with Retry-After, temporarily_unavailable for programs, and it works later', async () => {
    const { client_id } = newClient();
    hosts.takeDown(client_id);
    const { status, headers } = await authorize(client_id);
    expect([status, headers.get('retry-after')]).toEqual([503, '30']);
    const json = await fetch(authorizationUrl(server, { client_id }).url, { headers: { accept: 'application/json' } });
    expect([json.status, await json.json()]).toMatchObject([503, { error: 'temporarily_unavailable' }]);
    hosts.serve(client_id, documentOf(client_id));
    server.clock.advance(30);
    expect((await authorize(client_id)).status).toBe(200);
  });

  test('known: serves for a day after it was fresh, then 503', async () => {
    const { client_id } = newClient({}, { 'cache-control': 'max-age=3600' });
    expect((await authorize(client_id)).status).toBe(200);
    hosts.takeDown(client_id);
    server.clock.advance(3600 + DAY - 1);
    expect((await authorize(client_id)).status).toBe(200);
    server.clock.advance(1);
    expect((await authorize(client_id)).status).toBe(503);
  });

  test('deleted: refused as soon as it is not fresh any more', async () => {
    const { client_id } = newClient({}, { 'cache-control': 'max-age=3600' });
    expect((await authorize(client_id)).status).toBe(200);
    hosts.answer(client_id, () => new Response(null, { status: 410 }));
    server.clock.advance(3600);
    expect(await authorize(client_id)).toMatchObject({ status: 400, text: expect.stringContaining('status 410') });
  });

  test('a sign-in that is under way, and a renewal, need it not', async () => {
    const client = newClient();
    const code = await obtainCode(server, client);
    hosts.takeDown(client.client_id);
    server.clock.advance(50);
    const { status, body } = await token(server, codeForm(client, code));
    expect(status).toBe(200);
    server.clock.advance(2 * DAY);
    expect((await token(server, refreshForm(client, body.refresh_token))).status).toBe(200);
  });
});

test('who asks at once shares one fetch', async () => {
  const { client_id } = newClient();
  hosts.fetched.length = 0;
  await Promise.all(Array.from({ length: 20 }, () => authorize(client_id)));
  expect(hosts.fetched).toEqual([client_id]);
});

test('a public client of a document may not bring an assertion', async () => {
  const client = newClient();
  const code = await obtainCode(server, client);
  const { status, body } = await token(server, {
    ...codeForm(client, code),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: 'e30.e30.AA',
  });
  expect([status, body.error]).toEqual([401, 'invalid_client']);
  expect((await token(server, codeForm(client, code))).status).toBe(200);
});

test('the metadata says that documents are served', async () => {
  const response = await fetch(`${server.origin}/.well-known/oauth-authorization-server`);
  const metadata = (await response.json()) as Record<string, unknown>;
  expect(metadata.client_id_metadata_document_supported).toBe(true);
  expect(metadata.token_endpoint_auth_methods_supported).toContain('private_key_jwt');
  expect(metadata.token_endpoint_auth_signing_alg_values_supported).toEqual(['ES256', 'RS256', 'PS256', 'EdDSA']);
});

test('one address that names many documents gets 429, others and known documents are served', async () => {
  const limited = await startAppServer({ fetchDocument: hosts.fetchDocument, trustedProxyHops: 1 });
  try {
    const ask = (client_id: string, address: string) =>
      fetch(authorizationUrl(limited, { client_id }).url, { headers: { 'x-forwarded-for': `${address}:1` } });
    const known = newClient();
    expect((await ask(known.client_id, '203.0.113.1')).status).toBe(200);
    hosts.fetched.length = 0;
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push((await ask(`https://many.example/${i}`, '203.0.113.1')).status);
    expect([statuses.filter(status => status === 400).length, hosts.fetched.length]).toEqual([19, 19]);
    const refused = await ask('https://many.example/more', '203.0.113.1');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3']);
    expect(textOf(await refused.text())).toContain('Too many requests came from your network');
    expect((await ask(newClient().client_id, '203.0.113.2')).status).toBe(200);
    expect((await ask(known.client_id, '203.0.113.1')).status).toBe(200);
  } finally {
    await limited.stop();
  }
});

test('a host that is not public is told without a word of the link', async () => {
  const { text } = await authorize('https://call-0800-123456-now.example/x', {});
  expect(text).not.toContain('0800');
});

describe('what the operator says of a client counts from now on', () => {
  const [first, second] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
  const client = { client_id: 'changing', client_secret: first };
  const settings = (secret: string) => ({
    PREREGISTERED_CLIENTS: JSON.stringify([
      {
        client_id: 'changing',
        redirect_uris: [REDIRECT_URI],
        client_secret_sha256: createHash('sha256').update(secret).digest('hex'),
      },
    ]),
  });

  test('another secret, and none: also for grants that are there', async () => {
    const own = await startAppServer({ settings: settings(first) });
    try {
      const code = await obtainCode(own, client);
      const { body } = await token(own, { ...codeForm(client, code), client_secret: first });
      const renewWith = (client_secret: string, refresh: string) =>
        token(own, { ...refreshForm(client, refresh), client_secret });
      own.deploy(settings(second));
      expect((await renewWith(first, body.refresh_token)).body.error).toBe('invalid_client');
      const renewed = await renewWith(second, body.refresh_token);
      expect(renewed.status).toBe(200);
      own.deploy({ PREREGISTERED_CLIENTS: '' });
      const removed = await renewWith(second, renewed.body.refresh_token);
      expect([removed.status, removed.body.error]).toEqual([401, 'invalid_client']);
      expect(removed.body.error_description).toContain('removed');
    } finally {
      await own.stop();
    }
  });
});

describe('by the settings', () => {
  test('documents can be off: the id is unknown, the page says where to register', async () => {
    const off = await startAppServer({
      fetchDocument: hosts.fetchDocument,
      settings: { CLIENT_METADATA_DOCUMENTS: 'off' },
    });
    const { client_id } = newClient();
    hosts.fetched.length = 0;
    const page = await new Browser().open(authorizationUrl(off, { client_id }).url);
    expect([page.status, hosts.fetched]).toEqual([400, []]);
    expect(textOf(page.html)).toContain(`${off.origin}/oauth/register`);
    const metadata = await (await fetch(`${off.origin}/.well-known/oauth-authorization-server`)).json();
    expect(metadata).not.toHaveProperty('client_id_metadata_document_supported');
    await off.stop();
  });

  test('an allow list lets these hosts in and no others; the deny list wins', async () => {
    const listed = await startAppServer({
      fetchDocument: hosts.fetchDocument,
      settings: { CLIENT_ALLOWLIST: 'client.example,*.good.example', CLIENT_DENYLIST: 'bad.good.example' },
    });
    const open = async (client_id: string) => {
      hosts.serve(client_id, documentOf(client_id));
      return (await new Browser().open(authorizationUrl(listed, { client_id }).url)).status;
    };
    expect(await open('https://client.example/listed')).toBe(200);
    expect(await open('https://a.good.example/id')).toBe(200);
    expect(await open('https://good.example/id')).toBe(400);
    expect(await open('https://bad.good.example/id')).toBe(400);
    expect(await open('https://other.example/id')).toBe(400);
    await listed.stop();
  });

  test('a host that is put on the deny list later is out: its clients cannot renew', async () => {
    const client = newClient();
    const { tokens } = await connect(server, 'ada', {}, client);
    for (const settings of [{ CLIENT_DENYLIST: 'client.example' }, { CLIENT_METADATA_DOCUMENTS: 'off' }]) {
      const later = await startAppServer({ fetchDocument: hosts.fetchDocument, storage: server.storage, settings });
      const { status, body } = await token(later, refreshForm(client, tokens.refresh_token));
      expect([status, body.error]).toEqual([401, 'invalid_client']);
      await later.stop();
    }
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });

  test('a client of the operator’s signs in, by any scheme that the operator has named', async () => {
    const { tokens } = await connect(server, 'ada', {}, { client_id: 'portal' });
    expect(claimsOf(tokens.access_token).client_id).toBe('portal');
    expect((await authorize('portal', { redirect_uri: 'own-scheme://callback' })).status).toBe(200);
    expect((await authorize('portal', { redirect_uri: 'own-scheme://elsewhere' })).status).toBe(400);
    expect((await post(server, '/oauth/revoke', { token: tokens.refresh_token, client_id: 'portal' })).status).toBe(
      200,
    );
  });

  test('one of the operator’s with a secret must know it', async () => {
    const code = await obtainCode(server, { client_id: 'confidential' });
    const form = codeForm({ client_id: 'confidential' }, code);
    expect((await token(server, form)).body.error).toBe('invalid_client');
    expect((await token(server, { ...form, client_secret: 'wrong' })).body.error).toBe('invalid_client');
    expect((await token(server, { ...form, client_secret: SECRET })).status).toBe(200);
  });
});
