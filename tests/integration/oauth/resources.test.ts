/** Several protected resources (RFC 8707, RFC 9728): our own endpoint, one of the gateway, and a server elsewhere. */
import { createHash } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { signUpstreamToken, verifyAccessToken } from '../../../src/access/access-token.ts';
import { createKeyRing } from '../../../src/keys/key-ring.ts';
import { parseSecrets } from '../../../src/keys/secret.ts';
import { type AppServer, newSecret, startAppServer } from '../../support/app-server.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  post,
  REDIRECT_URI,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';

const REPORTS = 'https://reports.example/mcp';
const UPSTREAM = 'https://wiki.example/mcp';
const SECRET = newSecret();
const KEY = newSecret();
const reports = {
  resource: REPORTS,
  name: 'Reports',
  scopes: { 'reports:read': 'Read your reports', profile: 'See your name' },
  roles: ['Reports.Admin'],
};
const SETTINGS = {
  JWT_SECRET_KEY: KEY,
  RESOURCES: JSON.stringify([reports]),
  GATEWAY_UPSTREAMS: `wiki=${UPSTREAM}`,
  GATEWAY_SCOPES: JSON.stringify({ wiki: { 'wiki:read': 'Read the wiki', 'wiki:write': 'Change the wiki' } }),
  GATEWAY_TOOLS: JSON.stringify({ wiki: { allow: { 'Wiki.Editor': ['*'] } } }),
  PREREGISTERED_CLIENTS: JSON.stringify([
    { client_id: 'portal', redirect_uris: [REDIRECT_URI], resource: REPORTS },
    ...[
      ['own', undefined],
      ['reports', REPORTS],
      ['wiki', UPSTREAM],
    ].map(([client_id, resource]) => ({
      client_id,
      client_secret_sha256: createHash('sha256').update(SECRET).digest('hex'),
      introspection: true,
      resource,
    })),
  ]),
};

let server: AppServer;
let client: Client;
let wiki: string;
beforeAll(async () => {
  server = await startAppServer({ instances: 2, settings: SETTINGS });
  client = await register(server);
  wiki = `${server.origin}/wiki/mcp`;
});
afterAll(() => server.stop());

const json = async (path: string) => (await (await fetch(`${server.origin}${path}`)).json()) as Record<string, unknown>;

async function introspect(as: string, presented: string): Promise<Record<string, unknown>> {
  const basic = { authorization: `Basic ${Buffer.from(`${as}:${SECRET}`).toString('base64')}` };
  return (await (await post(server, '/oauth/introspect', { token: presented }, basic)).json()) as never;
}

describe('metadata', () => {
  test('is there for each resource that this app serves, where its path says', async () => {
    const [own, root, gateway] = await Promise.all(
      ['/mcp', '', '/wiki/mcp'].map(path => json(`/.well-known/oauth-protected-resource${path}`)),
    );
    expect(root).toEqual(own);
    expect(own).toMatchObject({ resource: server.mcpUrl, scopes_supported: ['profile', 'notes:read', 'notes:write'] });
    expect(gateway).toMatchObject({
      resource: wiki,
      authorization_servers: [server.origin],
      scopes_supported: ['wiki:read', 'wiki:write'],
      resource_name: 'wiki',
    });
    const other = await fetch(`${server.origin}/.well-known/oauth-protected-resource/reports/mcp`);
    expect(other.status).toBe(404);
  });

  test('of the authorization server names all of them (RFC 9728 section 4), and each scope once', async () => {
    expect(await json('/.well-known/oauth-authorization-server')).toMatchObject({
      protected_resources: [server.mcpUrl, wiki, REPORTS],
      scopes_supported: [
        ...['profile', 'notes:read', 'notes:write', 'wiki:read', 'wiki:write', 'reports:read'],
        'offline_access',
      ],
    });
  });
});

describe('a sign-in', () => {
  const refusal = async (change: Record<string, string | undefined>, who: Client = client) => {
    const response = await fetch(authorizationUrl(server, who, change).url, {
      redirect: 'manual',
      headers: { accept: 'application/json' },
    });
    const isPage = response.headers.get('content-type')?.includes('html');
    return [response.status, isPage ? 'a page' : ((await response.json()) as { error: string }).error];
  };

  test('that does not say for what is refused', async () => {
    expect(await refusal({ resource: undefined })).toEqual([400, 'invalid_target']);
    expect(await refusal({ resource: '' })).toEqual([400, 'invalid_target']);
  });

  test('for the origin, which is ours and the gateway’s, is refused', async () => {
    expect(await refusal({ resource: server.origin })).toEqual([400, 'invalid_target']);
    expect(await refusal({ resource: `${server.origin}/` })).toEqual([400, 'invalid_target']);
  });

  test('for what only looks like one of them is refused', async () => {
    for (const resource of [
      UPSTREAM,
      'https://reports.example',
      'https://reports.example/MCP',
      'https://reports.example/mcp/x',
      'https://reports.example/x/../mcp',
      'https://reports.example/%6dcp',
      'https://reports.example\\mcp',
      'https://reports.example.evil.example/mcp',
      'https://reports.example@evil.example/mcp',
      'http://reports.example/mcp',
      `${REPORTS}#fragment`,
      `${REPORTS}?query`,
      `${REPORTS} ${server.mcpUrl}`,
      `${server.origin}/WIKI/mcp`,
      `${server.origin}/wiki/../mcp`,
      `${server.origin}/wiki/mcp/mcp`,
    ]) {
      expect(await refusal({ resource }), resource).toEqual([400, 'invalid_target']);
    }
  });

  test('for two of them is refused', async () => {
    const twice = `${authorizationUrl(server, client).url}&resource=${encodeURIComponent(REPORTS)}`;
    const response = await fetch(twice, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test('for a server elsewhere gives a token that it can verify by the published keys, and that is good nowhere else', async () => {
    server.entra.change('ada', { roles: ['Reports.Admin', 'Wiki.Editor'] });
    const change = { resource: 'https://REPORTS.example/mcp/', scope: 'reports:read notes:read wiki:write' };
    const { tokens } = await connect(server, 'ada', change, client);
    expect(tokens.scope).toBe('reports:read');
    const { jwks_uri } = await json('/.well-known/oauth-authorization-server');
    const { payload } = await jwtVerify(tokens.access_token, createRemoteJWKSet(new URL(`${jwks_uri}`)), {
      issuer: server.origin,
      audience: REPORTS,
      typ: 'at+jwt',
      algorithms: ['ES256'],
    });
    expect(payload).toMatchObject({ aud: REPORTS, scope: 'reports:read', client_id: client.client_id });
    expect(payload).toMatchObject({ roles: ['Reports.Admin'] });
    expect(payload).not.toHaveProperty('name');
    const refused = await callTool(server, tokens.access_token, 'get_server_info');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ]);
  });

  test('for an upstream of the gateway gives a token with its scopes and roles, and for our own endpoint one with ours', async () => {
    const { tokens } = await connect(server, 'ada', { resource: wiki, scope: 'wiki:read wiki:write' }, client);
    expect(claimsOf(tokens.access_token)).toMatchObject({
      aud: wiki,
      scope: 'wiki:read wiki:write',
      roles: ['Wiki.Editor'],
    });
    expect((await callTool(server, tokens.access_token, 'get_server_info')).status).toBe(401);
    const own = (await connect(server, 'ada', {}, client)).tokens;
    expect(claimsOf(own.access_token)).toMatchObject({ aud: server.mcpUrl });
    expect(claimsOf(own.access_token)).not.toHaveProperty('roles');
    expect((await callTool(server, own.access_token, 'get_server_info')).status).toBe(200);
  });

  test('for none of a resource’s scopes asks for all of them, and for no other’s', async () => {
    const { tokens } = await connect(server, 'ada', { resource: REPORTS, scope: 'notes:write wiki:read' }, client);
    expect(tokens.scope).toBe('reports:read profile');
    expect(claimsOf(tokens.access_token)).toHaveProperty('name');
  });

  test('shows what it is for: the resource’s name and URL, and its scopes in its words', async () => {
    const page = await new Browser().open(authorizationUrl(server, client, { resource: REPORTS, scope: 'x' }).url);
    const text = textOf(page.html);
    for (const words of ['It asks for access to Reports , to', REPORTS, 'Read your reports', 'See your name']) {
      expect(text).toContain(words);
    }
    expect(text).not.toContain('notes');
  });

  test('of a client that is bound to a resource is for that, whether it says so or not', async () => {
    const portal = { client_id: 'portal' };
    for (const resource of [undefined, REPORTS, `${REPORTS}/`]) {
      const { tokens } = await connect(server, 'ada', { resource, scope: 'reports:read' }, portal);
      expect(claimsOf(tokens.access_token).aud).toBe(REPORTS);
    }
    for (const resource of [server.mcpUrl, wiki, server.origin]) {
      expect(await refusal({ resource }, portal)).toEqual([400, 'invalid_target']);
    }
  });

  test('is not let in by what was approved for another resource', async () => {
    const redirect_uri = 'https://client.example/callback';
    const web = await register(server, { redirect_uris: [redirect_uri] });
    const browser = new Browser();
    const scope = 'profile';
    await connect(server, 'ada', { redirect_uri, resource: REPORTS, scope }, web, browser);
    const stopAt = (url: string) => url.startsWith(redirect_uri);
    const open = (resource: string) =>
      browser.open(authorizationUrl(server, web, { redirect_uri, resource, scope }).url, { stopAt });
    expect(textOf((await open(server.mcpUrl)).html)).toContain('Allow this app?');
    const remembered = await open(REPORTS);
    const back = stopAt(remembered.url) ? remembered : await signInAs(browser, remembered, 'ada', { stopAt });
    expect(new URL(back.url).searchParams.get('code')).toBeTruthy();
  });
});

describe('at the token endpoint', () => {
  test('a code is for its resource and no other; a mismatch changes nothing', async () => {
    const code = await obtainCode(server, client, 'ada', { resource: REPORTS, scope: 'reports:read' });
    const form = codeForm(client, code);
    for (const resource of [server.mcpUrl, wiki, `${REPORTS}/x`, `${REPORTS}#x`, server.origin]) {
      expect((await token(server, { ...form, resource })).body.error, resource).toBe('invalid_target');
    }
    const { status, body } = await token(server, { ...form, resource: `${REPORTS}/` });
    expect([status, claimsOf(body.access_token).aud]).toEqual([200, REPORTS]);
  });

  test('so is a grant, by renewal', async () => {
    const { tokens } = await connect(server, 'ada', { resource: wiki, scope: 'wiki:read' }, client);
    const form = refreshForm(client, tokens.refresh_token);
    for (const resource of [server.mcpUrl, REPORTS, UPSTREAM, server.origin]) {
      expect((await token(server, { ...form, resource })).body.error, resource).toBe('invalid_target');
    }
    const { body } = await token(server, { ...form, scope: 'wiki:read wiki:write reports:read notes:read' });
    expect(claimsOf(body.access_token)).toMatchObject({ aud: wiki, scope: 'wiki:read' });
    expect(body.scope).toBe('wiki:read');
  });

  test('an access token of any resource can be given back', async () => {
    const { tokens } = await connect(server, 'ada', { resource: REPORTS, scope: 'reports:read' }, client);
    const form = { token: tokens.access_token, client_id: client.client_id };
    expect((await post(server, '/oauth/revoke', form)).status).toBe(200);
    // As long as another instance may take to know of it.
    server.clock.advance(31);
    expect(await introspect('reports', tokens.access_token)).toEqual({ active: false });
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
  });
});

describe('introspection', () => {
  test('tells a resource server of its own tokens alone', async () => {
    const own = (await connect(server, 'ada', {}, client)).tokens.access_token;
    const theirs = (await connect(server, 'ada', { resource: REPORTS, scope: 'x' }, client)).tokens.access_token;
    expect(await introspect('reports', theirs)).toMatchObject({
      active: true,
      aud: REPORTS,
      scope: 'reports:read profile',
      roles: ['Reports.Admin'],
    });
    expect(await introspect('own', own)).toMatchObject({ active: true, aud: server.mcpUrl });
    expect(await introspect('own', theirs)).toEqual({ active: false });
    expect(await introspect('reports', own)).toEqual({ active: false });
  });

  test('tells a server behind the gateway of what the gateway gives it', async () => {
    const { tokens } = await connect(server, 'ada', { resource: wiki, scope: 'wiki:read' }, client);
    const keys = await createKeyRing(parseSecrets(KEY));
    const now = server.clock.now / 1000;
    const expected = { issuer: server.origin, resource: wiki };
    const verified = await verifyAccessToken(keys, expected, tokens.access_token, now);
    const ask = { upstream: UPSTREAM, tokenId: 'another', now };
    const upstream = await signUpstreamToken(keys, server.origin, { ...verified, jkt: 'thumbprint' }, ask);
    const claims = claimsOf(upstream);
    expect(claims).toMatchObject({ aud: UPSTREAM, jti: 'another', scope: 'wiki:read', client_id: client.client_id });
    expect([claims.exp - claims.iat, claims.cnf, claims.name]).toEqual([60, undefined, undefined]);
    expect(claims.sub).toBe(claimsOf(tokens.access_token).sub);
    expect(await introspect('wiki', upstream)).toMatchObject({ active: true, aud: UPSTREAM });
    expect(await introspect('wiki', tokens.access_token)).toEqual({ active: false });
    expect((await callTool(server, upstream, 'get_server_info')).status).toBe(401);
    // Never longer lived than the token that came.
    const late = { ...ask, now: verified.expiresAt - 10 };
    expect(claimsOf(await signUpstreamToken(keys, server.origin, verified, late)).exp).toBe(verified.expiresAt);
  });
});

test('the account page says which resource an app has access to', async () => {
  const browser = new Browser();
  const { tokens } = await connect(server, 'grace', { resource: REPORTS, scope: 'reports:read' }, client);
  expect(tokens.scope).toBe('reports:read');
  const stopAt = (url: string) => url === `${server.origin}/account`;
  const atEntra = await browser.open(`${server.origin}/auth/login?to=account`);
  const page = await signInAs(browser, atEntra, 'grace', { stopAt });
  expect(textOf((await browser.open(page.url)).html)).toContain('Reports: Read your reports');
});

test('what settings take away is in no token any more, and comes back with them; nothing is lost meanwhile', async () => {
  const { tokens } = await connect(server, 'ada', { resource: REPORTS, scope: 'reports:read profile' }, client);
  const code = await obtainCode(server, client, 'ada', { resource: REPORTS, scope: 'profile' });
  const without = { RESOURCES: '', PREREGISTERED_CLIENTS: '' };
  server.deploy(without, without);
  const form = refreshForm(client, tokens.refresh_token);
  for (const each of [form, codeForm(client, code)]) {
    const { status, body } = await token(server, each);
    expect([status, body.error, body.error_description]).toEqual([
      400,
      'invalid_grant',
      expect.stringContaining(REPORTS),
    ]);
  }
  const less = { RESOURCES: JSON.stringify([{ ...reports, scopes: { 'reports:read': 'Read' }, roles: [] }]) };
  server.deploy(less, less);
  expect((await token(server, codeForm(client, code))).body.error).toBe('invalid_grant');
  const renewed = await token(server, form);
  expect([renewed.status, renewed.body.scope]).toEqual([200, 'reports:read']);
  expect(claimsOf(renewed.body.access_token)).not.toHaveProperty('roles');
  server.deploy({}, {});
  const again = await token(server, refreshForm(client, renewed.body.refresh_token));
  expect(claimsOf(again.body.access_token)).toMatchObject({
    aud: REPORTS,
    scope: 'reports:read profile',
    roles: ['Reports.Admin'],
  });
});

test('a client that the operator binds to another resource renews no more for the former', async () => {
  const portal = { client_id: 'portal' };
  const { tokens } = await connect(server, 'ada', { resource: REPORTS, scope: 'reports:read' }, portal);
  const code = await obtainCode(server, portal, 'ada', { resource: REPORTS, scope: 'reports:read' });
  const bound = { client_id: 'portal', redirect_uris: [REDIRECT_URI], resource: wiki };
  const other = { PREREGISTERED_CLIENTS: JSON.stringify([bound]) };
  server.deploy(other, other);
  for (const form of [refreshForm(portal, tokens.refresh_token), codeForm(portal, code)]) {
    expect((await token(server, form)).body).toMatchObject({
      error: 'invalid_grant',
      error_description: expect.stringContaining(wiki),
    });
  }
  server.deploy({}, {});
  expect((await token(server, codeForm(portal, code))).status).toBe(200);
});

test('the record says what was approved and connected', async () => {
  const before = server.logLines.length;
  await connect(server, 'ada', { resource: REPORTS, scope: 'reports:read' }, client);
  const lines = server.logLines.slice(before).map(line => JSON.parse(line) as Record<string, unknown>);
  const acts = lines.filter(({ event }) => event === 'audit').map(({ act, resource }) => [act, resource]);
  expect(acts).toEqual([
    ['consent given', REPORTS],
    ['signed in', undefined],
    ['connected', REPORTS],
  ]);
});

test('with one resource alone nobody has to name it', async () => {
  const alone = {
    RESOURCES: '',
    GATEWAY_UPSTREAMS: '',
    GATEWAY_SCOPES: '',
    GATEWAY_TOOLS: '',
    PREREGISTERED_CLIENTS: '',
  };
  server.deploy(alone, alone);
  const at = await approveAndSignIn(new Browser(), authorizationUrl(server, client, { resource: undefined }).url);
  expect(new URL(at).searchParams.get('code')).toBeTruthy();
  const page = await new Browser().open(authorizationUrl(server, client).url);
  expect(textOf(page.html)).toContain('It asks to');
  server.deploy({}, {});
});
