import { describe, expect, test } from 'vitest';
import {
  accessOf,
  createResourceDirectory,
  namesResource,
  resourceMetadataUrl,
  scopesOf,
} from '../../../src/access/resources.ts';
import { isToolAllowed } from '../../../src/access/tool-rules.ts';
import type { Config } from '../../../src/config.ts';

const OWN = { resource: 'https://mcp.example/mcp', kind: 'own' } as const;
const upstream = {
  name: 'wiki',
  url: 'https://wiki.example/mcp',
  resource: 'https://mcp.example/wiki/mcp',
  scopes: [{ name: 'wiki:use', description: 'Use the wiki' }],
  tools: { allow: { '*': ['search'], Editor: ['*'] }, deny: { Guest: ['search'] } },
};
const reports = {
  resource: 'https://reports.example/api',
  name: 'Reports',
  scopes: ['read', 'write'].map(name => ({ name, description: `May ${name}` })),
  roles: ['Auditor'],
};

function directory(upstreams: Config['gateway']['upstreams'] = [], resources: Config['resources'] = []) {
  const scopes = [{ name: 'notes:read', description: 'Read the notes that you saved here' }];
  const own = { name: 'Notes', scopes, roles: ['Writer'] };
  const gateway = { upstreams, timeoutSeconds: 60, maxBytes: 1024 };
  return createResourceDirectory({ resource: OWN.resource, gateway, resources }, own);
}

describe('a resource parameter (RFC 8707, RS-56, RS-57)', () => {
  test.each([
    OWN.resource,
    'https://mcp.example',
    'https://mcp.example/',
    'https://mcp.example/mcp/',
    'HTTPS://MCP.EXAMPLE/mcp',
    'https://mcp.example:443/mcp',
  ])('%s names our own endpoint', asked => {
    expect(namesResource(asked, OWN)).toBe(true);
  });

  test.each([
    'https://other.example/mcp',
    'http://mcp.example/mcp',
    'https://mcp.example:8443/mcp',
    'https://mcp.example/MCP',
    'https://mcp.example/mcp/x',
    'https://mcp.example/mcp//',
    'https://mcp.example//mcp',
    'https://mcp.example/x/../mcp',
    'https://mcp.example/./mcp',
    'https://mcp.example/%6dcp',
    'https://mcp.example\\mcp',
    'https://mcp.example/m\tcp',
    ' https://mcp.example/mcp',
    'https://mcp.example/mcp?',
    'https://mcp.example/mcp?x=1',
    'https://mcp.example/mcp#',
    'https://mcp.example/mcp#x',
    'https://user@mcp.example/mcp',
    'mcp.example/mcp',
    '',
  ])('%s does not', asked => {
    expect(namesResource(asked, OWN)).toBe(false);
  });

  test('names another server by no less than its whole URL', () => {
    const { find } = directory([], [reports]);
    expect([find('https://reports.example/api')?.name, find('https://REPORTS.example/api/')?.name]).toEqual([
      'Reports',
      'Reports',
    ]);
    for (const asked of ['https://reports.example', 'https://reports.example/API', 'https://reports.example/api/v2']) {
      expect(find(asked), asked).toBeUndefined();
    }
  });

  test('is not the bare origin where several resources are at it', () => {
    expect(directory([], [reports]).find('https://mcp.example/')?.kind).toBe('own');
    expect(directory([upstream]).find('https://mcp.example/')).toBeUndefined();
    expect(directory([upstream]).find('https://mcp.example/wiki/mcp')?.kind).toBe('gateway');
  });
});

test('the directory has our own endpoint first, then the gateway’s and other servers, each with what its tokens tell', () => {
  const { own, all, get } = directory([upstream], [reports]);
  expect(all.map(({ kind, resource, roles }) => [kind, resource, roles])).toEqual([
    ['own', OWN.resource, ['Writer']],
    ['gateway', upstream.resource, ['Editor', 'Guest']],
    ['external', reports.resource, ['Auditor']],
  ]);
  expect(all[0]).toBe(own);
  expect(get(reports.resource)?.name).toBe('Reports');
  expect(get(`${reports.resource}/`)).toBeUndefined();
});

test('scopes are those of the resource, in its order; words that are gone are the scopes’ names', () => {
  expect(scopesOf(reports, 'write notes:read read write')).toEqual(['read', 'write']);
  const found = directory([upstream], [reports]);
  expect(accessOf(found, { resource: OWN.resource, scope: 'notes:read former' })).toEqual([
    'Read the notes that you saved here',
    'former',
  ]);
  expect(accessOf(found, { ...reports, scope: 'read former' })).toEqual(['Reports: May read', 'Reports: former']);
  expect(accessOf(found, { resource: 'https://gone.example', scope: 'x' })).toEqual(['https://gone.example: x']);
});

test('the metadata of a resource is where its path says (RFC 9728 section 3.1)', () => {
  expect(resourceMetadataUrl(upstream.resource)).toBe(
    'https://mcp.example/.well-known/oauth-protected-resource/wiki/mcp',
  );
});

test.each([
  [{}, [], 'anything', true],
  [{ allow: { '*': ['search', 'get_*'] } }, [], 'search', true],
  [{ allow: { '*': ['search', 'get_*'] } }, [], 'get_page', true],
  [{ allow: { '*': ['search', 'get_*'] } }, [], 'searching', false],
  [{ allow: { '*': ['search', 'get_*'] } }, ['Editor'], 'edit', false],
  [{ allow: { '*': ['search'], Editor: ['*'] } }, ['Editor'], 'edit', true],
  [{ allow: { '*': ['search'], Editor: ['*'] } }, ['editor'], 'edit', false],
  [{ deny: { '*': ['drop'] } }, [], 'drop', false],
  [{ deny: { Guest: ['edit*'] } }, [], 'edit_page', true],
  [{ deny: { Guest: ['edit*'] } }, ['Guest', 'Editor'], 'edit_page', false],
  [{ allow: { Editor: ['*'] }, deny: { '*': ['drop'] } }, ['Editor'], 'drop', false],
  [{ allow: {} }, ['constructor'], 'search', false],
  [{ allow: { '*': ['search'] } }, [], 'SEARCH', false],
  [{ deny: { '*': ['drop_all'] } }, [], 'Drop_All', false],
  [{ deny: { '*': ['drop_all'] } }, [], '\uff44rop_all', false],
  [{ deny: { '*': ['drop_all'] } }, [], 'drop\u200b_all\u0000 ', false],
  [{ deny: { '*': ['drop_all'] } }, [], 'dro\ufe0fp_\u115fall\u{e0100}', false],
  [{ deny: { '*': ['lösche'] } }, [], 'lo\u034f\u0308sche', false],
  [{ deny: { '*': ['Drop*'] } }, [], 'drop_all', false],
  [{ deny: { '*': ['drop_all'] } }, [], 'drop-all', true],
])('by %o a person with the roles %o may use %s: %s', (rules, roles, tool, isAllowed) => {
  expect(isToolAllowed(rules, roles, tool)).toBe(isAllowed);
});
