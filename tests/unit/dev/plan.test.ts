import { expect, test } from 'vitest';
import { planFor } from '../../../dev/local/plan.ts';
import { summary } from '../../../dev/local/summary.ts';
import { ConfigError } from '../../../src/config.ts';

const clientSecret = 'made-for-this-run';
const plan = (env: Record<string, string> = {}, options = {}) => planFor(env, { clientSecret, ...options });
const tenant = '11111111-2222-3333-4444-555555555555';
const client = '66666666-7777-8888-9999-000000000000';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    plan(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('No problem was found.');
}

test('with nothing set, everything runs here on the ports that the README names', () => {
  const { app, entra, azurite, env, ports, warnings } = plan({}, { location: 'data' });
  expect(app).toEqual({
    host: 'localhost',
    port: 7071,
    url: 'http://localhost:7071',
    mcpUrl: 'http://localhost:7071/mcp',
  });
  expect(entra).toMatchObject({ port: 7073, clientSecret, redirectUri: 'http://localhost:7071/auth/callback' });
  expect(azurite).toEqual({ tablePort: 10002, location: 'data' });
  expect(env).toMatchObject({
    AUTH_TENANT_ID: entra?.tenantId,
    AUTH_CLIENT_ID: entra?.clientId,
    AUTH_CLIENT_SECRET: clientSecret,
    AUTH_AUTHORITY_HOST: 'http://localhost:7073',
    AzureWebJobsStorage: expect.stringContaining('TableEndpoint=http://127.0.0.1:10002/'),
  });
  expect(ports.map(({ setting, port }) => [setting, port])).toEqual([
    ['SERVER_PORT', 7071],
    ['ENTRA_PORT', 7073],
    ['AZURITE_TABLE_PORT', 10002],
  ]);
  expect(warnings).toEqual([]);
});

test('each server behind the gateway is told of beside the app’s own', () => {
  const told = plan({
    SERVER_PORT: '1001',
    GATEWAY_UPSTREAMS: 'wiki=https://wiki.example/mcp shop=https://shop.example',
  });
  const lines = summary(told).split('\n');
  expect(lines).toContain('  wiki  http://localhost:1001/wiki/mcp');
  expect(lines).toContain('  shop  http://localhost:1001/shop/mcp');
  expect(summary(plan())).not.toContain('gateway');
});

test('people keep their notes: the tenant and the client are the same in every run', () => {
  const ids = () => {
    const { entra } = plan();
    return [entra?.tenantId, entra?.clientId];
  };
  expect(ids()).toEqual(ids());
});

test('each port has its setting', () => {
  const env = { SERVER_PORT: '1001', ENTRA_PORT: '1002', AZURITE_TABLE_PORT: '1003', AZURITE_BLOB_PORT: '1004' };
  const moved = plan(env, { blob: true });
  expect(moved.ports.map(({ setting, port }) => [setting, String(port)])).toEqual(Object.entries(env));
  expect(moved.app.mcpUrl).toBe('http://localhost:1001/mcp');
  expect(moved.env.AUTH_AUTHORITY_HOST).toBe('http://localhost:1002');
  expect(moved.env.AzureWebJobsStorage).toMatch(
    /TableEndpoint=http:\/\/127\.0\.0\.1:1003\/.*BlobEndpoint=[^;]*:1004\//,
  );
});

test('a registration of one’s own: no stand-in', () => {
  const { entra, env, ports } = plan({ AUTH_TENANT_ID: tenant, AUTH_CLIENT_ID: client, AUTH_CLIENT_SECRET: 'mine' });
  expect(entra).toBeUndefined();
  expect(env).toMatchObject({ AUTH_TENANT_ID: tenant, AUTH_CLIENT_ID: client, AUTH_CLIENT_SECRET: 'mine' });
  expect(env.AUTH_AUTHORITY_HOST).toBeUndefined();
  expect(ports.map(({ setting }) => setting)).not.toContain('ENTRA_PORT');
});

test('half a registration: what is missing is named', () => {
  expect(problemsOf({ AUTH_TENANT_ID: tenant })).toEqual([expect.stringMatching(/^AUTH_CLIENT_ID is missing/)]);
  expect(problemsOf({ AUTH_CLIENT_ID: client })).toEqual([expect.stringMatching(/^AUTH_TENANT_ID is missing/)]);
});

test('a secret without a registration is not given to the stand-in, and that is said', () => {
  const { env, warnings } = plan({ AUTH_CLIENT_SECRET: 'mine' });
  expect(env.AUTH_CLIENT_SECRET).toBe(clientSecret);
  expect(warnings).toEqual([expect.stringMatching(/^AUTH_CLIENT_SECRET is not used/)]);
});

test.each([
  { AzureWebJobsStorage: 'UseDevelopmentStorage=true' },
  { AzureWebJobsStorage__tableServiceUri: 'https://contoso.table.core.windows.net' },
])('storage of one’s own: no emulator (%o)', own => {
  const { azurite, env, ports } = plan(own, { blob: true });
  expect(azurite).toBeUndefined();
  expect(env).toMatchObject(own);
  expect(ports.map(({ setting }) => setting)).toEqual(['SERVER_PORT', 'ENTRA_PORT']);
});

test('the port of the second server, which is no more, is said to have no meaning', () => {
  expect(plan({ AUTH_SERVER_PORT: '8000' }).warnings).toEqual([
    expect.stringMatching(/^AUTH_SERVER_PORT has no meaning/),
  ]);
});

test('every problem is told at once', () => {
  const problems = problemsOf({ ENTRA_PORT: 'x', AZURITE_TABLE_PORT: '0', SERVER_PORT: '70710', LOG_LEVEL: 'loud' });
  expect(problems.map(problem => problem.split(' ')[0])).toEqual([
    'ENTRA_PORT',
    'AZURITE_TABLE_PORT',
    'SERVER_PORT',
    'LOG_LEVEL',
  ]);
});

test('one port for two is a problem', () => {
  expect(problemsOf({ ENTRA_PORT: '7071' })).toEqual([expect.stringContaining('SERVER_PORT and ENTRA_PORT')]);
});

test('other machines are not let in', () => {
  expect(problemsOf({ SERVER_HOST: '0.0.0.0' })[0]).toMatch(/^SERVER_HOST is not valid/);
});

test('a redirect URI on this machine must lead to the app; one elsewhere is a tunnel’s', () => {
  expect(problemsOf({ AUTH_REDIRECT_URI: 'http://localhost:8000/auth/callback' })).toEqual([
    expect.stringContaining('SERVER_PORT=8000'),
  ]);
  const tunnel = plan({
    AUTH_REDIRECT_URI: 'https://abc.devtunnels.ms/auth/callback',
    JWT_SECRET_KEY: Buffer.from(Array.from({ length: 32 }, (_, n) => n)).toString('base64url'),
  });
  expect(tunnel.app).toMatchObject({ url: 'http://localhost:7071', mcpUrl: 'https://abc.devtunnels.ms/mcp' });
});
