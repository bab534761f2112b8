import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  type Client,
  callTool,
  codeForm,
  connect,
  obtainCode,
  post,
  refreshForm,
  register,
  type Tokens,
  token,
} from '../support/flows.ts';

/** Codes and tokens in the hands of another client, for another resource, or of another kind than is asked for. */
let server: AppServer;
let client: Client;
let confidential: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
  confidential = await register(server, { token_endpoint_auth_method: 'client_secret_basic' });
});
afterAll(() => server.stop());

const basic = ({ client_id, client_secret = '' }: Client) => ({
  authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
});
const of = (each: Client): [{ client_id: string | undefined }, Record<string, string>] =>
  each.client_secret ? [{ client_id: undefined }, basic(each)] : [{ client_id: each.client_id }, {}];

describe('another client', () => {
  /** Whose the code or token is, and who presents it, each well authenticated. */
  const pairs = (): [Client, Client][] => [
    [client, confidential],
    [confidential, client],
  ];

  test('gets nothing for a code, and does not spoil it', async () => {
    for (const [own, other] of pairs()) {
      const code = await obtainCode(server, own);
      const form = codeForm(own, code);
      const [id, headers] = of(other);
      expect((await token(server, { ...form, ...id }, headers)).body.error).toBe('invalid_grant');
      const [ownId, ownHeaders] = of(own);
      expect((await token(server, { ...form, ...ownId }, ownHeaders)).status).toBe(200);
    }
  });

  test('renews nothing and ends nothing, even with a token that was spent long ago', async () => {
    for (const [own, other] of pairs()) {
      const [ownId, ownHeaders] = of(own);
      const [id, headers] = of(other);
      const code = await obtainCode(server, own);
      const first = (await token(server, { ...codeForm(own, code), ...ownId }, ownHeaders)).body;
      const renewal = (each: string) => refreshForm(own, each);
      const second = (await token(server, { ...renewal(first.refresh_token), ...ownId }, ownHeaders)).body;
      server.clock.advance(60);
      for (const each of [first.refresh_token, second.refresh_token]) {
        expect((await token(server, { ...renewal(each), ...id }, headers)).body.error).toBe('invalid_grant');
      }
      const revoked = await post(server, '/oauth/revoke', { token: second.refresh_token, ...id }, headers);
      expect(revoked.status).toBe(400);
      expect((await token(server, { ...renewal(second.refresh_token), ...ownId }, ownHeaders)).status).toBe(200);
    }
  });

  test('that names itself in one way and proves itself in another is refused', async () => {
    const code = await obtainCode(server, client);
    const form = codeForm(client, code);
    // Basic of one client around the form of another: the client_id in the form is the code's.
    expect((await token(server, form, basic(confidential))).body.error).toBe('invalid_request');
    expect((await token(server, { ...form, client_id: confidential.client_id })).body.error).toBe('invalid_grant');
    expect((await token(server, { ...form, client_secret: confidential.client_secret })).status).toBe(200);
  });

  test('a confidential client cannot be had as a public one', async () => {
    const code = await obtainCode(server, confidential);
    for (const secret of [
      undefined,
      '',
      'x',
      `${confidential.client_secret}x`,
      confidential.client_secret?.slice(0, -1),
    ]) {
      const form = { ...codeForm(confidential, code), client_secret: secret };
      expect((await token(server, form)).body.error).toBe('invalid_client');
    }
    expect(
      (await token(server, { ...codeForm(confidential, code), client_id: undefined }, basic(confidential))).status,
    ).toBe(200);
  });
});

describe('another resource', () => {
  const RESOURCES = [
    'https://other.example/mcp',
    'http://localhost/mcp',
    'ORIGIN.evil.example/mcp',
    'ORIGIN@evil.example/mcp',
    'ORIGIN/mcp/other',
    'ORIGIN/mcp?x=1',
    'ORIGIN/mcp#x',
    'ORIGIN/other',
    'ORIGIN/mcp/../other',
    '*',
    'mcp',
    'urn:x',
  ];
  const named = (resource: string) => resource.replace('ORIGIN', server.origin);

  test.each(RESOURCES)('%s is invalid_target everywhere, and nothing is consumed', async each => {
    const resource = named(each);
    const code = await obtainCode(server, client);
    expect((await token(server, { ...codeForm(client, code), resource })).body.error).toBe('invalid_target');
    const { status, body } = await token(server, { ...codeForm(client, code), resource: server.mcpUrl });
    expect(status).toBe(200);
    const renewal = refreshForm(client, body.refresh_token);
    expect((await token(server, { ...renewal, resource })).body.error).toBe('invalid_target');
    expect((await token(server, { ...renewal, resource: server.mcpUrl })).status).toBe(200);
  });

  test('beside ours, in a second parameter, is refused and nothing is consumed', async () => {
    const code = await obtainCode(server, client);
    const form = new URLSearchParams(codeForm(client, code) as Record<string, string>);
    for (const resource of [server.mcpUrl, 'https://other.example']) form.append('resource', resource);
    const response = await fetch(`${server.origin}/oauth/token`, { method: 'POST', body: form });
    expect(response.status).toBe(400);
    expect((await token(server, codeForm(client, code))).status).toBe(200);
  });
});

describe('a thing of ours of another kind', () => {
  let tokens: Tokens;
  let things: Record<string, string>;
  let unused: Awaited<ReturnType<typeof obtainCode>>;
  beforeAll(async () => {
    ({ tokens } = await connect(server, 'ada', {}, client));
    unused = await obtainCode(server, client);
    const browser = new Browser();
    const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), 'ada');
    const cookies = browser.cookies.header(new URL(server.origin), false, false) ?? '';
    things = {
      'an access token': tokens.access_token,
      'a refresh token': tokens.refresh_token,
      'a code': unused.code,
      'a session': /mcp-session-\d+=([^;]+)/.exec(cookies)?.[1] ?? '',
      'a binding': /mcp-signin-\d+=([^;]+)/.exec(cookies)?.[1] ?? '',
      'a form’s token': /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '',
      'a client’s secret': confidential.client_secret ?? '',
    };
  });
  const KINDS = [
    'an access token',
    'a refresh token',
    'a code',
    'a session',
    'a binding',
    'a form’s token',
    'a client’s secret',
  ];
  const others = (kind: string) => KINDS.filter(each => each !== kind).map(each => [each, things[each] ?? ''] as const);

  test('is no bearer token', async () => {
    for (const [kind, thing] of others('an access token')) {
      expect(thing, kind).not.toBe('');
      expect([kind, (await callTool(server, thing, 'calculate_sum', { numbers: [1] })).status]).toEqual([kind, 401]);
    }
  });

  test('is no code', async () => {
    for (const [kind, code] of others('a code')) {
      const { body } = await token(server, { ...codeForm(client, unused), code });
      expect([kind, body.error]).toEqual([kind, 'invalid_grant']);
    }
    const script = await token(server, {
      ...codeForm(client, unused),
      code: `ac${things['a refresh token']?.slice(2)}`,
    });
    expect(script.body.error).toBe('invalid_grant');
  });

  test('is no refresh token', async () => {
    for (const [kind, thing] of others('a refresh token')) {
      expect([kind, (await token(server, refreshForm(client, thing))).body.error]).toEqual([kind, 'invalid_grant']);
    }
  });

  test('is no session', async () => {
    const name = `mcp-session-${new URL(server.origin).port}`;
    for (const [, thing] of others('a session')) {
      const page = await fetch(`${server.origin}/account`, { headers: { cookie: `${name}=${thing}` } });
      expect(await page.text()).not.toContain('Ada Lovelace');
    }
  });

  test('revokes nothing but as what it is', async () => {
    for (const [, thing] of others('a refresh token').filter(([kind]) => kind !== 'an access token')) {
      const response = await post(server, '/oauth/revoke', { token: thing, client_id: client.client_id });
      expect(response.status).toBe(200);
    }
    expect((await token(server, codeForm(client, unused))).status).toBe(200);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });
});

test('a token for scripts, which belongs to no client, is nobody’s to renew or to revoke', async () => {
  const browser = new Browser();
  const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), 'ada');
  const issued = await browser.submit(page, { button: 'action=issue-token' });
  const script = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(issued.html)?.[0] ?? '';
  expect(script).not.toBe('');
  for (const each of [client, confidential]) {
    const [id, headers] = of(each);
    expect((await post(server, '/oauth/revoke', { token: script, ...id }, headers)).status).toBe(400);
  }
  const stolen = await post(server, '/oauth/revoke', { token: script, client_id: 'landing-page' });
  expect(stolen.status).toBe(200);
  server.clock.advance(31);
  // Whoever holds it may end it, as RFC 7009 means it: by the name of its client that is in the token.
  expect((await callTool(server, script, 'calculate_sum', { numbers: [1] })).status).toBe(401);
});
