/** What hosted and desktop applications and web pages do, one test for each habit. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { authorizationUrl, type Client, connect, mcp, obtainCode, post, refreshForm, token } from '../support/flows.ts';
import { registerAs } from './support/steps.ts';
import { send } from './support/wire.ts';

/** Two instances that share storage and take the requests in turn. */
let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
});
afterAll(() => server.stop());

/** Registers, and signs in at one of the redirect URIs. */
async function signIn(metadata: Record<string, unknown>, redirect_uri: string, change: Record<string, string> = {}) {
  const { status, body: client } = await registerAs(server, metadata);
  if (status !== 201) throw new Error(`Registration: ${status} ${JSON.stringify(client)}`);
  const { tokens } = await connect(server, 'ada', { redirect_uri, ...change }, client);
  return { client, tokens };
}

const works = async (accessToken: string) => (await mcp(server, accessToken, 'tools/list', {})).status === 200;

describe('VS Code', () => {
  const metadata = {
    client_name: 'Visual Studio Code',
    client_uri: 'https://code.visualstudio.com',
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: [
      'https://insiders.vscode.dev/redirect',
      'https://vscode.dev/redirect',
      'http://127.0.0.1/',
      'http://127.0.0.1:33418/',
    ],
    token_endpoint_auth_method: 'none',
  };

  test('VS Code: registers vscode.dev and this machine together, and may come back to each', async () => {
    for (const redirectUri of [...metadata.redirect_uris, 'http://127.0.0.1:53004/']) {
      const { tokens } = await signIn(metadata, redirectUri);
      expect(await works(tokens.access_token), redirectUri).toBe(true);
    }
  });

  test('VS Code: sends device_code too, which is left out and not refused', async () => {
    const { status, body } = await registerAs(server, metadata);
    expect([status, body]).toMatchObject([
      201,
      { grant_types: ['authorization_code', 'refresh_token'], redirect_uris: metadata.redirect_uris },
    ]);
  });

  test('VS Code: leaves device_code out where grant_types_supported does', async () => {
    const response = await send(`${server.origin}/.well-known/oauth-authorization-server`);
    expect(await response.json()).toMatchObject({ grant_types_supported: ['authorization_code', 'refresh_token'] });
  });

  test('VS Code: wants the metadata’s resource to be the URL that it was given', async () => {
    const response = await send(`${server.origin}/.well-known/oauth-protected-resource/mcp`);
    expect(await response.json()).toMatchObject({ resource: server.mcpUrl });
  });
});

describe('Claude Desktop, claude.ai', () => {
  const redirectUri = 'https://claude.ai/api/mcp/auth_callback';
  const metadata = {
    client_name: 'Claude',
    client_uri: 'https://claude.ai',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    scope: 'claudeai',
  };

  test('Claude Desktop, claude.ai: registers twice in one attempt, and is one client', async () => {
    const answers = await Promise.all([registerAs(server, metadata), registerAs(server, metadata)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(new Set(answers.map(({ body }) => body.client_id)).size).toBe(1);
  });

  test('Claude Desktop, claude.ai: is lost when its registration is evicted, and one in use never is', async () => {
    const { client } = await signIn(metadata, redirectUri);
    for (let month = 0; month < 2; month++) {
      server.clock.advance(31 * 86_400);
      await server.apps[0]?.purge();
    }
    const { tokens } = await connect(server, 'ada', { redirect_uri: redirectUri }, client);
    expect(await works(tokens.access_token)).toBe(true);
  });

  test('Claude Desktop, claude.ai: renews from two addresses at once, and both are answered', async () => {
    const { client, tokens } = await signIn(metadata, redirectUri);
    const form = refreshForm(client, tokens.refresh_token);
    const answers = await Promise.all(server.apps.map(() => token(server, form)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    for (const { body } of answers) expect(await works(body.access_token)).toBe(true);
  });
});

describe('Cursor', () => {
  const metadata = {
    client_name: 'Cursor',
    redirect_uris: [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'http://localhost:8787/callback',
    ],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };

  test('Cursor: registers a scheme of its own, a website and this machine together', async () => {
    for (const redirectUri of metadata.redirect_uris) {
      const { tokens } = await signIn(metadata, redirectUri);
      expect(await works(tokens.access_token), redirectUri).toBe(true);
    }
  });

  test('Cursor: is warned of where approving opens a program', async () => {
    const { body: client } = await registerAs(server, metadata);
    const pageAt = async (redirect_uri: string) =>
      (await new Browser().open(authorizationUrl(server, client, { redirect_uri }).url)).html;
    const [scheme = '', website = ''] = metadata.redirect_uris;
    expect(await pageAt(scheme)).toContain('Only approve if you just started this on this computer.');
    expect(await pageAt(website)).not.toContain('Only approve if you just started this');
  });
});

test('Copilot Studio: comes back below its consent host, proves itself by Basic, and wants the answer to agree', async () => {
  const redirectUri = 'https://global.consent.azure-apim.net/redirect/cr1ab-entra-20mcp-5f0123456789abcdef';
  const metadata = {
    client_name: 'Microsoft Copilot Studio',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  };
  const { status, body: client } = await registerAs(server, metadata);
  expect([status, client]).toMatchObject([
    201,
    { ...metadata, client_secret: expect.any(String), client_secret_expires_at: 0 },
  ]);
  const { tokens, headers } = await connectWithBasic(client, redirectUri);
  expect(await works(tokens.access_token)).toBe(true);
  const { client_id: _id, ...form } = refreshForm(client, tokens.refresh_token);
  expect((await token(server, form, headers)).status).toBe(200);
});

async function connectWithBasic(client: Client, redirect_uri: string) {
  const { code, verifier } = await obtainCode(server, client, 'ada', { redirect_uri });
  const headers = { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` };
  const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri };
  const { status, body } = await token(server, form, headers);
  if (status !== 200) throw new Error(`Token: ${status} ${JSON.stringify(body)}`);
  return { tokens: body, headers };
}

describe('several', () => {
  test('several: send null for what they lack, and choke on null and on empty members', async () => {
    const metadata = {
      client_name: 'With nulls',
      redirect_uris: ['http://localhost:53010/callback'],
      token_endpoint_auth_method: 'none',
      grant_types: null,
      response_types: null,
      client_uri: null,
      logo_uri: null,
      scope: null,
      contacts: null,
      jwks: null,
      software_id: null,
    };
    const { client, tokens } = await signIn(metadata, 'http://localhost:53010/callback');
    const renewal = await token(server, refreshForm(client, tokens.refresh_token ?? ''));
    for (const answer of [client, tokens, renewal.body]) {
      for (const value of Object.values(answer)) expect([null, '', undefined]).not.toContain(value);
    }
  });

  test('several: ask for scope=claudeai, which is nobody’s', async () => {
    const metadata = { redirect_uris: ['http://localhost:53011/callback'], token_endpoint_auth_method: 'none' };
    const { tokens } = await signIn(metadata, 'http://localhost:53011/callback', { scope: 'claudeai' });
    expect(tokens.scope).toBe('profile notes:read notes:write');
    const some = await signIn(metadata, 'http://localhost:53011/callback', { scope: 'claudeai notes:read' });
    expect(some.tokens.scope).toBe('notes:read');
  });
});

test('browsers: hold form-action against every hop of the way back, so the consent page has none', async () => {
  const redirectUri = 'claude://oauth/callback';
  const { body: client } = await registerAs(server, {
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
  });
  const { headers, status } = await fetch(authorizationUrl(server, client, { redirect_uri: redirectUri }).url);
  const policy = headers.get('content-security-policy') ?? '';
  expect(status).toBe(200);
  expect(policy).not.toContain('form-action');
  expect(policy).toContain("frame-ancestors 'none'");
  const { tokens } = await connect(server, 'ada', { redirect_uri: redirectUri }, client);
  expect(await works(tokens.access_token)).toBe(true);
});

describe('web clients', () => {
  const origin = 'http://localhost:6274';
  const listed = (headers: Headers, name: string) => (headers.get(name) ?? '').toLowerCase().split(/, */);

  test.each([
    '/mcp',
    '/oauth/register',
    '/oauth/token',
    '/oauth/revoke',
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/jwks.json',
  ])('web clients: preflight %s, and are answered before any authorization', async path => {
    const { status, headers } = await send(server.origin + path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect(listed(headers, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining([
        'authorization',
        'content-type',
        'accept',
        'mcp-protocol-version',
        'mcp-session-id',
        'mcp-method',
        'mcp-name',
        'last-event-id',
      ]),
    );
  });

  test('web clients: may read the challenge of a 401 and of a 403', async () => {
    const readable = ({ headers }: { headers: Headers }) => [
      headers.get('access-control-allow-origin'),
      listed(headers, 'access-control-expose-headers'),
    ];
    const expected = [
      '*',
      expect.arrayContaining(['www-authenticate', 'retry-after', 'mcp-protocol-version', 'mcp-session-id']),
    ];
    const unauthorized = await send(server.mcpUrl, { method: 'POST', headers: { origin } });
    expect([unauthorized.status, ...readable(unauthorized)]).toEqual([401, ...expected]);
    const metadata = { redirect_uris: ['http://localhost:53012/callback'], token_endpoint_auth_method: 'none' };
    const { tokens } = await signIn(metadata, 'http://localhost:53012/callback', { scope: 'profile' });
    const forbidden = await mcp(server, tokens.access_token, 'tools/call', { name: 'get_user_notes', arguments: {} });
    expect([forbidden.status, ...readable(forbidden)]).toEqual([403, ...expected]);
    const refused = await post(server, '/oauth/token', {}, { origin });
    expect([refused.ok, ...readable(refused)]).toEqual([false, ...expected]);
  });
});

test('Entra: refuses a resource parameter, and is never sent one', async () => {
  const before = server.entra.requests.length;
  const metadata = { redirect_uris: ['http://localhost:53013/callback'], token_endpoint_auth_method: 'none' };
  const { client, tokens } = await signIn(metadata, 'http://localhost:53013/callback', { resource: server.mcpUrl });
  await token(server, { ...refreshForm(client, tokens.refresh_token), resource: server.mcpUrl });
  const sent = server.entra.requests.slice(before);
  expect(sent.map(({ endpoint }) => endpoint)).toEqual(expect.arrayContaining(['authorize', 'token']));
  expect(sent.filter(({ parameters }) => parameters.includes('resource'))).toEqual([]);
});
