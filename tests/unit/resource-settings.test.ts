import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { SETTINGS } from '../../src/settings.ts';

const GUID = '11111111-2222-3333-4444-555555555555';
const LAPTOP = { AUTH_TENANT_ID: GUID, AUTH_CLIENT_ID: GUID, AzureWebJobsStorage: 'UseDevelopmentStorage=true' };
const CLOUD = {
  ...LAPTOP,
  AUTH_REDIRECT_URI: 'https://mcp.example/auth/callback',
  JWT_SECRET_KEY: 'xu3kvfYQ7kU9aTwy2Y0f8pJv3m5cK1rB6nQzHhWtEoA',
};
const example = (name: string) => SETTINGS.find(setting => setting.name === name)?.example ?? '';

function problems(settings: Record<string, string>): readonly string[] {
  try {
    loadConfig({ ...CLOUD, ...settings });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('the examples are read as they stand', () => {
  const names = ['RESOURCES', 'GATEWAY_UPSTREAMS', 'GATEWAY_SCOPES', 'GATEWAY_TOOLS'];
  const { config } = loadConfig({ ...CLOUD, ...Object.fromEntries(names.map(name => [name, example(name)])) });
  expect(config.resources).toEqual([
    {
      resource: 'https://reports.contoso.com/mcp',
      name: 'Reports',
      scopes: [{ name: 'reports:read', description: 'Read your reports' }],
      roles: ['Reports.Admin'],
    },
  ]);
  expect(config.gateway).toEqual({
    upstreams: [
      {
        name: 'wiki',
        url: 'https://wiki.contoso.com/mcp',
        resource: 'https://mcp.example/wiki/mcp',
        scopes: [
          { name: 'wiki:read', description: 'Read the wiki' },
          { name: 'wiki:write', description: 'Change pages of the wiki' },
        ],
        tools: { allow: { '*': ['search', 'get_*'], 'Wiki.Editor': ['*'] }, deny: { '*': ['delete_space'] } },
      },
      {
        name: 'tickets',
        url: 'https://tickets.contoso.com/mcp',
        resource: 'https://mcp.example/tickets/mcp',
        scopes: [{ name: 'tickets:use', description: 'Use the tools of “tickets” for you' }],
        tools: {},
      },
    ],
    timeoutSeconds: 60,
    maxBytes: 4_194_304,
  });
});

test('upstreams may have spaces or lines between them, and a name of any object’s property', () => {
  const { config } = loadConfig({
    ...CLOUD,
    GATEWAY_UPSTREAMS: 'a=https://a.example/mcp\n constructor=https://b.example',
  });
  expect(config.gateway.upstreams.map(({ name, url, tools }) => [name, url, tools])).toEqual([
    ['a', 'https://a.example/mcp', {}],
    ['constructor', 'https://b.example', {}],
  ]);
});

test('a laptop’s servers may be http, and only for an app on that laptop', () => {
  const settings = { GATEWAY_UPSTREAMS: 'a=http://localhost:3001/mcp', RESOURCES: resource('http://127.0.0.1:3002') };
  expect(loadConfig({ ...LAPTOP, ...settings }).config.gateway.upstreams[0]?.resource).toBe(
    'http://localhost:7071/a/mcp',
  );
  expect(problems(settings)).toEqual([
    expect.stringMatching(/^RESOURCES names http:\/\/127\.0\.0\.1:3002, which has to be https/),
    expect.stringMatching(/^GATEWAY_UPSTREAMS names http:\/\/localhost:3001\/mcp, which has to be https/),
  ]);
});

function resource(url: string, change: object = {}): string {
  return JSON.stringify([{ resource: url, name: 'Reports', scopes: { read: 'Read' }, ...change }]);
}

test.each([
  ['wiki', 'wiki is not of the form'],
  ['Wiki=https://wiki.example/mcp', 'the name Wiki is not'],
  ['=https://wiki.example/mcp', 'the name  is not'],
  [`${'a'.repeat(33)}=https://wiki.example/mcp`, 'is not 1 to 32'],
  ...['mcp', 'oauth', 'auth', 'account', 'manage', 'health', 'admin-tools', 'runtime'].map(name => [
    `${name}=https://wiki.example/mcp`,
    'is of a path that is taken',
  ]),
  ['a=https://a.example,a=https://b.example', 'the name a is there twice'],
  ['a=http://wiki.example/mcp', 'is not https'],
  ['a=ftp://wiki.example/mcp', 'is not https'],
  ['a=https://wiki.example/mcp?key=1', 'has a query'],
  ['a=https://wiki.example/mcp#', 'has a query, a fragment'],
  ['a=https://me:secret@wiki.example/mcp', 'or a user'],
  ['a=https://Wiki.example/x/../mcp', 'is not written canonically, as https://wiki.example/mcp'],
  ['a=https://mcp.example/mcp', 'which is at this app itself'],
])('GATEWAY_UPSTREAMS=%s is refused', (value, why) => {
  const [problem, ...others] = problems({ GATEWAY_UPSTREAMS: value });
  expect(problem).toContain(why);
  expect(others).toEqual([]);
});

test('all that is wrong with upstreams is told at once', () => {
  const [problem] = problems({ GATEWAY_UPSTREAMS: 'mcp=https://a.example B=https://b.example c=http://c.example' });
  expect(problem).toMatch(/the name mcp .*; the name B .*; the URL of c /);
});

test.each([
  ['RESOURCES', '{}', ''],
  ['RESOURCES', '[', 'it is not JSON'],
  ['RESOURCES', resource('https://reports.example', { scope: 'x' }), ''],
  ['RESOURCES', resource('https://reports.example', { scopes: {} }), ''],
  ['RESOURCES', resource('https://reports.example', { scopes: { offline_access: 'Stay' } }), ''],
  ['RESOURCES', resource('https://reports.example', { scopes: { 'two words': 'Read' } }), ''],
  ['RESOURCES', resource('https://reports.example', { roles: ['not a role'] }), ''],
  ['RESOURCES', resource('api://reports'), 'is not https'],
  ['RESOURCES', resource('https://mcp.example/mcp'), 'which is at this app itself'],
  ['RESOURCES', `[${[1, 2].map(() => resource('https://a.example').slice(1, -1))}]`, 'is there twice'],
  ['GATEWAY_SCOPES', '{"wiki":{"wiki:read":"Read"}}', 'names what GATEWAY_UPSTREAMS does not: wiki'],
  ['GATEWAY_TOOLS', '{"wiki":{}}', 'names what GATEWAY_UPSTREAMS does not: wiki'],
  ['GATEWAY_TOOLS', '{"wiki":{"allow":["search"]}}', ''],
  ['GATEWAY_TOOLS', '{"wiki":{"permit":{}}}', ''],
  ['GATEWAY_TOOLS', '{"wiki":{"allow":{"*":["get*page"]}}}', ''],
  ['GATEWAY_TIMEOUT_SECONDS', '201', ''],
  ['GATEWAY_MAX_BYTES', '4 MiB', ''],
])('%s=%s is refused', (name, value, why) => {
  const [problem, ...others] = problems({ [name]: value });
  expect(problem).toMatch(new RegExp(`^${name} .*Expected: `, 's'));
  expect(problem).toContain(why);
  expect(others).toEqual([]);
});

test('a client is bound to a resource that there is', () => {
  const bound = (to: string) =>
    JSON.stringify([{ client_id: 'portal', redirect_uris: ['https://portal.example/'], resource: to }]);
  const settings = {
    GATEWAY_UPSTREAMS: 'wiki=https://wiki.example/mcp',
    RESOURCES: resource('https://reports.example'),
  };
  for (const to of ['https://mcp.example/mcp', 'https://mcp.example/wiki/mcp', 'https://reports.example']) {
    expect(problems({ ...settings, PREREGISTERED_CLIENTS: bound(to) })).toEqual([]);
  }
  const introspector = { client_id: 'wiki', client_secret_sha256: 'A'.repeat(43), introspection: true };
  const wiki = JSON.stringify([{ ...introspector, resource: 'https://wiki.example/mcp' }]);
  expect(problems({ ...settings, PREREGISTERED_CLIENTS: wiki })).toEqual([]);
  expect(problems({ ...settings, PREREGISTERED_CLIENTS: bound('https://wiki.example/mcp') })).toEqual([
    expect.stringContaining('PREREGISTERED_CLIENTS binds portal to https://wiki.example/mcp, which is none of'),
  ]);
});
