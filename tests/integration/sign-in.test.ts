import {
  Client as NewClient,
  StreamableHTTPClientTransport as NewTransport,
  UnauthorizedError as NewUnauthorized,
} from '@modelcontextprotocol/client';
import { UnauthorizedError as OldUnauthorized } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import type { PersonName } from '../../dev/entra/people.ts';
import type { Credentials } from '../../examples/client/credentials.ts';
import { startReceiver } from '../../examples/client/loopback.ts';
import { SignIn } from '../../examples/client/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { approveAndSignIn, callTool, connect, mcp, REDIRECT_URI } from '../support/flows.ts';

/** Whole sign-ins by clients that others wrote, over two instances that take the requests in turn. */
let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
});
afterAll(() => server.stop());

/** What a client and its person need: a loopback receiver, credentials in memory, and a browser. */
async function person(who: PersonName, remembered: Credentials = {}) {
  const receiver = await startReceiver();
  let kept = remembered;
  const signIn = new SignIn({
    clientName: 'A client',
    receiver,
    store: {
      load: async () => kept,
      save: async credentials => {
        kept = credentials;
      },
    },
    show: async url => {
      const back = await approveAndSignInAnywhere(url.href, who);
      await fetch(back);
    },
  });
  const code = async () => (await signIn.answer()).get('code') ?? '';
  return { signIn, code, answer: () => signIn.answer(), close: () => receiver.close() };
}

async function approveAndSignInAnywhere(url: string, who: PersonName): Promise<string> {
  const redirectUri = new URL(url).searchParams.get('redirect_uri') ?? '';
  return approveAndSignIn(new Browser(), url, who, back => back.startsWith(redirectUri));
}

const TOOLS = [
  'calculate_sum',
  'delete_user_note',
  'export_user_notes',
  'get_server_info',
  'get_user_notes',
  'get_user_profile',
  'save_user_note',
];

interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<{ [member: string]: unknown }>;
}

/** The tools, as a person would use them. */
async function useAllTools(client: AnyClient, email: string) {
  const call = async (name: string, args = {}) =>
    (await client.callTool({ name, arguments: args })).structuredContent as Record<string, unknown>;
  expect((await client.listTools()).tools.map(tool => tool.name).sort()).toEqual(TOOLS);
  expect(await call('get_user_profile')).toMatchObject({ email });
  const saved = await call('save_user_note', { note: 'Bring bread' });
  expect(await call('get_user_notes')).toMatchObject({ notes: [{ note: 'Bring bread' }] });
  expect(await call('delete_user_note', { id: saved.id })).toMatchObject({ deleted: true });
  expect(await call('get_user_notes')).toMatchObject({ notes: [] });
  expect(await call('calculate_sum', { numbers: [1, 2, 3.5] })).toMatchObject({ sum: 6.5 });
  expect(await call('get_server_info')).toMatchObject({ storage_reachable: true });
}

describe('a complete sign-in and the tools', () => {
  test.each([
    ['the newest revision', { mode: 'auto' }, '2026-07-28'],
    ['an older revision', { mode: 'legacy' }, '2025-11-25'],
  ] as const)('by @modelcontextprotocol/client 2.x in %s', async (_name, versionNegotiation, revision) => {
    const ada = await person('ada');
    const client = new NewClient({ name: 'test', version: '1' }, { versionNegotiation });
    const transport = () => new NewTransport(new URL(server.mcpUrl), { authProvider: ada.signIn });
    const first = transport();
    await expect(client.connect(first)).rejects.toBeInstanceOf(NewUnauthorized);
    await first.finishAuth(await ada.answer());
    await client.connect(transport());
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    await useAllTools(client, server.entra.people.ada.username);
    await client.close();
    await ada.close();
  });

  test('by @modelcontextprotocol/sdk 1.x', async () => {
    const grace = await person('grace');
    const client = new OldClient({ name: 'test', version: '1' });
    const transport = () => new OldTransport(new URL(server.mcpUrl), { authProvider: grace.signIn });
    const first = transport();
    await expect(client.connect(first)).rejects.toBeInstanceOf(OldUnauthorized);
    await first.finishAuth(await grace.code());
    await client.connect(transport());
    await useAllTools(client, server.entra.people.grace.username);
    await client.close();
    await grace.close();
  });

  test.each([
    ['none', oauth.None],
    ['client_secret_basic', oauth.ClientSecretBasic],
    ['client_secret_post', oauth.ClientSecretPost],
  ])('by oauth4webapi, which holds to the letter of the RFCs, as a client of %s', async (method, authenticated) => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const resource = await oauth.processResourceDiscoveryResponse(
      new URL(server.mcpUrl),
      await oauth.resourceDiscoveryRequest(new URL(server.mcpUrl), insecure),
    );
    const issuer = new URL(resource.authorization_servers?.[0] ?? '');
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
    );
    const metadata = {
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: method,
      grant_types: ['authorization_code', 'refresh_token'],
    };
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(as, metadata, insecure),
    );
    const authentication = authenticated(String(client.client_secret));

    // Nothing is pushed ahead here, and the metadata does not say so (RFC 9126 section 5).
    await expect(oauth.pushedAuthorizationRequest(as, client, authentication, {}, insecure)).rejects.toThrow(
      /pushed_authorization_request_endpoint/,
    );
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'profile',
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      resource: server.mcpUrl,
    }).toString();
    const back = await approveAndSignIn(new Browser(), url.href, 'ada');
    const parameters = oauth.validateAuthResponse(as, client, new URL(back), state);

    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(as, client, authentication, parameters, REDIRECT_URI, verifier, {
        additionalParameters: { resource: server.mcpUrl },
        ...insecure,
      }),
    );
    const claims = await oauth.validateJwtAccessToken(
      as,
      new Request(server.mcpUrl, { headers: { authorization: `Bearer ${tokens.access_token}` } }),
      server.mcpUrl,
      insecure,
    );
    expect(claims).toMatchObject({ scope: 'profile', client_id: client.client_id });

    const renewed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token ?? '', insecure),
    );
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, authentication, renewed.refresh_token ?? '', insecure),
    );
    await expect(
      oauth
        .refreshTokenGrantRequest(as, client, authentication, renewed.refresh_token ?? '', insecure)
        .then(response => oauth.processRefreshTokenResponse(as, client, response)),
    ).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('by the example client, though the server has forgotten its registration', async () => {
    const forgotten = { client_id: `pc.${'A'.repeat(43)}`, redirect_uris: [REDIRECT_URI] };
    const ada = await person('ada', { client: forgotten });
    const client = new NewClient({ name: 'test', version: '1' });
    const transport = () => new NewTransport(new URL(server.mcpUrl), { authProvider: ada.signIn });
    const first = transport();
    await expect(client.connect(first)).rejects.toBeInstanceOf(NewUnauthorized);
    await first.finishAuth(await ada.answer());
    await client.connect(transport());
    expect((await client.listTools()).tools).toHaveLength(TOOLS.length);
    await client.close();
    await ada.close();
  });

  test('"no" at Entra is told to the client', async () => {
    const cancelled = await person('disabled');
    const client = new NewClient({ name: 'test', version: '1' });
    const transport = new NewTransport(new URL(server.mcpUrl), { authProvider: cancelled.signIn });
    await expect(client.connect(transport)).rejects.toBeInstanceOf(NewUnauthorized);
    const answer = await cancelled.answer();
    expect(answer.get('error')).toBe('access_denied');
    expect(answer.get('error_description')).toContain('AADSTS50057');
    await cancelled.close();
  });
});

describe('one person and another', () => {
  test('cannot read, list or delete each other’s notes, by tool or by resource', async () => {
    const [ada, grace] = [await connect(server, 'ada'), await connect(server, 'grace')];
    const asAda = (name: string, args = {}) => callTool(server, ada.tokens.access_token, name, args);
    const asGrace = (name: string, args = {}) => callTool(server, grace.tokens.access_token, name, args);
    const saved = await asAda('save_user_note', { note: 'for Ada alone' });
    const id = saved.body.result?.structuredContent?.id as string;

    expect(JSON.stringify((await asGrace('get_user_notes')).body)).not.toContain('for Ada alone');
    expect((await asGrace('get_user_notes', { cursor: id })).body.result?.structuredContent?.notes ?? []).toEqual([]);
    expect((await asGrace('delete_user_note', { id })).body.result?.structuredContent).toMatchObject({
      deleted: false,
    });
    const read = async (accessToken: string, method: string, params: object) =>
      JSON.stringify((await mcp(server, accessToken, method, params)).body);
    for (const [method, params] of [
      ['resources/read', { uri: `note://${id}` }],
      ['resources/list', {}],
    ] as const) {
      expect(await read(ada.tokens.access_token, method, params)).toContain('for Ada alone');
      expect(await read(grace.tokens.access_token, method, params)).not.toContain('for Ada alone');
    }
    expect(JSON.stringify((await asAda('get_user_notes')).body)).toContain('for Ada alone');
  });
});

test('a person keeps as many notes as the setting says, and is told so', async () => {
  const small = await startAppServer({ settings: { NOTES_PER_PERSON: '2' } });
  const { tokens } = await connect(small);
  const save = async () => (await callTool(small, tokens.access_token, 'save_user_note', { note: 'x' })).body.result;
  expect([(await save())?.isError, (await save())?.isError]).toEqual([undefined, undefined]);
  const third = await save();
  expect(third?.isError).toBe(true);
  expect(third?.content[0]?.text).toContain('as many notes as you may');
  await small.stop();
});

test('an access token of Entra’s own opens nothing here (RS-39)', async () => {
  const { entra } = server;
  const url = new URL(`${entra.url}/${entra.tenantId}/oauth2/v2.0/authorize`);
  const redirect = `${server.origin}/auth/callback`;
  url.search = new URLSearchParams({
    client_id: entra.clientId,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid profile',
    nonce: 'n',
  }).toString();
  const browser = new Browser();
  const picker = await browser.open(url.href);
  const back = await browser.submit(picker, { button: 'person=ada', stopAt: at => at.startsWith(redirect) });
  const response = await fetch(`${entra.url}/${entra.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: entra.clientId,
      client_secret: entra.clientSecret ?? '',
      code: new URL(back.url).searchParams.get('code') ?? '',
      redirect_uri: redirect,
    }),
  });
  const tokens = (await response.json()) as { access_token: string; id_token: string };
  for (const foreign of [tokens.access_token, tokens.id_token]) {
    expect(foreign.split('.')).toHaveLength(3);
    expect((await callTool(server, foreign, 'calculate_sum', { numbers: [1] })).status).toBe(401);
  }
});
