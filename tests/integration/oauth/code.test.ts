import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import {
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';

/** Two instances that share storage and take the requests in turn. */
let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
});
afterAll(() => server.stop());

describe('redeeming a code', () => {
  test('a sign-in over two instances gives tokens that work', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'profile notes:read notes:write' });
    expect(claimsOf(tokens.access_token)).toMatchObject({
      iss: server.origin,
      aud: server.mcpUrl,
      client_id: client.client_id,
      sub: `${server.entra.tenantId}.${server.entra.people.ada.oid}`,
    });
    const { body } = await callTool(server, tokens.access_token, 'get_user_profile');
    expect(body.result?.structuredContent).toMatchObject({ email: server.entra.people.ada.username });
  });

  test('50 at once: one grant, and all answers alike', async () => {
    const code = await obtainCode(server, client);
    const answers = await Promise.all(Array.from({ length: 50 }, () => token(server, codeForm(client, code))));
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]));
    expect(new Set(answers.map(answer => answer.body.refresh_token)).size).toBe(1);
    const payloads = answers.map(answer => JSON.stringify(claimsOf(answer.body.access_token)));
    expect(new Set(payloads).size).toBe(1);
  });

  test('50 at once with wrong ones among them: those are refused and change nothing', async () => {
    const other = await register(server, { client_name: 'Another' });
    const code = await obtainCode(server, client);
    const wrong = [
      { code_verifier: 'x'.repeat(43) },
      { code_verifier: undefined },
      { client_id: other.client_id },
      { redirect_uri: 'http://localhost:33418/other' },
      { redirect_uri: 'http://localhost:9/callback' },
      { resource: 'https://other.example/mcp' },
    ];
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const change = i % 2 === 0 ? wrong[(i / 2) % wrong.length] : undefined;
        return { wrong: change !== undefined, ...(await token(server, { ...codeForm(client, code), ...change })) };
      }),
    );
    const refused = answers.filter(answer => answer.wrong);
    const honest = answers.filter(answer => !answer.wrong);
    expect(new Set(refused.map(answer => answer.status))).toEqual(new Set([400]));
    expect(new Set(refused.map(answer => answer.body.error))).toEqual(new Set(['invalid_grant', 'invalid_target']));
    expect(new Set(honest.map(answer => answer.status))).toEqual(new Set([200]));
    expect(new Set(honest.map(answer => answer.body.refresh_token)).size).toBe(1);
  });

  test('a wrong attempt before the right one costs nothing', async () => {
    const code = await obtainCode(server, client);
    expect((await token(server, { ...codeForm(client, code), code_verifier: 'y'.repeat(64) })).status).toBe(400);
    expect((await token(server, codeForm(client, code))).status).toBe(200);
  });

  test('a full match after 30 seconds ends the grant, its access tokens with it', async () => {
    const code = await obtainCode(server, client);
    const { body } = await token(server, codeForm(client, code));
    server.clock.advance(31);
    expect(await token(server, codeForm(client, code))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    server.clock.advance(30);
    expect((await token(server, refreshForm(client, body.refresh_token))).body.error).toBe('invalid_grant');
    for (const _instance of server.apps) {
      expect((await callTool(server, body.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(401);
    }
  });

  test('a wrong verifier after 30 seconds does not end the grant', async () => {
    const code = await obtainCode(server, client);
    const { body } = await token(server, codeForm(client, code));
    server.clock.advance(31);
    await token(server, { ...codeForm(client, code), code_verifier: 'x'.repeat(43) });
    expect((await token(server, refreshForm(client, body.refresh_token))).status).toBe(200);
  });

  test('a code that nobody redeemed expires after 60 seconds', async () => {
    const code = await obtainCode(server, client);
    server.clock.advance(61);
    expect(await token(server, codeForm(client, code))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  test.each([
    ['no code', { code: undefined }],
    ['a code of another form', { code: 'abc' }],
    ['a code with another secret', { code: `ac.${'4'.repeat(6)}${'A'.repeat(22)}.${'B'.repeat(43)}` }],
    ['a refresh token for a code', { code: `rt.${'A'.repeat(64)}.${'B'.repeat(43)}` }],
  ])('%s is invalid_grant', async (_name, change) => {
    const form = { ...codeForm(client, { code: 'x', verifier: 'v'.repeat(43) }), ...change };
    expect(await token(server, form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('a verifier of one character is refused whatever the challenge (RFC 7636 section 4.1)', async () => {
    const { createHash } = await import('node:crypto');
    const challenge = createHash('sha256').update('x').digest('base64url');
    const code = await obtainCode(server, client, 'ada', { code_challenge: challenge });
    expect((await token(server, { ...codeForm(client, code), code_verifier: 'x' })).status).toBe(400);
  });
});

describe('what a grant holds', () => {
  test('only what was asked, whatever Entra answers', async () => {
    server.entra.giveScopes(['profile', 'notes:read', 'notes:write']);
    const { tokens } = await connect(server, 'ada', { scope: 'notes:read unknown claudeai' }, client);
    expect(tokens.scope).toBe('notes:read');
    const refused = await callTool(server, tokens.access_token, 'save_user_note', { note: 'x' });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope');
    const renewed = await token(server, refreshForm(client, tokens.refresh_token));
    expect(renewed.body.scope).toBe('notes:read');
    server.entra.giveScopes([]);
  });

  test('name and e-mail only with profile', async () => {
    const { tokens } = await connect(server, 'ada', { scope: 'notes:read' }, client);
    expect(claimsOf(tokens.access_token)).not.toHaveProperty('email');
    expect(claimsOf(tokens.access_token)).not.toHaveProperty('name');
  });
});

describe('a confidential client', () => {
  const redeemAs = async (
    method: string,
    form: Record<string, string | undefined>,
    headers?: Record<string, string>,
  ) => {
    const confidential = await register(server, { token_endpoint_auth_method: method });
    const code = await obtainCode(server, confidential);
    const full = { ...codeForm(confidential, code), ...form };
    const basic = (secret = '') => ({
      authorization: `Basic ${Buffer.from(`${encodeURIComponent(confidential.client_id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
    });
    return { confidential, full, basic, headers };
  };

  test('needs its secret, by post', async () => {
    const { confidential, full } = await redeemAs('client_secret_post', {});
    for (const client_secret of [undefined, 'wrong']) {
      expect(await token(server, { ...full, client_secret })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
    }
    const { status, body } = await token(server, { ...full, client_secret: confidential.client_secret });
    expect(status).toBe(200);
    const renewal = refreshForm(confidential, body.refresh_token);
    expect((await token(server, renewal)).status).toBe(401);
    expect((await token(server, { ...renewal, client_secret: confidential.client_secret })).status).toBe(200);
  });

  test('or by Basic, and is told that scheme when it is wrong', async () => {
    const { confidential, full, basic } = await redeemAs('client_secret_basic', {});
    const refused = await token(server, { ...full, client_id: undefined }, basic('wrong'));
    expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /);
    const both = await token(
      server,
      { ...full, client_secret: confidential.client_secret },
      basic(confidential.client_secret),
    );
    expect(both).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const good = await token(server, { ...full, client_id: undefined }, basic(confidential.client_secret));
    expect(good.status).toBe(200);
  });
});

test.each<[string, Record<string, string | undefined>, number, string]>([
  ['no grant_type', { grant_type: undefined }, 400, 'invalid_request'],
  ['a password grant (BP-14)', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['no client', { client_id: undefined }, 401, 'invalid_client'],
])('%s', async (_name, change, status, error) => {
  const form = { ...codeForm(client, { code: 'x', verifier: 'v'.repeat(43) }), ...change };
  expect(await token(server, form)).toMatchObject({ status, body: { error } });
});
