import { expect, test } from 'vitest';
import { createLogger } from '../../../src/log.ts';
import { createResourceMetadataEndpoint } from '../../../src/mcp/resource-metadata.ts';

const endpoint = createResourceMetadataEndpoint({
  issuer: 'https://mcp.example',
  resource: 'https://mcp.example/mcp',
  name: 'Notes',
});
const context = { correlationId: '', log: createLogger('error', () => {}) };

function ask(method: string) {
  return endpoint(new Request('https://mcp.example/.well-known/oauth-protected-resource', { method }), context);
}

test('RS-28, RS-29, RS-33: says what the resource is and who issues its tokens', async () => {
  const response = await ask('GET');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  expect(await response.json()).toEqual({
    resource: 'https://mcp.example/mcp',
    authorization_servers: ['https://mcp.example'],
    scopes_supported: ['profile', 'notes:read', 'notes:write'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'ES384', 'RS256', 'PS256', 'Ed25519', 'EdDSA'],
    resource_name: 'Notes',
  });
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
