import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, textOf } from '../../dev/browser/index.ts';
import { loadConfig } from '../../src/config.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  post,
  refreshForm,
  register,
  token,
} from '../support/flows.ts';
import { PUBLIC_ORIGIN, startDeployed } from './deployed.ts';
import {
  backAtWebClient,
  DENY,
  documentAt,
  openConsent,
  openToClient,
  registerWeb,
  send,
  stopAtClient,
  toCallback,
  WEB,
} from './steps.ts';

/** What MCP asks of an authorization server: rows AS-01 to AS-05 and AS-15 to AS-28; documents are beside this file. */

const AS_METADATA = '/.well-known/oauth-authorization-server';

/** Two instances on loopback, which take requests in turn. */
let server: AppServer;
/** The same as people reach it over https. */
let deployed: AppServer;
let client: Client;
let web: Client;
beforeAll(async () => {
  [server, deployed] = await Promise.all([
    startAppServer({ instances: 2 }),
    startDeployed({ PRIVATE_USE_SCHEMES: 'contoso-notes' }),
  ]);
  client = await register(server);
  web = await registerWeb(server);
});
afterAll(() => Promise.all([server.stop(), deployed.stop()]));

const works = async (accessToken: string) =>
  (await callTool(server, accessToken, 'calculate_sum', { numbers: [1, 2] })).status === 200;

/** What the authorization endpoint answers to a request with these changes. */
const authorize = (asked: Client, change: Record<string, string | undefined> = {}) =>
  send(authorizationUrl(server, asked, change).url);

const registration = (metadata: Record<string, unknown>, at = server) =>
  send(`${at.origin}/oauth/register`, {
    method: 'POST',
    body: JSON.stringify({ token_endpoint_auth_method: 'none', ...metadata }),
  });

test('AS-01 public and confidential clients get tokens by the code grant, the latter with their secret alone', async () => {
  const { tokens } = await connect(server, 'ada', {}, client);
  expect(await works(tokens.access_token)).toBe(true);

  const { token_endpoint_auth_methods_supported: methods } = await documentAt(server, AS_METADATA);
  expect(methods).toEqual(expect.arrayContaining(['none', 'client_secret_post', 'client_secret_basic']));
  for (const method of ['client_secret_post', 'client_secret_basic']) {
    const confidential = await register(server, { token_endpoint_auth_method: method });
    const form = codeForm(confidential, await obtainCode(server, confidential));
    const withSecret = (secret = ''): [typeof form, Record<string, string>] =>
      method === 'client_secret_post'
        ? [{ ...form, client_secret: secret }, {}]
        : [
            { ...form, client_id: undefined },
            { authorization: `Basic ${Buffer.from(`${confidential.client_id}:${secret}`).toString('base64')}` },
          ];
    for (const refused of [await token(server, form), await token(server, ...withSecret('wrong'))]) {
      expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    }
    const { status, body } = await token(server, ...withSecret(confidential.client_secret));
    expect([status, await works(body.access_token)]).toEqual([200, true]);
  }
});

test('AS-02 the metadata is at both well-known locations of the root, and at none below /mcp', async () => {
  const [one, two] = [
    await documentAt(server, AS_METADATA),
    await documentAt(server, '/.well-known/openid-configuration'),
  ];
  expect(two).toEqual(one);
  for (const member of ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'response_types_supported']) {
    expect(one).toHaveProperty(member);
  }
  for (const path of [
    `${AS_METADATA}/mcp`,
    '/.well-known/openid-configuration/mcp',
    '/mcp/.well-known/openid-configuration',
    '/mcp/.well-known/oauth-authorization-server',
  ]) {
    expect((await send(server.origin + path)).status, path).toBe(404);
  }
});

test('AS-03 the issuer is one string wherever it is said: metadata, resource metadata, tokens, answers', async () => {
  const { issuer } = await documentAt(server, AS_METADATA);
  const resource = await documentAt<{ authorization_servers: string[] }>(
    server,
    '/.well-known/oauth-protected-resource/mcp',
  );
  const { tokens, code } = await connect(server, 'ada', {}, client);
  expect(issuer).toBe(server.origin);
  expect(resource.authorization_servers).toEqual([issuer]);
  expect(claimsOf(tokens.access_token).iss).toBe(issuer);
  expect(code.back.searchParams.get('iss')).toBe(issuer);
  // As it was configured, and not as the request came: this one came over http to localhost.
  expect((await documentAt(deployed, AS_METADATA)).issuer).toBe(PUBLIC_ORIGIN);
});

test('AS-04 code_challenge_methods_supported is published', async () => {
  for (const path of [AS_METADATA, '/.well-known/openid-configuration']) {
    expect(await documentAt(server, path)).toMatchObject({ code_challenge_methods_supported: ['S256'] });
  }
});

test('AS-05 PKCE with S256 is asked of everybody, and its verifier at the token endpoint', async () => {
  const confidential = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
  for (const asked of [client, confidential]) {
    for (const change of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge: undefined },
      { code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
      { code_challenge_method: 's256' },
      { code_challenge: 'too-short' },
    ]) {
      expect(await authorize(asked, change)).toMatchObject({ status: 400, location: null });
    }
    const { client_secret } = asked;
    const code = await obtainCode(server, asked);
    const form = { ...codeForm(asked, code), client_secret };
    const challenge = createHash('sha256').update(code.verifier).digest('base64url');
    for (const code_verifier of [undefined, 'x'.repeat(43), challenge, `${code.verifier}x`]) {
      expect(await token(server, { ...form, code_verifier })).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    }
    expect((await token(server, form)).status).toBe(200);
  }
});

test('AS-15 the consent page warns where all redirect URIs are on this computer, and only there', async () => {
  const warning = 'Only approve if you just started this on this computer';
  const loopback = await register(server, { redirect_uris: ['http://127.0.0.1/cb', 'http://localhost/cb'] });
  const redirect_uri = 'http://127.0.0.1:50123/cb';
  expect(textOf((await openConsent(server, loopback, { redirect_uri })).page.html)).toContain(warning);
  expect(textOf((await openConsent(server, web, WEB)).page.html)).not.toContain(warning);
});

test('AS-16 the consent page shows the host of the redirect URI, whatever the client says of itself', async () => {
  const deceiver = await registerWeb(server, {
    client_name: 'https://claude.ai',
    client_uri: 'https://claude.ai',
    redirect_uris: ['https://claude.ai.evil.example/callback'],
  });
  const redirect_uri = 'https://claude.ai.evil.example/callback';
  const { html } = (await openConsent(server, deceiver, { redirect_uri })).page;
  expect(textOf(/<p class="host">.*?<\/p>/s.exec(html)?.[0] ?? '')).toBe('claude.ai.evil.example');
});

test('AS-17 every authorization response names its issuer, errors too', async () => {
  const answers: URL[] = [];
  const atConsent = await openConsent(server, client);
  const callback = await toCallback(server, atConsent);
  answers.push(await openToClient(atConsent.browser, callback));
  // The same answer again, and those of Entra's refusals.
  answers.push(await openToClient(atConsent.browser, callback));
  for (const who of ['cancel', 'disabled', 'unassigned'] as const) {
    const refused = await openConsent(server, client);
    answers.push(await openToClient(refused.browser, await toCallback(server, refused, who)));
  }
  const denied = await openConsent(server, web, WEB);
  answers.push(new URL((await denied.browser.submit(denied.page, { button: DENY, stopAt: stopAtClient })).url));
  await server.entra.spoilIdTokens({ claims: claims => ({ ...claims, nonce: 'another' }) });
  const spoiled = await openConsent(server, client);
  answers.push(await openToClient(spoiled.browser, await toCallback(server, spoiled)));
  await server.entra.spoilIdTokens(undefined);
  // Without a page: by an earlier approval, and where there is none to go by.
  const person = new Browser();
  const first = await openConsent(server, web, WEB, person);
  const back = await openToClient(person, await toCallback(server, first));
  const code = { code: back.searchParams.get('code') ?? '', verifier: first.verifier };
  await token(server, { ...codeForm(web, code), redirect_uri: WEB.redirect_uri });
  const silent = authorizationUrl(server, web, { ...WEB, prompt: 'none' }).url;
  answers.push(await openToClient(person, silent), await openToClient(new Browser(), silent));

  expect(answers.map(({ searchParams }) => searchParams.get('error') ?? 'a code')).toEqual([
    'a code',
    'a code',
    'access_denied',
    'access_denied',
    'access_denied',
    'access_denied',
    'server_error',
    'a code',
    'interaction_required',
  ]);
  for (const { searchParams } of answers) expect(searchParams.getAll('iss')).toEqual([server.origin]);
});

test('AS-18 the metadata says that answers name their issuer', async () => {
  for (const path of [AS_METADATA, '/.well-known/openid-configuration']) {
    expect(await documentAt(server, path)).toMatchObject({ authorization_response_iss_parameter_supported: true });
  }
});

test('AS-19 an access token lives an hour, and not a second longer', async () => {
  const { tokens } = await connect(server, 'ada', {}, client);
  const { iat, exp } = claimsOf(tokens.access_token);
  expect([tokens.expires_in, exp - iat]).toEqual([3600, 3600]);
  server.clock.advance(3590);
  expect(await works(tokens.access_token)).toBe(true);
  server.clock.advance(10);
  expect(await works(tokens.access_token)).toBe(false);
});

test('AS-20 a refresh token is spent by its use, and one that comes back later ends the grant', async () => {
  const { tokens } = await connect(server, 'ada', {}, client);
  const first = await token(server, refreshForm(client, tokens.refresh_token));
  const second = await token(server, refreshForm(client, first.body.refresh_token));
  const chain = [tokens, first.body, second.body].map(({ refresh_token }) => refresh_token);
  expect(new Set(chain).size).toBe(3);
  server.clock.advance(31);
  const replayed = await token(server, refreshForm(client, tokens.refresh_token));
  expect(replayed).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect((await token(server, refreshForm(client, second.body.refresh_token))).body.error).toBe('invalid_grant');
});

test('AS-21 https everywhere but loopback: own address, Entra’s, redirect URIs, every published URL', async () => {
  const settings = {
    AUTH_TENANT_ID: server.entra.tenantId,
    AUTH_CLIENT_ID: server.entra.clientId,
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    JWT_SECRET_KEY: newSecret(),
  };
  const start = (changed: Record<string, string>) => () => loadConfig({ ...settings, ...changed });
  expect(start({ AUTH_REDIRECT_URI: 'http://mcp.example/auth/callback' })).toThrow('AUTH_REDIRECT_URI');
  expect(start({ AUTH_AUTHORITY_HOST: 'http://login.example' })).toThrow('AUTH_AUTHORITY_HOST');
  expect(start({ AUTH_REDIRECT_URI: 'https://mcp.example/auth/callback' })).not.toThrow();
  expect(start({ AUTH_REDIRECT_URI: 'http://localhost:7071/auth/callback' })).not.toThrow();

  const documents = [AS_METADATA, '/.well-known/oauth-protected-resource/mcp', '/.well-known/openid-configuration'];
  const texts = [...documents.map(path => documentAt(deployed, path).then(document => JSON.stringify(document)))];
  const { headers } = await send(deployed.mcpUrl);
  const published = [...(await Promise.all(texts)), headers.get('www-authenticate')].join('\n');
  const urls = published.match(/\w+:\/\/[^"\s]+/g) ?? [];
  expect(urls.length).toBeGreaterThan(8);
  for (const url of urls) expect(url).toMatch(/^https:\/\/mcp\.example($|\/)/);

  for (const uri of ['http://app.example/cb', 'http://10.0.0.1/cb', 'http://localhost.example/cb']) {
    expect(await registration({ redirect_uris: [uri] })).toMatchObject({ status: 400 });
  }
});

test('AS-22 a redirect URI is https, loopback, or of a native app’s own scheme', async () => {
  const taken = [
    'https://app.example/cb',
    'https://app.example:8443/cb?tenant=1',
    'http://localhost/cb',
    'http://127.0.0.1:1234/cb',
    'http://[::1]/cb',
    'cursor://anysphere.cursor-retrieval/oauth/callback',
    'vscode://vscode.microsoft-authentication/callback',
    'com.example.notes:/callback',
  ];
  for (const uri of taken) expect((await registration({ redirect_uris: [uri] })).status, uri).toBe(201);
  const refused = [
    'http://app.example/cb',
    'javascript:alert(1)',
    'data:text/html,<script>',
    'file:///etc/passwd',
    'intent://app.example/#Intent;end',
    'contoso-notes://callback',
    'https://user@app.example/cb',
    'https://app.example/cb#fragment',
    'https://app.example/a/%2e%2e/b',
    'https://äpp.example/cb',
    '/cb',
    'https://',
  ];
  for (const uri of refused) {
    const { status, text } = await registration({ redirect_uris: ['https://app.example/cb', uri] });
    expect([uri, status, JSON.parse(text).error]).toEqual([uri, 400, 'invalid_redirect_uri']);
  }
  // The scheme that the operator has named, and no other.
  expect((await registration({ redirect_uris: ['contoso-notes://callback'] }, deployed)).status).toBe(201);
  expect((await registration({ redirect_uris: ['fabrikam-notes://callback'] }, deployed)).status).toBe(400);
});

test('AS-23 a redirect URI matches to the byte, the port of a loopback URI aside', async () => {
  const registered = 'https://app.example/Callback?tenant=1';
  const exact = await registerWeb(server, { redirect_uris: [registered] });
  const opens = async (asked: Client, redirect_uri: string) => {
    const { status, location } = await authorize(asked, { redirect_uri });
    expect(location, redirect_uri).toBeNull();
    return status === 200;
  };
  expect(await opens(exact, registered)).toBe(true);
  for (const other of [
    'https://app.example/Callback',
    'https://app.example/callback?tenant=1',
    'https://app.example/Callback/?tenant=1',
    'https://app.example/Callback?tenant=1&x=2',
    'https://app.example/Callback?tenant=12',
    'https://app.example/Callback?tenant=1#x',
    'https://app.example/%43allback?tenant=1',
    'https://app.example/x/../Callback?tenant=1',
    'https://app.example:443/Callback?tenant=1',
    'https://app.example:8443/Callback?tenant=1',
    'HTTPS://app.example/Callback?tenant=1',
    'https://APP.example/Callback?tenant=1',
    'https://app.example.evil.example/Callback?tenant=1',
    'https://app.example@evil.example/Callback?tenant=1',
    'http://app.example/Callback?tenant=1',
  ]) {
    expect(await opens(exact, other), other).toBe(false);
  }
  // Registered with port 33418.
  for (const port of ['', ':1', ':65535']) expect(await opens(client, `http://localhost${port}/callback`)).toBe(true);
  for (const other of [
    'http://127.0.0.1:33418/callback',
    'http://localhost:33418/callback/',
    'http://localhost:33418/Callback',
    'http://localhost:33418/callback?x=1',
    'http://localhost:33418@evil.example/callback',
    'http://localhost:65536/callback',
    'https://localhost:33418/callback',
    'http://localhost.evil.example:33418/callback',
  ]) {
    expect(await opens(client, other), other).toBe(false);
  }
});

/** What could be wrong with a request, each with a redirect URI that is not the client's. */
const elsewhere = { redirect_uri: 'https://evil.example/steal' };
const strayRequests: Record<string, string | undefined>[] = [
  elsewhere,
  { ...elsewhere, response_type: 'token' },
  { ...elsewhere, response_mode: 'fragment' },
  { ...elsewhere, code_challenge: undefined },
  { ...elsewhere, scope: 'unknown' },
  { ...elsewhere, resource: 'https://evil.example/mcp' },
  { ...elsewhere, prompt: 'none' },
  { ...elsewhere, client_id: `pc.${'A'.repeat(43)}` },
  { ...elsewhere, client_id: undefined },
  { redirect_uri: 'javascript:alert(1)' },
  { redirect_uri: '//evil.example/steal' },
];

test('AS-24 no answer ever redirects to a URI that did not validate', async () => {
  for (const change of strayRequests) {
    expect(await authorize(web, change), JSON.stringify(change)).toMatchObject({ status: 400, location: null });
  }
  // Nor at the doors behind it, whatever is added to their own parameters.
  const atConsent = await openConsent(server, web, WEB);
  const stray = { redirect_uri: elsewhere.redirect_uri, client_id: 'https://evil.example/client' };
  const denied = await atConsent.browser.submit(atConsent.page, {
    button: DENY,
    fields: stray,
    stopAt: backAtWebClient,
  });
  expect(denied.url).toMatch(/^https:\/\/app\.example\/callback\?/);
  const login = await send(`${server.origin}/auth/login?redirect_uri=${elsewhere.redirect_uri}`);
  expect(login.location).toMatch(`${server.entra.url}/`);
  expect(login.location).not.toContain('evil.example');
  const callback = `${server.origin}/auth/callback?error=access_denied&redirect_uri=${elsewhere.redirect_uri}`;
  for (const state of ['', '&state=unknown']) expect((await send(callback + state)).location).toBeNull();
  // And a client without a choice of redirect URIs is sent to its own one.
  expect((await authorize(web, { redirect_uri: undefined })).status).toBe(200);
});

test('AS-25 instead there is a page that says what happened, and leads nowhere by itself', async () => {
  for (const change of strayRequests) {
    const { headers, text } = await authorize(web, change);
    expect(headers.get('content-type')).toContain('text/html');
    expect(headers.get('refresh')).toBeNull();
    expect(text).not.toMatch(/http-equiv|<form|<script|href="(?!data:)/);
    expect(textOf(text)).toMatch(/\b[0-9a-f]{32}\b/);
  }
});

test('AS-26 resource: accepted at authorize and token, bound into the audience, another is invalid_target', async () => {
  const foreign = 'https://other.example/mcp';
  const refused = await send(authorizationUrl(server, client, { resource: foreign }).url, {
    headers: { accept: 'application/json' },
  });
  expect([refused.status, refused.location, JSON.parse(refused.text).error]).toEqual([400, null, 'invalid_target']);

  for (const resource of [server.mcpUrl, undefined]) {
    const form = codeForm(client, await obtainCode(server, client, 'ada', { resource }));
    const wrong = await token(server, { ...form, resource: foreign });
    expect(wrong).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    // Nothing was consumed by that.
    const { body } = await token(server, { ...form, resource });
    expect(claimsOf(body.access_token).aud).toBe(server.mcpUrl);
    const renewal = refreshForm(client, body.refresh_token);
    expect((await token(server, { ...renewal, resource: foreign })).body.error).toBe('invalid_target');
    const renewed = await token(server, { ...renewal, resource });
    expect(claimsOf(renewed.body.access_token).aud).toBe(server.mcpUrl);
  }
});

test('AS-27 a client registers itself (RFC 7591) and signs in with the id that it got', async () => {
  const { registration_endpoint } = await documentAt(server, AS_METADATA);
  expect(registration_endpoint).toBe(`${server.origin}/oauth/register`);
  const metadata = {
    client_name: 'Registered',
    redirect_uris: ['http://127.0.0.1:4000/cb', 'https://app.example/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  const { status, headers, text } = await registration(metadata);
  const answer = JSON.parse(text) as Client & { client_id_issued_at: number };
  expect([status, headers.get('cache-control')]).toEqual([201, expect.stringContaining('no-store')]);
  expect(answer).toMatchObject(metadata);
  expect(answer.client_id_issued_at).toBe(Math.floor(server.clock.now / 1000));

  const atConsent = await openConsent(server, answer, { redirect_uri: 'https://app.example/cb' });
  const back = await openToClient(atConsent.browser, await toCallback(server, atConsent));
  const code = { code: back.searchParams.get('code') ?? '', verifier: atConsent.verifier };
  const form = { ...codeForm(answer, code), redirect_uri: 'https://app.example/cb' };
  expect((await token(server, form)).status).toBe(200);

  const problems: [Record<string, unknown>, string][] = [
    [{ redirect_uris: [] }, 'invalid_redirect_uri'],
    [{ redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    [{ redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'magic' }, 'invalid_client_metadata'],
  ];
  for (const [body, error] of problems) {
    const bad = await registration(body);
    expect([bad.status, JSON.parse(bad.text).error]).toEqual([400, error]);
  }
});

test('AS-28 a public client revokes its grant by either token, and no client another’s', async () => {
  const { revocation_endpoint } = await documentAt(server, AS_METADATA);
  expect(revocation_endpoint).toBe(`${server.origin}/oauth/revoke`);
  const other = await register(server, { client_name: 'Another' });
  for (const hint of ['refresh_token', 'access_token'] as const) {
    const { tokens } = await connect(server, 'ada', {}, client);
    for (const _instance of server.apps) expect(await works(tokens.access_token)).toBe(true);
    const form = { client_id: client.client_id, token: tokens[hint], token_type_hint: hint };
    await post(server, '/oauth/revoke', { ...form, client_id: other.client_id });
    for (const _instance of server.apps) expect(await works(tokens.access_token)).toBe(true);

    expect((await post(server, '/oauth/revoke', form)).status).toBe(200);
    server.clock.advance(30);
    for (const _instance of server.apps) expect(await works(tokens.access_token)).toBe(false);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
    // What is not known any more is no error (RFC 7009 section 2.2).
    expect((await post(server, '/oauth/revoke', form)).status).toBe(200);
  }
});
