import { importJWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { connect, register } from '../../support/flows.ts';

let server: AppServer;
beforeAll(async () => {
  server = await startAppServer();
});
afterAll(() => server.stop());

const get = async (path: string, init?: RequestInit) => {
  const response = await fetch(server.origin + path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
};

describe('discovery', () => {
  test.each(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])('%s', async path => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(body).toMatchObject({
      issuer: server.origin,
      authorization_endpoint: `${server.origin}/oauth/authorize`,
      token_endpoint: `${server.origin}/oauth/token`,
      registration_endpoint: `${server.origin}/oauth/register`,
      revocation_endpoint: `${server.origin}/oauth/revoke`,
      jwks_uri: `${server.origin}/.well-known/jwks.json`,
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      response_types_supported: ['code'],
      authorization_response_iss_parameter_supported: true,
      scopes_supported: ['profile', 'notes:read', 'notes:write', 'offline_access'],
    });
  });

  test('names what the settings allow: by default registration and documents, no introspection', async () => {
    const { body } = await get('/.well-known/oauth-authorization-server');
    expect(body).toMatchObject({
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      prompt_values_supported: ['none', 'login', 'select_account', 'consent'],
    });
    expect(body).not.toHaveProperty('introspection_endpoint');
    const settings = {
      CLIENT_REGISTRATION: 'off',
      CLIENT_METADATA_DOCUMENTS: 'off',
      PREREGISTERED_CLIENTS: JSON.stringify([
        { client_id: 'gateway', client_secret_sha256: 'A'.repeat(43), introspection: true },
      ]),
    };
    const other = await startAppServer({ settings });
    const response = await fetch(`${other.origin}/.well-known/oauth-authorization-server`);
    const document = (await response.json()) as Record<string, unknown>;
    expect(document).toMatchObject({
      introspection_endpoint: `${other.origin}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic'],
    });
    for (const absent of [
      'registration_endpoint',
      'client_id_metadata_document_supported',
      'token_endpoint_auth_signing_alg_values_supported',
    ]) {
      expect(document).not.toHaveProperty(absent);
    }
    await other.stop();
  });

  test('nothing at the locations with /mcp, whose issuer would be another (AS-02)', async () => {
    for (const path of [
      '/.well-known/oauth-authorization-server/mcp',
      '/.well-known/openid-configuration/mcp',
      '/mcp/.well-known/openid-configuration',
    ]) {
      expect((await get(path)).status).toBe(404);
    }
  });

  test.each(['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp'])(
    '%s (RS-28, RS-29, RS-33)',
    async path => {
      const { body } = await get(path);
      expect(body).toMatchObject({
        resource: server.mcpUrl,
        authorization_servers: [server.origin],
        scopes_supported: ['profile', 'notes:read', 'notes:write'],
      });
    },
  );

  test('the Host header changes nothing: the issuer is configured', async () => {
    const { request } = await import('node:http');
    const url = new URL(`${server.origin}/.well-known/oauth-authorization-server`);
    const text = await new Promise<string>((resolve, reject) => {
      const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
      const sent = request(url, { headers }, async answer => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk as Buffer);
        resolve(Buffer.concat(chunks).toString());
      });
      sent.on('error', reject).end();
    });
    expect(text).not.toContain('evil.example');
  });

  test('the keys verify our tokens, and hold no private half', async () => {
    const { body } = await get('/.well-known/jwks.json');
    const { tokens } = await connect(server);
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, await importJWK(body.keys[0], 'ES256'));
    expect(protectedHeader).toMatchObject({ typ: 'at+jwt', alg: 'ES256', kid: body.keys[0].kid });
    expect(payload.aud).toBe(server.mcpUrl);
    expect(body.keys[0]).not.toHaveProperty('d');
  });

  test.each(['/oauth/token', '/oauth/register', '/oauth/revoke', '/mcp', '/.well-known/oauth-authorization-server'])(
    'a web client’s preflight at %s',
    async path => {
      const { status, headers } = await get(path, { method: 'OPTIONS', headers: { origin: 'http://localhost:5173' } });
      expect([status, headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    },
  );

  test.each(['/', '/oauth/authorize', '/auth/login', '/auth/callback'])('no CORS at %s (BP-03)', async path => {
    const { headers } = await get(path, { redirect: 'manual', headers: { origin: 'http://localhost:5173' } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('registration', () => {
  test('the same public client twice, another loopback port, is one row and one id', async () => {
    const one = await register(server, { redirect_uris: ['http://127.0.0.1:1111/cb'] });
    const two = await register(server, { redirect_uris: ['http://127.0.0.1:2222/cb'] });
    expect(two.client_id).toBe(one.client_id);
  });

  test('the answer repeats what was registered, the caller’s own port with it', async () => {
    const answer = await register(server, {
      redirect_uris: ['http://127.0.0.1:2222/cb'],
      client_uri: null,
      unknown: 1,
    });
    expect(answer).toMatchObject({ redirect_uris: ['http://127.0.0.1:2222/cb'], token_endpoint_auth_method: 'none' });
    expect(Object.values(answer)).not.toContain(null);
    expect(answer.client_secret).toBeUndefined();
  });

  test('a confidential client gets an id and a secret of its own each time', async () => {
    const [one, two] = [
      await register(server, { token_endpoint_auth_method: 'client_secret_post' }),
      await register(server, { token_endpoint_auth_method: 'client_secret_post' }),
    ];
    expect(one.client_id).not.toBe(two.client_id);
    expect(one.client_secret).toMatch(/^cs\.[\w-]{43}$/);
  });

  test.each([
    ['Gemini’s empty redirect_uris', { redirect_uris: [] }, 400, 'invalid_redirect_uri'],
    ['a name of 500 KB', { client_name: 'x'.repeat(500_000) }, 413, 'invalid_client_metadata'],
    ['a script as redirect URI', { redirect_uris: ['javascript:alert(1)'] }, 400, 'invalid_redirect_uri'],
    ['a key that replaces headers', { Headers: { Cookie: 'x' } }, 400, 'invalid_client_metadata'],
  ])('%s', async (_name, change, status, error) => {
    const response = await fetch(`${server.origin}/oauth/register`, {
      method: 'POST',
      body: JSON.stringify({ redirect_uris: ['http://localhost/cb'], token_endpoint_auth_method: 'none', ...change }),
    });
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([status, error]);
  });

  test('what is no JSON', async () => {
    const response = await fetch(`${server.origin}/oauth/register`, { method: 'POST', body: 'x=1' });
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
      400,
      'invalid_client_metadata',
    ]);
  });
});
