import { expect, test } from 'vitest';
import { isOwnResource } from '../../../src/oauth/resource.ts';

const OWN = 'https://mcp.example/mcp';

test.each([
  OWN,
  'https://mcp.example',
  'https://mcp.example/',
  'https://mcp.example/mcp/',
  'HTTPS://MCP.EXAMPLE/mcp',
  'https://mcp.example:443/mcp',
])('%s names this server (RFC 8707, RS-56, RS-57)', asked => {
  expect(isOwnResource(asked, OWN)).toBe(true);
});

test.each([
  'https://other.example/mcp',
  'http://mcp.example/mcp',
  'https://mcp.example:8443/mcp',
  'https://mcp.example/MCP',
  'https://mcp.example/mcp/x',
  'https://mcp.example/mcp?x=1',
  'https://mcp.example/mcp#x',
  'https://user@mcp.example/mcp',
  'mcp.example/mcp',
  '',
])('%s does not', asked => {
  expect(isOwnResource(asked, OWN)).toBe(false);
});
