import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyText } from '../../support/any-text.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { authorizationUrl, type Client, REDIRECT_URI, register } from '../../support/flows.ts';

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer();
  client = await register(server);
});
afterAll(() => server.stop());

async function open(change: Record<string, string | undefined>, headers: Record<string, string> = {}) {
  const response = await fetch(authorizationUrl(server, client, change).url, { redirect: 'manual', headers });
  return { status: response.status, location: response.headers.get('location'), text: await response.text() };
}

describe('an authorization request that is wrong gets a page, never a redirect (BP-01, AS-24)', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['an unknown client', { client_id: `pc.${'A'.repeat(43)}` }, '/oauth/register'],
    ['a client id that is none of ours', { client_id: 'pc.unknown' }, 'not registered'],
    ['no client', { client_id: undefined }, 'no client_id'],
    ['another redirect URI', { redirect_uri: 'https://evil.example/cb' }, 'redirect_uri'],
    ['a redirect URI with another path', { redirect_uri: `${REDIRECT_URI}/x` }, 'redirect_uri'],
    ['no redirect URI, where a port must be named', { redirect_uri: undefined }, 'redirect_uri'],
    ['the implicit grant (BP-14)', { response_type: 'token' }, 'response_type'],
    ['no response type', { response_type: undefined }, 'response_type'],
    ['a fragment answer', { response_mode: 'fragment' }, 'response_mode'],
    ['no PKCE (AS-05)', { code_challenge: undefined }, 'code_challenge'],
    ['PKCE "plain" (AS-05)', { code_challenge_method: 'plain' }, 'S256'],
    ['no PKCE method', { code_challenge_method: undefined }, 'S256'],
    ['a challenge that is no hash', { code_challenge: 'abc' }, 'code_challenge'],
    ['another resource (AS-26)', { resource: 'https://evil.example/mcp' }, 'resource'],
    ['prompt=none', { prompt: 'none' }, 'approval'],
    ['a state of 2001 characters', { state: 'x'.repeat(2001) }, 'state'],
  ])('%s', async (_name, change, words) => {
    const { status, location, text } = await open(change);
    expect([status, location]).toEqual([400, null]);
    expect(text).toContain(words);
  });

  test('no redirect URI, where several are registered; of one alone it is clear', async () => {
    const several = ['https://client.example/one', 'https://client.example/two'];
    for (const [redirect_uris, status] of [
      [several, 400],
      [several.slice(1), 200],
    ] as const) {
      const { client_id } = await register(server, { redirect_uris });
      expect((await open({ client_id, redirect_uri: undefined })).status).toBe(status);
    }
  });

  test('a parameter that comes twice', async () => {
    const response = await fetch(`${authorizationUrl(server, client).url}&redirect_uri=https://evil.example`, {
      redirect: 'manual',
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('location')).toBeNull();
  });

  test('with the number that the log has too', async () => {
    const { text } = await open({ response_type: 'token' });
    expect(text).toMatch(/[0-9a-f]{32}/);
  });

  test('or JSON, where that was asked for', async () => {
    const { status, text } = await open({ client_id: 'gone' }, { accept: 'application/json' });
    expect([status, JSON.parse(text).error]).toEqual([400, 'invalid_client']);
  });
});

describe('what clients send is taken', () => {
  test.each<[string, Record<string, string | undefined>]>([
    [
      'Claude Code: origin plus slash as resource, prompt=consent',
      { resource: 'ORIGIN/', prompt: 'consent', scope: 'profile notes:read notes:write offline_access' },
    ],
    ['older clients: no resource', { resource: undefined }],
    ['C#: scopes sorted', { scope: 'notes:read notes:write offline_access profile' }],
    ['several: an unknown scope', { scope: 'claudeai' }],
    ['no scope at all', { scope: undefined }],
    ['no state', { state: undefined }],
    ['another loopback port (RFC 8252)', { redirect_uri: 'http://localhost:9/callback' }],
    ['a login_hint that is cut', { login_hint: `${'a'.repeat(319)}😀` }],
    ['empty parameters count as absent', { response_mode: '', login_hint: '', prompt: '' }],
  ])('%s', async (_name, change) => {
    const resource = change.resource?.replace('ORIGIN', server.origin);
    expect((await open({ ...change, ...('resource' in change ? { resource } : {}) })).status).toBe(200);
  });

  test('uppercase in the resource’s scheme and host (RS-56)', async () => {
    expect((await open({ resource: server.mcpUrl.replace('http://localhost', 'HTTP://LOCALHOST') })).status).toBe(200);
  });
});

test('whatever comes, it is a page of ours and never an error of ours', async () => {
  const parameter = fc.constantFrom(
    'client_id',
    'redirect_uri',
    'response_type',
    'code_challenge',
    'state',
    'scope',
    'resource',
    'prompt',
    'login_hint',
  );
  await fc.assert(
    fc.asyncProperty(parameter, anyText({ maxLength: 100 }), async (name, value) => {
      const { status, location } = await open({ [name]: value });
      expect([200, 400]).toContain(status);
      expect(location).toBeNull();
    }),
    { seed: 5, numRuns: 300 },
  );
});
