import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EndpointName } from '../../src/app.ts';
import { createLogger } from '../../src/log.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { authorizationUrl, type Client, codeForm, obtainCode, refreshForm, register } from '../support/flows.ts';

/**
 * The host of a request, as whoever sent it says: what the host hands to the app has it in the URL, and proxies repeat it
 * in headers. No answer changes by it, so no cache can be filled with one that leads elsewhere.
 */
const EVIL = 'http://evil.example';
const HEADERS: Record<string, string> = {
  host: 'evil.example',
  forwarded: 'host=evil.example;proto=https;for=evil.example',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-server': 'evil.example',
  'x-forwarded-proto': 'gopher',
  'x-forwarded-port': '666',
  'x-forwarded-prefix': '/evil.example',
  'x-forwarded-scheme': 'evil.example',
  'x-original-host': 'evil.example',
  'x-host': 'evil.example',
  'x-original-url': '/evil.example',
  'x-rewrite-url': '/evil.example',
  'x-http-method-override': 'DELETE',
  'disguised-host': 'evil.example',
  'x-ms-original-url': 'http://evil.example/',
  'x-arr-ssl': 'evil.example',
  referer: 'http://evil.example/',
  via: '1.1 evil.example',
};

let server: AppServer;
let client: Client;
beforeAll(async () => {
  const introspector = { client_id: 'api', client_secret_sha256: '0'.repeat(64), introspection: true };
  server = await startAppServer({ settings: { PREREGISTERED_CLIENTS: JSON.stringify([introspector]) } });
  client = await register(server);
});
afterAll(() => server.stop());

const log = createLogger('error', () => {});

/** An answer without what is random in it. */
interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

async function ask(name: EndpointName, path: string, origin: string, init: RequestInit = {}): Promise<Answer> {
  const endpoint = await server.apps[0]?.endpoint(name);
  if (!endpoint) throw new Error(`There is no endpoint ${name}.`);
  const response = await endpoint(new Request(origin + path, init), { correlationId: 'c0ffee', log });
  const text = await response.text();
  const { 'set-cookie': _random, ...headers } = Object.fromEntries(response.headers);
  return { status: response.status, headers, text };
}

/** The same request as it should be and with a forged host: what came of both. */
async function both(name: EndpointName, path: string, init: RequestInit = {}): Promise<[Answer, Answer]> {
  const forged = { ...init, headers: { ...HEADERS, ...(init.headers as Record<string, string>) } };
  const answers: [Answer, Answer] = [await ask(name, path, server.origin, init), await ask(name, path, EVIL, forged)];
  for (const each of answers) expect(JSON.stringify(each)).not.toMatch(/evil\.example|gopher|:666/);
  return answers;
}

const form = (fields: Record<string, string | undefined>): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(
    Object.entries(fields).filter((each): each is [string, string] => each[1] !== undefined),
  ).toString(),
});

describe('documents that may be kept', () => {
  test.each([
    ['serverMetadata', '/.well-known/oauth-authorization-server'],
    ['serverMetadata', '/.well-known/openid-configuration'],
    ['resourceMetadata', '/.well-known/oauth-protected-resource'],
    ['resourceMetadata', '/.well-known/oauth-protected-resource/mcp'],
    ['jwks', '/.well-known/jwks.json'],
  ] as const)('%s at %s is the same to the letter, whatever query and headers come with it', async (name, path) => {
    for (const query of ['', '?host=evil.example', '?issuer=http://evil.example', '?x=evil.example']) {
      const [own, forged] = await both(name, path + query);
      expect(forged).toEqual(own);
      expect(own.status).toBe(200);
      expect(own.headers['cache-control']).toBe('public, max-age=300');
    }
  });

  test('they name the configured origin and nothing else', async () => {
    const [own] = await both('serverMetadata', '/.well-known/oauth-authorization-server');
    const urls = [...own.text.matchAll(/https?:\/\/[^"]+/g)].map(([url]) => new URL(url).origin);
    expect(new Set(urls)).toEqual(new Set([server.origin]));
  });
});

describe('all other answers', () => {
  test.each<[EndpointName, string, RequestInit?]>([
    ['landing', '/'],
    ['account', '/account'],
    ['login', '/auth/login?signin=x'],
    ['callback', '/auth/callback?state=x'],
    ['interaction', '/auth/interaction?id=x'],
    ['interaction', '/auth/interaction', form({ id: 'x' })],
    ['logout', '/auth/logout', form({})],
    ['authorize', '/oauth/authorize?client_id=x'],
    ['consent', '/oauth/consent', form({ decision: 'approve' })],
    ['token', '/oauth/token', form({ grant_type: 'authorization_code', client_id: 'x', code: 'y' })],
    ['revoke', '/oauth/revoke', form({ token: 'x', client_id: 'y' })],
    ['introspect', '/oauth/introspect', form({ token: 'x' })],
    ['register', '/oauth/register', { method: 'POST', body: '{}' }],
    ['mcp', '/mcp', { method: 'POST', body: '{}' }],
    ['mcp', '/mcp', { method: 'GET' }],
    ['health', '/health'],
    ['ready', '/health/ready'],
  ])('%s at %s does not change, and nobody may keep it', async (name, path, init) => {
    const [own, forged] = await both(name, path, init);
    expect(forged).toEqual(own);
    expect(own.headers['cache-control']).toContain('no-store');
  });

  test('the challenge of the 401 names where our metadata is', async () => {
    const [, forged] = await both('mcp', '/mcp', { method: 'POST', body: '{}' });
    expect(forged.headers['www-authenticate']).toContain(`resource_metadata="${server.origin}/.well-known/`);
  });

  test('the consent page and the way to Entra name the configured origin', async () => {
    const asked = new URL(authorizationUrl(server, client).url);
    const [own, forged] = await both('authorize', asked.pathname + asked.search);
    expect([own.status, forged.status]).toEqual([200, 200]);
    const [login, evil] = await both('login', '/auth/login');
    for (const { headers } of [login, evil]) {
      const location = new URL(headers.location ?? '');
      expect(location.searchParams.get('redirect_uri')).toBe(`${server.origin}/auth/callback`);
    }
  });

  test('tokens are of the configured issuer, for the configured resource', async () => {
    const code = await obtainCode(server, client);
    const [first, again] = await both('token', '/oauth/token', form(codeForm(client, code)));
    const renewal = refreshForm(client, (JSON.parse(first.text) as { refresh_token: string }).refresh_token);
    const renewed = await both('token', '/oauth/token', form(renewal));
    for (const { text } of [first, again, ...renewed]) {
      const { access_token } = JSON.parse(text) as { access_token: string };
      const claims = JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString());
      expect([claims.iss, claims.aud]).toEqual([server.origin, server.mcpUrl]);
    }
  });

  test('a post of another site that names itself as the host is another site’s all the same', async () => {
    const asked = new URL(authorizationUrl(server, client).url);
    const page = await fetch(asked);
    const cookie = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const request = /name="request" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
    const sent = form({ request, decision: 'approve', scope: 'profile' });
    const headers = { ...HEADERS, ...(sent.headers as Record<string, string>), cookie, origin: EVIL };
    expect((await ask('consent', '/oauth/consent', EVIL, { ...sent, headers })).status).toBe(403);
  });
});
