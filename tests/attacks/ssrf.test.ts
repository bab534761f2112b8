import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { authorizationUrl, post } from '../support/flows.ts';

/**
 * A client id is an address that this server fetches. Whoever writes one cannot make it connect to this machine or this
 * network, nor learn by the answer what is there. Redirects and names that change their mind are in public-fetch.test.ts.
 */
let server: AppServer;
let port: number;
let connections = 0;
const inside = createServer(socket => {
  connections++;
  socket.destroy();
});
beforeAll(async () => {
  server = await startAppServer({ settings: { CLIENT_METADATA_DOCUMENTS: 'on' } });
  await new Promise<void>(resolve => inside.listen(0, '127.0.0.1', resolve));
  port = (inside.address() as { port: number }).port;
});
afterAll(async () => {
  inside.close();
  await server.stop();
});

const HOSTS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0x0.0x0.0x1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '127。0。0。1',
  '１２７.0.0.1',
  '0',
  '0.0.0.0',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'a.localhost',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[fe80::1]',
  '[fc00::1]',
  '169.254.169.254',
  '2852039166',
  '168.63.129.16',
  '10.0.0.1',
  '192.168.0.1',
  '100.64.0.1',
  'metadata.google.internal',
  'machine',
  'machine.local',
  'user@127.0.0.1',
  'client.example@127.0.0.1',
];

test('an address of this machine or this network is refused however it is written, and nothing connects', async () => {
  const answers = new Set<string>();
  for (const host of HOSTS) {
    for (const scheme of ['https', 'http', 'HTTPS', 'ftp', 'file', 'gopher']) {
      const id = `${scheme}://${host}:${port}/client.json`;
      const response = await fetch(authorizationUrl(server, { client_id: id }).url, {
        redirect: 'manual',
        headers: { accept: 'application/json' },
      });
      const { error } = (await response.json()) as { error: string };
      expect([id, response.status, response.headers.get('location')]).toEqual([id, 400, null]);
      answers.add(error);
    }
  }
  expect([...answers]).toEqual(['invalid_client']);
  expect(connections).toBe(0);
});

test('nor is one fetched for who merely names it at the token or the revocation endpoint', async () => {
  const id = `https://127.0.0.1:${port}/client.json`;
  const forms = [
    ['/oauth/token', { grant_type: 'authorization_code', code: 'x' }],
    ['/oauth/token', { grant_type: 'refresh_token', refresh_token: 'x' }],
    ['/oauth/revoke', { token: 'x' }],
  ] as const;
  for (const [path, form] of forms) {
    const assertion = `${Buffer.from(JSON.stringify({ alg: 'ES256', jku: id, x5u: id })).toString('base64url')}.e30.AA`;
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    for (const more of [{}, { client_assertion: assertion, client_assertion_type: type }]) {
      const response = await post(server, path, { ...form, client_id: id, ...more });
      expect(response.status).toBeLessThan(500);
    }
  }
  expect(connections).toBe(0);
});

test('addresses in a registration are kept and shown, and never fetched', async () => {
  const inside = `https://127.0.0.1:${port}/`;
  const response = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    body: JSON.stringify({
      redirect_uris: [`${inside}callback`],
      token_endpoint_auth_method: 'none',
      client_uri: inside,
      logo_uri: inside,
      jwks_uri: inside,
      policy_uri: inside,
      sector_identifier_uri: inside,
      software_statement: `${inside}.e30.x`,
    }),
  });
  const { client_id } = (await response.json()) as { client_id: string };
  if (response.status === 201) {
    const page = await fetch(authorizationUrl(server, { client_id }, { redirect_uri: `${inside}callback` }).url);
    expect(await page.text()).not.toContain('<img');
  }
  expect(connections).toBe(0);
});
