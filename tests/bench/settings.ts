import { createHash } from 'node:crypto';

/** The app's settings where nothing is sent to Entra ID; storage is to be added. */
export const SETTINGS = {
  AUTH_TENANT_ID: '11111111-1111-4111-8111-111111111111',
  AUTH_CLIENT_ID: '22222222-2222-4222-8222-222222222222',
  AUTH_CLIENT_SECRET: 'bench',
  AUTH_REDIRECT_URI: 'https://mcp.example/auth/callback',
  JWT_SECRET_KEY: createHash('sha256').update('bench').digest('base64url'),
  // One person calls as fast as it goes: counted, as everywhere, and never refused.
  MCP_RATE_LIMIT: '1000000',
};
