import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { type Client, callTool, claimsOf, connect, post, refreshForm, register, token } from '../../support/flows.ts';

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
});
afterAll(() => server.stop());

const begin = async () => (await connect(server, 'ada', {}, client)).tokens;
const renew = (refreshToken: string, change: Record<string, string> = {}) =>
  token(server, { ...refreshForm(client, refreshToken), ...change });
const idOf = (jwt: string) => claimsOf(jwt).jti;
const serves = async (accessToken: string) =>
  (await callTool(server, accessToken, 'calculate_sum', { numbers: [1, 2] })).status === 200;

describe('a renewal', () => {
  test('gives new tokens with the same scopes, and both access tokens work', async () => {
    const first = await begin();
    server.clock.advance(10);
    const { status, body } = await renew(first.refresh_token);
    expect(status).toBe(200);
    expect(body.refresh_token).not.toBe(first.refresh_token);
    expect(body.scope).toBe(first.scope);
    expect([await serves(first.access_token), await serves(body.access_token)]).toEqual([true, true]);
  });

  test('50 at once over two instances: every answer carries the same successor, and it works', async () => {
    const { refresh_token } = await begin();
    const answers = await Promise.all(Array.from({ length: 50 }, () => renew(refresh_token)));
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]));
    const successors = new Set(answers.map(answer => answer.body.refresh_token));
    expect(successors.size).toBe(1);
    expect((await renew([...successors][0] ?? '')).status).toBe(200);
  });

  test('an answer that was lost is given again within 30 seconds, counted from the first use', async () => {
    const { refresh_token } = await begin();
    const first = await renew(refresh_token);
    server.clock.advance(20);
    const again = await renew(refresh_token);
    expect(again.body.refresh_token).toBe(first.body.refresh_token);
    expect(again.body.expires_in).toBe(3580);
    server.clock.advance(10);
    expect((await renew(refresh_token)).body.error).toBe('invalid_grant');
  });

  test('a spent token whose successor is spent is refused, and the family lives', async () => {
    const { refresh_token } = await begin();
    const second = await renew(refresh_token);
    const third = await renew(second.body.refresh_token);
    expect((await renew(refresh_token)).body.error).toBe('invalid_grant');
    expect((await renew(third.body.refresh_token)).status).toBe(200);
  });

  test('a spent token after the window ends the grant, its access tokens with it', async () => {
    const first = await begin();
    const second = await renew(first.refresh_token);
    server.clock.advance(31);
    expect(await renew(first.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await renew(second.body.refresh_token)).body.error_description).toContain('refresh token reused');
    server.clock.advance(30);
    const served = [];
    for (const _instance of server.apps) served.push(await serves(second.body.access_token));
    expect(served).toEqual([false, false]);
  });

  test('a token from long ago, several renewals back, ends the grant too', async () => {
    const first = await begin();
    let latest = first.refresh_token;
    for (let i = 0; i < 4; i++) latest = (await renew(latest)).body.refresh_token;
    server.clock.advance(31);
    await renew(first.refresh_token);
    expect((await renew(latest)).body.error).toBe('invalid_grant');
  });

  test('a made-up token of a real grant ends nothing', async () => {
    const { refresh_token } = await begin();
    const forged = `${refresh_token.slice(0, refresh_token.lastIndexOf('.'))}.${'A'.repeat(43)}`;
    server.clock.advance(60);
    expect((await renew(forged)).body.error).toBe('invalid_grant');
    await post(server, '/oauth/revoke', { token: forged, client_id: client.client_id });
    expect((await renew(refresh_token)).status).toBe(200);
  });

  test('another client, or another resource, changes nothing', async () => {
    const { refresh_token } = await begin();
    const other = await register(server, { client_name: 'Another' });
    expect((await renew(refresh_token, { client_id: other.client_id })).body.error).toBe('invalid_grant');
    expect((await renew(refresh_token, { resource: 'https://other.example/mcp' })).body.error).toBe('invalid_target');
    expect((await renew(refresh_token, { resource: server.mcpUrl })).status).toBe(200);
  });

  test('Codex: offline_access in a renewal’s scope, though never granted, is no mistake', async () => {
    const { refresh_token } = await begin();
    const { status, body } = await renew(refresh_token, { scope: 'profile notes:read notes:write offline_access' });
    expect([status, body.scope]).toEqual([200, 'profile notes:read notes:write']);
  });

  test('a narrower scope gives a narrower access token, and the grant keeps its own (RFC 6749 section 6)', async () => {
    const { refresh_token } = await begin();
    const narrow = await renew(refresh_token, { scope: 'notes:read' });
    expect(narrow.body.scope).toBe('notes:read');
    const again = await renew(refresh_token);
    expect(again.body.refresh_token).toBe(narrow.body.refresh_token);
    expect(idOf(again.body.access_token)).not.toBe(idOf(narrow.body.access_token));
    expect((await renew(narrow.body.refresh_token)).body.scope).toBe('profile notes:read notes:write');
  });

  test('a scope beyond the grant is never given', async () => {
    const { tokens } = await connect(server, 'ada', { scope: 'notes:read' }, client);
    expect((await renew(tokens.refresh_token, { scope: 'notes:read notes:write' })).body.scope).toBe('notes:read');
  });

  test('after 30 days without one the grant has expired', async () => {
    const { refresh_token } = await begin();
    server.clock.advance(30 * 24 * 3600 + 1);
    expect((await renew(refresh_token)).body.error).toBe('invalid_grant');
  });
});

describe('revocation (RFC 7009)', () => {
  const revoke = (form: Record<string, string>) =>
    post(server, '/oauth/revoke', { client_id: client.client_id, ...form });

  test.each(['refresh_token', 'access_token'] as const)(
    'by the %s ends the grant: elsewhere within 30 seconds',
    async kind => {
      const tokens = await begin();
      for (const _instance of server.apps) expect(await serves(tokens.access_token)).toBe(true);
      expect((await revoke({ token: tokens[kind] })).status).toBe(200);
      server.clock.advance(30);
      for (const _instance of server.apps) expect(await serves(tokens.access_token)).toBe(false);
      expect((await renew(tokens.refresh_token)).body.error).toBe('invalid_grant');
      expect((await revoke({ token: tokens[kind] })).status).toBe(200);
    },
  );

  test('the refused token’s challenge says that it was revoked', async () => {
    const tokens = await begin();
    await revoke({ token: tokens.refresh_token });
    server.clock.advance(30);
    const { status, headers } = await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(/error="invalid_token".*revoked/);
  });

  test('is kept as long as any token of the grant lives, whatever the settings are now', async () => {
    const before = await startAppServer({ settings: { TOKEN_EXPIRY_SECONDS: '86400' } });
    const connected = await connect(before);
    const grant = claimsOf(connected.tokens.access_token).gid;
    await post(before, '/oauth/revoke', {
      token: connected.tokens.refresh_token,
      client_id: connected.client.client_id,
    });
    const { openTables } = await import('../../../src/storage/tables.ts');
    const { openRevocationRows } = await import('../../../src/storage/revocations.ts');
    const tables = openTables({ connection: { connectionString: before.storage.connectionString } });
    const rows = openRevocationRows(tables);
    expect(await rows.list(before.clock.now + 86_000_000)).toContainEqual({ name: `g.${grant}` });
    expect(await rows.list(before.clock.now + 95_000_000)).toEqual([]);
    await before.stop();
  });

  test('by another client ends nothing', async () => {
    const tokens = await begin();
    const other = await register(server, { client_name: 'Another' });
    expect((await revoke({ token: tokens.refresh_token, client_id: other.client_id })).status).toBe(400);
    expect((await renew(tokens.refresh_token)).status).toBe(200);
  });

  test.each(['abc', 'a.b.c', `rt.${'A'.repeat(64)}.${'B'.repeat(43)}`])(
    '%s is not known, and that is a success',
    async unknown => {
      expect((await revoke({ token: unknown })).status).toBe(200);
    },
  );

  test('without a token it is invalid_request', async () => {
    expect((await revoke({})).status).toBe(400);
  });
});
