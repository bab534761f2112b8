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
  ['=https://wiki.example/mcp', 'the name of entry 1 is not'],
  [`${'a'.repeat(33)}=https://wiki.example/mcp`, 'is not 1 to 32'],
  ...['mcp', 'oauth', 'auth', 'account', 'manage', 'health', 'admin-tools', 'runtime'].map(name => [
    `${name}=https://wiki.example/mcp`,
    'is of a path that is taken',
  ]),
  ['https://me:hunter2@wiki.example/mcp', 'entry 1 is not of the form'],
  ['https://me:hunter2@wiki.example/mcp?key=1', 'the name of entry 1 is not'],
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
  expect(problem).not.toContain('hunter2');
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

test.each([
  [
    'RESOURCES',
    JSON.stringify([
      { resource: 'http://a.example', role: [], scopes: {} },
      { resource: 'https://b.example', name: '', scopes: { 'a b': 'x', offline_access: 'y', ok: 3 }, roles: ['a b'] },
      7,
    ]),
    [
      'RESOURCES[0].resource is not https',
      'RESOURCES[0].name is missing',
      'RESOURCES[0].scopes is empty',
      'RESOURCES[0].role is not known',
      'RESOURCES[1].name is empty',
      'RESOURCES[1].scopes["a b"] is not the name of a scope',
      'RESOURCES[1].scopes.offline_access is no scope of a server',
      'RESOURCES[1].scopes.ok has to be a text',
      'RESOURCES[1].roles[0] is not the value of an app role',
      'RESOURCES[2] has to be a JSON object',
    ],
  ],
  ['RESOURCES', '{}', ['it has to be a JSON array']],
  ['RESOURCES', '[{"name" 1}]', ['it is not JSON at position 9']],
  [
    'GATEWAY_TOOLS',
    '{"wiki":{"alow":{},"allow":{"x y":["q"],"*":"search"},"deny":{"*":["ok","a*b"]}},"my-docs":[]}',
    [
      'GATEWAY_TOOLS.wiki.allow["x y"] is not the value of an app role',
      'GATEWAY_TOOLS.wiki.allow["*"] has to be a JSON array',
      'GATEWAY_TOOLS.wiki.deny["*"][1] is not a tool’s name',
      'GATEWAY_TOOLS.wiki.alow is not known',
      'GATEWAY_TOOLS["my-docs"] has to be a JSON object',
    ],
  ],
  ['GATEWAY_SCOPES', '{"wiki":{}}', ['GATEWAY_SCOPES.wiki is empty']],
])('all that is wrong in the JSON of %s is told at once, each with its place', (name, value, told) => {
  const [problem, ...others] = problems({ [name]: value });
  expect(others).toEqual([]);
  const [, reasons = ''] = /is not valid \((.*)\)\. Expected: /.exec(problem ?? '') ?? [];
  expect(reasons.split('; ')).toEqual(told.map(each => expect.stringContaining(each)));
});

test('of many problems the first are told, and how many more there are', () => {
  const [problem] = problems({ RESOURCES: JSON.stringify(Array.from({ length: 30 }, () => 1)) });
  expect(problem).toContain('RESOURCES[19] has to be a JSON object; and 10 more). Expected');
});

test('a wrong GATEWAY_UPSTREAMS or RESOURCES is told alone: what other settings say of its servers may be right', () => {
  const portal = { client_id: 'portal', redirect_uris: ['https://portal.example/'], resource: 'https://a.example' };
  const bound = { PREREGISTERED_CLIENTS: JSON.stringify([portal]) };
  const wiki = { GATEWAY_UPSTREAMS: 'wiki=http://wiki.example', GATEWAY_TOOLS: '{"wiki":{}}', ...bound };
  expect(problems(wiki)).toEqual([expect.stringMatching(/^GATEWAY_UPSTREAMS /)]);
  expect(problems({ RESOURCES: '[{}]', ...bound })).toEqual([expect.stringMatching(/^RESOURCES /)]);
});

test('settings of the gateway without a server are told of, unless they are as they would be anyway', () => {
  const warnings = (settings: Record<string, string>) => loadConfig({ ...LAPTOP, ...settings }).warnings;
  const set = { GATEWAY_SCOPES: '{}', GATEWAY_TOOLS: '{}', GATEWAY_TIMEOUT_SECONDS: '61', GATEWAY_MAX_BYTES: '1024' };
  const told = Object.keys(set).map(name => `${name} has no meaning: GATEWAY_UPSTREAMS names no server.`);
  expect(warnings(set)).toEqual(told);
  expect(warnings({ ...set, GATEWAY_UPSTREAMS: 'a=https://a.example' })).toEqual([]);
  expect(warnings({ GATEWAY_TIMEOUT_SECONDS: '60', GATEWAY_MAX_BYTES: '4194304', GATEWAY_TOOLS: ' ' })).toEqual([]);
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
