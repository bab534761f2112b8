import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signAccessToken } from '../../../src/access/access-token.ts';
import { createKeyRing } from '../../../src/keys/key-ring.ts';
import { parseSecrets } from '../../../src/keys/secret.ts';
import { type AppServer, newSecret, startAppServer } from '../../support/app-server.ts';
import { newProofKey } from '../../support/dpop.ts';
import { type Client, claimsOf, codeForm, connect, obtainCode, post, register, token } from '../../support/flows.ts';

/** RFC 7662 for a resource server that the operator has named, over two instances. */
const SECRET = newSecret();
const KEY = newSecret();
const named = (client_id: string, more: object) => ({
  client_id,
  client_secret_sha256: createHash('sha256').update(SECRET).digest('hex'),
  ...more,
});

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({
    instances: 2,
    settings: {
      JWT_SECRET_KEY: KEY,
      PREREGISTERED_CLIENTS: JSON.stringify([
        named('gateway', { introspection: true }),
        named('portal', { redirect_uris: ['https://portal.example/cb'] }),
      ]),
    },
  });
  client = await register(server);
});
afterAll(() => server.stop());

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

async function introspect(presented: string | undefined, headers: Record<string, string> = basic('gateway', SECRET)) {
  const response = await post(server, '/oauth/introspect', { token: presented }, headers);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe('introspection', () => {
  test('tells of a live access token, by Basic and by post', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const claims = claimsOf(tokens.access_token);
    const expected = {
      active: true,
      scope: 'profile notes:read notes:write',
      client_id: client.client_id,
      username: server.entra.people.ada.username,
      token_type: 'Bearer',
      exp: claims.exp,
      iat: claims.iat,
      sub: claims.sub,
      aud: server.mcpUrl,
      iss: server.origin,
      jti: claims.jti,
    };
    const { status, headers, body } = await introspect(tokens.access_token);
    expect([status, body]).toEqual([200, expected]);
    expect(headers.get('cache-control')).toBe('no-store');
    const form = {
      token: tokens.access_token,
      token_type_hint: 'refresh_token',
      client_id: 'gateway',
      client_secret: SECRET,
    };
    expect(await (await post(server, '/oauth/introspect', form)).json()).toEqual(expected);
  });

  test('names nobody where profile was not approved', async () => {
    const { tokens } = await connect(server, 'ada', { scope: 'notes:read' }, client);
    expect((await introspect(tokens.access_token)).body).not.toHaveProperty('username');
  });

  test('tells the key of a bound token', async () => {
    const key = await newProofKey();
    const url = `${server.origin}/oauth/token`;
    const code = await obtainCode(server, client);
    const asked = await token(server, codeForm(client, code), { dpop: await key.proof({ url }) });
    const nonce = asked.headers.get('dpop-nonce') ?? '';
    const { body } = await token(server, codeForm(client, code), { dpop: await key.proof({ url, nonce }) });
    expect((await introspect(body.access_token)).body).toMatchObject({ token_type: 'DPoP', cnf: { jkt: key.jkt } });
  });

  test('says {"active":false} and no more of everything else', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const ring = await createKeyRing(parseSecrets(KEY));
    const sign = (change: object, issuer = server.origin, keys = ring) => {
      const issuedAt = Math.floor(server.clock.now / 1000);
      return signAccessToken(keys, issuer, {
        person: { tid: 't', oid: 'o' },
        clientId: 'c',
        grantId: 'g',
        tokenId: 'j',
        resource: server.mcpUrl,
        scopes: ['notes:read'],
        roles: [],
        signedInAt: issuedAt,
        issuedAt,
        expiresAt: issuedAt + 60,
        ...change,
      });
    };
    expect((await introspect(await sign({}))).body).toMatchObject({ active: true, sub: 't.o' });
    const dead = [
      await sign({ resource: `${server.origin}/other` }),
      await sign({ expiresAt: Math.floor(server.clock.now / 1000) }),
      await sign({}, 'https://other.example'),
      await sign({}, server.origin, await createKeyRing(parseSecrets(newSecret()))),
      tokens.refresh_token,
      `ac.${'4'.repeat(28)}.${'A'.repeat(43)}`,
      'x',
      'a.b.c',
    ];
    for (const each of dead) expect((await introspect(each)).body).toEqual({ active: false });
  });

  test('knows of a revocation on another instance within 30 seconds', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    for (const _instance of server.apps) expect((await introspect(tokens.access_token)).body.active).toBe(true);
    await post(server, '/oauth/revoke', { token: tokens.refresh_token, client_id: client.client_id });
    server.clock.advance(30);
    for (const _instance of server.apps)
      expect((await introspect(tokens.access_token)).body).toEqual({ active: false });
  });

  test.each<[string, () => Promise<Record<string, string>> | Record<string, string>]>([
    ['nobody', () => ({})],
    ['a wrong secret', () => basic('gateway', 'wrong')],
    ['no secret', () => basic('gateway', '')],
    ['a client that may not', () => basic('portal', SECRET)],
    ['an unknown one', () => basic('stranger', SECRET)],
    [
      'a client that registered itself',
      async () => {
        const { client_id, client_secret } = await register(server, {
          token_endpoint_auth_method: 'client_secret_basic',
        });
        return basic(client_id, client_secret ?? '');
      },
    ],
    ['a bearer token', async () => ({ authorization: `Bearer ${(await connect(server)).tokens.access_token}` })],
  ])('%s gets 401 and hears nothing', async (_name, headers) => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const { status, body } = await introspect(tokens.access_token, await headers());
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    expect(body).not.toHaveProperty('active');
  });

  test('a public client gets 401 with its id alone', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const form = { token: tokens.access_token, client_id: client.client_id };
    expect((await post(server, '/oauth/introspect', form)).status).toBe(401);
  });

  test('asks for a token, once', async () => {
    expect(await introspect(undefined)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('is for no web page: no CORS', async () => {
    expect((await introspect('x')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('is 404 where nobody may', async () => {
    const without = await startAppServer();
    expect((await post(without, '/oauth/introspect', { token: 'x' }, basic('gateway', SECRET))).status).toBe(404);
    await without.stop();
  });
});
