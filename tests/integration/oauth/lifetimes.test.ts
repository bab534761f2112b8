import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import {
  authorizationUrl,
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

const HOUR = 3600;

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({
    settings: {
      REFRESH_IDLE_SECONDS: `${2 * HOUR}`,
      REFRESH_MAX_SECONDS: `${5 * HOUR}`,
      TOKEN_EXPIRY_SECONDS: `${HOUR}`,
    },
  });
  client = await register(server);
});
afterAll(() => server.stop());

const renew = (refreshToken: string) => token(server, refreshForm(client, refreshToken));
const serves = async (accessToken: string) =>
  (await callTool(server, accessToken, 'calculate_sum', { numbers: [1] })).status === 200;

describe('how long a grant lives', () => {
  test('it idles as long as the setting says, and each renewal begins that anew (BP-05)', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    server.clock.advance(2 * HOUR - 1);
    const renewed = await renew(tokens.refresh_token);
    expect(renewed.status).toBe(200);
    server.clock.advance(2 * HOUR - 1);
    const again = await renew(renewed.body.refresh_token);
    expect(again.status).toBe(200);

    const idle = await connect(server, 'ada', {}, client);
    server.clock.advance(2 * HOUR);
    expect((await renew(idle.tokens.refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      error_description: 'The grant has expired.',
    });
  });

  test('it ends at its cap, however often it was renewed, and its access tokens with it', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    let latest = tokens;
    for (let hour = 1; hour <= 4; hour++) {
      server.clock.advance(HOUR);
      latest = (await renew(latest.refresh_token)).body;
    }
    server.clock.advance(HOUR - 600);
    latest = (await renew(latest.refresh_token)).body;
    expect(latest.expires_in).toBe(600);
    expect(claimsOf(latest.access_token).exp - claimsOf(latest.access_token).iat).toBe(600);
    server.clock.advance(599);
    expect(await serves(latest.access_token)).toBe(true);
    server.clock.advance(1);
    expect(await serves(latest.access_token)).toBe(false);
    expect((await renew(latest.refresh_token)).body.error).toBe('invalid_grant');
  });

  test('a cap that was lowered counts for the grants that there are', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    server.clock.advance(HOUR + 1);
    server.deploy({ REFRESH_IDLE_SECONDS: `${HOUR}`, REFRESH_MAX_SECONDS: `${HOUR}` });
    expect((await renew(tokens.refresh_token)).body.error).toBe('invalid_grant');
    server.deploy({});
    expect((await renew(tokens.refresh_token)).status).toBe(200);
  });

  test('no access token outlives it, so that there always is something to revoke', async () => {
    server.deploy({ REFRESH_IDLE_SECONDS: `${HOUR}`, TOKEN_EXPIRY_SECONDS: `${10 * HOUR}` });
    const { tokens } = await connect(server, 'ada', {}, client);
    expect(tokens.expires_in).toBe(HOUR);
    server.clock.advance(HOUR);
    expect(await serves(tokens.access_token)).toBe(false);
    server.deploy({});
  });
});

describe('a code_challenge whose code was redeemed (BP-11)', () => {
  const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');
  const ask = async (verifier: string) =>
    fetch(authorizationUrl(server, client, { code_challenge: challengeOf(verifier) }).url, { redirect: 'manual' });

  test('is refused when it comes again within a code’s lifetime, and not before or after', async () => {
    const code = await obtainCode(server, client);
    expect((await ask(code.verifier)).status).toBe(200);
    expect((await token(server, codeForm(client, code))).status).toBe(200);
    const refused = await ask(code.verifier);
    expect([refused.status, refused.headers.get('location')]).toEqual([400, null]);
    expect(await refused.text()).toContain('used for a sign-in a moment ago');
    server.clock.advance(60);
    expect((await ask(code.verifier)).status).toBe(200);
  });

  test('is not spent by a wrong verifier', async () => {
    const code = await obtainCode(server, client);
    await token(server, { ...codeForm(client, code), code_verifier: 'x'.repeat(43) });
    expect((await ask(code.verifier)).status).toBe(200);
  });
});
