import { expect, test } from 'vitest';
import type { ProtectedResource } from '../../../src/access/resources.ts';
import { createLogger } from '../../../src/log.ts';
import { createResourceMetadataEndpoint } from '../../../src/mcp/resource-metadata.ts';

const endpoint = createResourceMetadataEndpoint({
  issuer: 'https://mcp.example',
  resources: [resource('mcp', 'Notes', ['notes:read', 'notes:write']), resource('wiki/mcp', 'wiki', ['wiki:use'])],
});

function resource(path: string, name: string, scopes: readonly string[]): ProtectedResource {
  return {
    resource: `https://mcp.example/${path}`,
    name,
    kind: 'gateway',
    scopes: scopes.map(scope => ({ name: scope, description: scope })),
    roles: [],
  };
}
const context = { correlationId: '', log: createLogger('error', () => {}) };

function ask(method: string, path = '') {
  const url = `https://mcp.example/.well-known/oauth-protected-resource${path}`;
  return endpoint(new Request(url, { method }), context);
}

test('RS-28, RS-29, RS-33: says what the resource is and who issues its tokens', async () => {
  const response = await ask('GET');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  expect(await response.json()).toEqual({
    resource: 'https://mcp.example/mcp',
    authorization_servers: ['https://mcp.example'],
    scopes_supported: ['notes:read', 'notes:write'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'ES384', 'RS256', 'PS256', 'Ed25519', 'EdDSA'],
    resource_name: 'Notes',
  });
});

test('tells of each resource at the location of its path, of the first at the root too (RFC 9728 section 3.1)', async () => {
  const resourceAt = async (path: string) => ((await (await ask('GET', path)).json()) as { resource: string }).resource;
  expect(await resourceAt('/mcp')).toBe('https://mcp.example/mcp');
  expect(await resourceAt('/MCP/')).toBe('https://mcp.example/mcp');
  expect(await resourceAt('/wiki/mcp')).toBe('https://mcp.example/wiki/mcp');
});

test.each(['/other/mcp', '/wiki', '/mcp/mcp', '/wiki/mcp/x', '/constructor/mcp'])('knows nothing of %s', async path => {
  for (const method of ['GET', 'OPTIONS', 'POST']) expect((await ask(method, path)).status).toBe(404);
});

test('answers a preflight', async () => {
  const response = await ask('OPTIONS');
  expect(response.status).toBe(204);
  expect(response.headers.get('access-control-allow-headers')).toContain('MCP-Protocol-Version');
});

test('knows no other method', async () => {
  const response = await ask('POST');
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('GET, OPTIONS');
});
