/** Scopes of an app's own: what each brings with it is what the app says, whatever the scopes of this project's tools do. */
import { expect, test } from 'vitest';
import * as z from 'zod';
import { signAccessToken } from '../../../src/access/access-token.ts';
import {
  createEntraMcp,
  createLogger,
  defineResource,
  defineTool,
  type EntraMcpOptions,
  loadConfig,
} from '../../../src/index.ts';
import { createKeyRing } from '../../../src/keys/key-ring.ts';
import { parseSecrets } from '../../../src/keys/secret.ts';
import { newSecret } from '../../support/app-server.ts';
import { freshStorage } from '../../support/azurite.ts';

const secret = newSecret();
const settings = {
  AUTH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  AUTH_CLIENT_ID: '66666666-7777-8888-9999-000000000000',
  JWT_SECRET_KEY: secret,
};
const log = createLogger('error', () => {});
const scopes = ['notes:read'];
const reader = { name: 'read', title: 'Read', description: 'Reads.', scopes };
const tools = [defineTool({ ...reader, input: z.object({}), handler: () => 'read' })];
const resources = [defineResource({ ...reader, uri: 'app://notes', mimeType: 'text/plain', read: () => 'read' })];

/** What somebody gets who may write. */
async function asWriter(declared: EntraMcpOptions['scopes'], method: string, params: object) {
  const { config } = loadConfig({ ...settings, AzureWebJobsStorage: freshStorage().connectionString });
  const { endpoint } = createEntraMcp({ config, log, tools, resources, ...(declared ? { scopes: declared } : {}) });
  const issuedAt = Math.floor(Date.now() / 1000);
  const token = await signAccessToken(await createKeyRing(parseSecrets(secret)), config.origin, {
    person: { tid: 'tenant', oid: 'ada' },
    clientId: 'client',
    grantId: 'grant',
    tokenId: 'token',
    resource: config.resource,
    scopes: ['notes:write'],
    roles: [],
    signedInAt: issuedAt,
    issuedAt,
    expiresAt: issuedAt + 3600,
  });
  const request = new Request(config.resource, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const response = await (await endpoint('mcp'))(request, { correlationId: 'c0ffee', log });
  return { status: response.status, text: await response.text() };
}

const read = 'Read the notes';
test.each([
  ['alike in name', 'Write notes', 403, 'insufficient_scope'],
  ['declared so', { description: 'Write and read notes', implies: ['notes:read'] }, 200, '"read"'],
])('notes:write, %s', async (_how, write, status, text) => {
  const declared = { 'notes:read': read, 'notes:write': write };
  for (const [method, params] of [
    ['tools/call', { name: 'read', arguments: {} }],
    ['resources/read', { uri: 'app://notes' }],
    ['resources/list', {}],
  ] as const) {
    const answer = await asWriter(declared, method, params);
    expect([method, answer.status, answer.text]).toEqual([method, status, expect.stringContaining(text)]);
  }
});
