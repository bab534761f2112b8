/** What clients do that are built on libraries, and the libraries themselves: one test for each habit. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { signInAs } from '../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { callTool, connect, mcp, token } from '../support/flows.ts';
import { type StorageProxy, startStorageProxy } from '../support/storage-faults.ts';
import { Application, LIBRARIES } from './support/application.ts';
import { RECORDED, type RecordedClient } from './support/recorded.ts';
import {
  ask,
  authorization,
  discover,
  registerAs,
  registrationOf,
  renewalForm,
  signIn,
  useTools,
} from './support/steps.ts';
import { send } from './support/wire.ts';

const PREREGISTERED = {
  client_id: 'mastra-app',
  client_name: 'An application on Mastra',
  redirect_uris: ['http://localhost:4111/callback'],
};

/** Storage answers, and serves nothing: an outage that the tables client does not try to sit out. */
const OUTAGE = { matches: () => true, status: 403 };

/** Two instances that share storage and take the requests in turn. */
let server: AppServer;
let storage: StorageProxy;
beforeAll(async () => {
  // SDK 2 says there what it does.
  vi.spyOn(console, 'warn').mockReturnValue();
  server = await startAppServer({
    instances: 2,
    settings: { PREREGISTERED_CLIENTS: JSON.stringify([PREREGISTERED]) },
    connectionString: async own => {
      storage = await startStorageProxy(own);
      return storage.connectionString;
    },
  });
});
afterAll(async () => {
  await server.stop();
  await storage.stop();
});

const works = async (accessToken: string) => (await mcp(server, accessToken, 'tools/list', {})).status === 200;

describe('mcp-remote', () => {
  const client = RECORDED['mcp-remote'];

  test('mcp-remote: registers for Basic where that is offered alone, and sends no client_id then', async () => {
    const discovered = await discover(server, client);
    const metadata = { ...registrationOf(client, 52_001), token_endpoint_auth_method: 'client_secret_basic' };
    const { body: registered } = await registerAs(server, metadata);
    expect(registered).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: expect.any(String),
      client_secret_expires_at: 0,
    });
    const { client_id, client_secret = '' } = registered;
    const { url, verifier } = authorization(server, client, discovered, { registered, port: 52_001 });
    const browser = new Browser();
    const stopAt = (at: string) => at.startsWith(client.redirectUri(52_001));
    const picker = await browser.submit(await browser.open(url), { button: 'decision=approve' });
    const back = new URL((await signInAs(browser, picker, 'ada', { stopAt })).url);
    const form = {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      code_verifier: verifier,
      redirect_uri: client.redirectUri(52_001),
      resource: discovered.resource,
    };
    const basic = (secret: string) => ({ authorization: `Basic ${btoa(`${client_id}:${secret}`)}` });
    expect((await token(server, form)).body.error).toBe('invalid_client');
    expect((await token(server, form, basic('wrong'))).body.error).toBe('invalid_client');
    const { status, body } = await token(server, form, basic(client_secret));
    expect([status, await works(body.access_token)]).toEqual([200, true]);
  });

  test('mcp-remote: asks for the union of scopes on a 403, and repeats the call', async () => {
    const narrow = await signIn(server, client, { change: { scope: 'profile' } });
    const save = (accessToken: string) => callTool(server, accessToken, 'save_user_note', { note: 'x' });
    const refused = await save(narrow.tokens.access_token);
    const [, scope = ''] = /scope="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '') ?? [];
    expect([refused.status, scope.split(' ').sort()]).toEqual([403, ['notes:write', 'profile']]);
    const { registered } = narrow;
    const wider = await signIn(server, client, { registered, change: { scope: `${scope} offline_access` } });
    expect((await save(wider.tokens.access_token)).status).toBe(200);
  });

  test('mcp-remote: opens two windows at once after a failed renewal, and both finish', async () => {
    const discovered = await discover(server, client);
    const { body: registered } = await registerAs(server, registrationOf(client, 52_002));
    const asked = [1, 2].map(() => authorization(server, client, discovered, { registered, port: 52_002 }));
    const browser = new Browser();
    const stopAt = (at: string) => at.startsWith(client.redirectUri(52_002));
    const pages = [];
    for (const { url } of asked) pages.push(await browser.open(url));
    for (const [index, page] of pages.entries()) {
      let next = await browser.submit(page, { button: 'decision=approve', stopAt });
      if (!stopAt(next.url)) next = await signInAs(browser, next, 'ada', { stopAt });
      const { status } = await token(server, {
        grant_type: 'authorization_code',
        client_id: registered.client_id,
        code: new URL(next.url).searchParams.get('code') ?? '',
        code_verifier: asked[index]?.verifier,
        redirect_uri: client.redirectUri(52_002),
      });
      expect(status).toBe(200);
    }
  });

  test('mcp-remote: passes on its host’s older revision with Mcp-Method and Mcp-Name', async () => {
    const { tokens } = await signIn(server, client);
    const older: RecordedClient = {
      ...client,
      revision: '2025-06-18',
      mcpHeaders: { 'mcp-method': 'tools/call', 'mcp-name': 'calculate_sum' },
    };
    const { result } = await ask<{ structuredContent: { sum: number } }>(
      server,
      older,
      tokens.access_token,
      'tools/call',
      { name: 'calculate_sum', arguments: { numbers: [1, 2] } },
    );
    expect(result.structuredContent.sum).toBe(3);
  });
});

test.each(['2025-11-25', '2026-07-28'] as const)(
  'Inspector: in the era of %s, where no stream is declared',
  async revision => {
    const client: RecordedClient = { ...RECORDED.Inspector, revision };
    const { tokens, back } = await signIn(server, client);
    expect(back.port).toBe('6276');
    const { hello, sum } = await useTools(server, client, tokens.access_token);
    expect(JSON.stringify(hello.capabilities)).not.toContain('"listChanged":true');
    expect(sum).toBe(3);
  },
);

describe.each(Object.entries(LIBRARIES))('%s', (name, library) => {
  test(`${name}: signs in, and after the token’s time four calls at once renew it, without a second window`, async () => {
    const application = new Application();
    const connection = await library(server, application);
    expect(application.windows).toHaveLength(1);
    const first = application.tokens();
    server.clock.advance(3601);
    const sums = await Promise.all(
      [1, 2, 3, 4].map(
        async number => (await connection.call('calculate_sum', { numbers: [number] })).structuredContent,
      ),
    );
    expect(sums).toEqual([1, 2, 3, 4].map(sum => ({ sum, count: 1 })));
    expect(application.windows).toHaveLength(1);
    expect(application.thrownAway).toEqual([]);
    expect(application.tokens()?.refresh_token).not.toBe(first?.refresh_token);
    // And the token that they were left with renews again.
    server.clock.advance(3601);
    await connection.call('calculate_sum', { numbers: [5] });
    expect(application.windows).toHaveLength(1);
    await connection.close();
  });

  test(`${name}: keeps client and tokens through an outage at renewal`, async () => {
    const application = new Application();
    const connection = await library(server, application);
    const { refresh_token } = application.tokens() ?? {};
    server.clock.advance(3601);
    storage.refuse(OUTAGE);
    await connection.call('calculate_sum', { numbers: [1] }).catch(() => {});
    storage.refuse(undefined);
    expect(application.thrownAway).toEqual([]);
    expect(application.tokens()?.refresh_token).toBe(refresh_token);
    await connection.call('calculate_sum', { numbers: [1] });
    expect(application.tokens()?.refresh_token).not.toBe(refresh_token);
    await connection.close();
  });

  test(`${name}: throws its tokens away on invalid_grant alone, and that is said of ended grants alone`, async () => {
    const application = new Application();
    const connection = await library(server, application);
    const client_id = application.clientInformation()?.client_id ?? '';
    await fetch(`${server.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id, token: application.tokens()?.refresh_token ?? '' }),
    });
    server.clock.advance(3601);
    await connection.call('calculate_sum', { numbers: [1] }).catch(() => {});
    // The client itself is still known: it is not thrown away, and the same one signs in again.
    expect(application.thrownAway).toEqual(['tokens']);
    expect(application.windows).toHaveLength(2);
    expect(application.windows[1]?.searchParams.get('client_id')).toBe(client_id);
    await connection.finish();
    await connection.call('calculate_sum', { numbers: [1] });
    await connection.close();
  });
});

test('TypeScript SDK 1, LangChain, opencode, Inspector: can never step up, so the challenge names all scopes', async () => {
  const application = new Application();
  const connection = await LIBRARIES['TypeScript SDK 1'](server, application);
  expect(application.windows[0]?.searchParams.get('scope')).toBe('profile notes:read notes:write');
  expect((await connection.call('save_user_note', { note: 'x' })).isError).toBeFalsy();
  await connection.close();
});

test('TypeScript SDK 2: asks for more, the old scopes with it, when a call needs it', async () => {
  const application = new Application();
  application.leavesTicked = ['profile', 'notes:read', 'offline_access'];
  const connection = await LIBRARIES['TypeScript SDK 2'](server, application);
  application.leavesTicked = undefined;
  await connection.call('save_user_note', { note: 'x' }).catch(() => {});
  expect(application.windows).toHaveLength(2);
  const asked = application.windows[1]?.searchParams.get('scope')?.split(' ') ?? [];
  expect(asked).toEqual(expect.arrayContaining(['profile', 'notes:read', 'notes:write']));
  await connection.finish();
  expect((await connection.call('save_user_note', { note: 'x' })).isError).toBeFalsy();
  await connection.close();
});

test.each(['LangChain', 'AI SDK', 'TypeScript SDK 1', 'TypeScript SDK 2'] as const)(
  '%s: sends one renewal for each parallel call, and every answer is good',
  async name => {
    const signedIn = await signIn(server, RECORDED[name]);
    const form = renewalForm(RECORDED[name], signedIn);
    const answers = await Promise.all([1, 2, 3, 4].map(() => token(server, form)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    for (const { body } of answers) expect(await works(body.access_token)).toBe(true);
  },
);

test.each(['AI SDK', 'C# SDK'] as const)(
  '%s: opens a new sign-in on 503 at renewal, so that comes of an outage alone, says when to come again, and costs nothing',
  async name => {
    const signedIn = await signIn(server, RECORDED[name]);
    const form = renewalForm(RECORDED[name], signedIn);
    storage.refuse(OUTAGE);
    const refused = await token(server, form);
    storage.refuse(undefined);
    expect([refused.status, refused.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await token(server, form)).status).toBe(200);
  },
);

test('Mastra: never registers, so the operator registers it', async () => {
  const { tokens } = await connect(
    server,
    'ada',
    { redirect_uri: 'http://localhost:4111/callback', scope: 'profile notes:read notes:write offline_access' },
    { client_id: PREREGISTERED.client_id },
  );
  expect(await works(tokens.access_token)).toBe(true);
});

describe('C# SDK', () => {
  const client = RECORDED['C# SDK'];

  test('C# SDK: sends every body in chunks, without a Content-Length', async () => {
    const { tokens } = await signIn(server, client);
    expect(client.chunked).toBe(true);
    expect((await useTools(server, client, tokens.access_token)).sum).toBe(3);
  });

  test('C# SDK: registers for client_secret_post, and its secret is asked for', async () => {
    const signedIn = await signIn(server, client);
    const { registered } = signedIn;
    expect(registered.client_secret).toBeTruthy();
    const form = renewalForm(client, signedIn);
    for (const client_secret of [undefined, 'wrong']) {
      const { status, body } = await token(server, { ...form, client_secret });
      expect([status, body.error]).toEqual([401, 'invalid_client']);
    }
    expect((await token(server, form)).status).toBe(200);
  });

  test('C# SDK: sorts its scopes, and their order means nothing', async () => {
    const { exchange, tokens } = await signIn(server, client);
    expect(exchange.resource).toBe(server.mcpUrl);
    expect(tokens.scope.split(' ').sort()).toEqual(['notes:read', 'notes:write', 'profile']);
  });

  test('C# SDK: discovers without Accept and User-Agent', async () => {
    for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-authorization-server']) {
      const response = await send(server.origin + path);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    }
  });
});
