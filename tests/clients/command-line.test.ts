/** What single command-line clients do, one test for each habit. */
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { claimsOf, mcp, post, token } from '../support/flows.ts';
import { RECORDED } from './support/recorded.ts';
import {
  ask,
  authorization,
  discover,
  registerAs,
  registrationOf,
  renewalForm,
  say,
  signIn,
  useTools,
} from './support/steps.ts';
import { send } from './support/wire.ts';

const DAY = 86_400;

/** Two instances that share storage and take the requests in turn. */
let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
});
afterAll(() => server.stop());

/** What the MCP endpoint answers, on each instance. */
async function statusesWith(accessToken: string): Promise<number[]> {
  const statuses: number[] = [];
  for (const _instance of server.apps) statuses.push((await mcp(server, accessToken, 'tools/list', {})).status);
  return statuses;
}

/** Lets two months pass, with the purge at the end of each. */
async function passTwoMonths(): Promise<void> {
  for (let month = 0; month < 2; month++) {
    server.clock.advance(31 * DAY);
    await server.apps[0]?.purge();
  }
}

describe('Claude Code', () => {
  const client = RECORDED['Claude Code'];

  test('Claude Code: comes back to another port of this machine each time', async () => {
    const { registered } = await signIn(server, client, { port: 50_001 });
    const { back } = await signIn(server, client, { port: 50_002, registered });
    expect(back.port).toBe('50002');
  });

  test.each([
    ['the endpoint', () => server.mcpUrl],
    ['the origin', () => server.origin],
    ['the origin plus a slash, which is how it writes an origin', () => `${server.origin}/`],
  ])('Claude Code: %s as resource names this server', async (_name, resource) => {
    const signedIn = await signIn(server, client, { change: { resource: resource() } });
    expect(claimsOf(signedIn.tokens.access_token).aud).toBe(server.mcpUrl);
    expect((await token(server, renewalForm(client, signedIn))).status).toBe(200);
  });

  test('Claude Code: has well over the 5 minutes below which it renews before every request', async () => {
    const { tokens } = await signIn(server, client);
    expect(tokens.expires_in).toBeGreaterThanOrEqual(10 * 60);
    // And the answer is true: the token works to its last second, and no longer.
    server.clock.advance(tokens.expires_in - 1);
    expect(await statusesWith(tokens.access_token)).toEqual([200, 200]);
    server.clock.advance(1);
    expect(await statusesWith(tokens.access_token)).toEqual([401, 401]);
  });

  test('Claude Code: repeats an exchange with the same code, and is answered alike', async () => {
    const { exchange, tokens } = await signIn(server, client);
    const { status, body } = await token(server, exchange);
    expect([status, body.refresh_token]).toEqual([200, tokens.refresh_token]);
    for (const each of [tokens, body]) expect(await statusesWith(each.access_token)).toEqual([200, 200]);
  });

  test('Claude Code: revokes both tokens at logout, as a public client, after a look at the root metadata', async () => {
    const { registered, tokens } = await signIn(server, client);
    const root = await send(`${server.origin}/.well-known/oauth-protected-resource`);
    expect(((await root.json()) as { resource: string }).resource).toBe(server.mcpUrl);
    for (const [hint, value] of [
      ['refresh_token', tokens.refresh_token],
      ['access_token', tokens.access_token],
    ]) {
      const form = { client_id: registered.client_id, token: value, token_type_hint: hint };
      expect((await post(server, '/oauth/revoke', form)).status).toBe(200);
    }
    server.clock.advance(30);
    expect(await statusesWith(tokens.access_token)).toEqual([401, 401]);
  });

  test.each(['Claude Code', 'Copilot CLI', 'C# SDK'] as const)(
    '%s: is lost when its registration is forgotten, and one that was used never is',
    async name => {
      const known = RECORDED[name];
      const { registered } = await signIn(server, known);
      await passTwoMonths();
      const { tokens } = await signIn(server, known, { registered });
      expect(await statusesWith(tokens.access_token)).toEqual([200, 200]);
    },
  );
});

describe('Codex', () => {
  const client = RECORDED.Codex;

  test.each(['GET', 'HEAD', 'POST'])(
    'Codex: begins each run without its token; %s then gets the challenge',
    async method => {
      const { status, headers } = await send(server.mcpUrl, { method, headers: { accept: 'text/event-stream' } });
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toContain(`resource_metadata="${server.origin}/.well-known/`);
    },
  );

  test('Codex: goes on after the 405 that an authorized GET is answered', async () => {
    const { tokens } = await signIn(server, client);
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${tokens.access_token}` };
    expect((await send(server.mcpUrl, { headers })).status).toBe(405);
    expect((await useTools(server, client, tokens.access_token)).sum).toBe(3);
  });

  test('Codex: keeps to /callback, for iss is advertised and sent, in refusals too', async () => {
    const discovered = await discover(server, client);
    expect(discovered.server.authorization_response_iss_parameter_supported).toBe(true);
    const { body: registered } = await registerAs(server, registrationOf(client, 50_003));
    const { url } = authorization(server, client, discovered, { registered, port: 50_003 });
    const browser = new Browser();
    const { url: back } = await browser.submit(await browser.open(url), {
      button: 'decision=deny',
      stopAt: at => at.startsWith(client.redirectUri(50_003)),
    });
    const { searchParams } = new URL(back);
    expect([searchParams.get('error'), searchParams.get('iss')]).toEqual(['access_denied', server.origin]);
    // It then begins again by itself: second registration, second window.
    const again = await signIn(server, client, { port: 50_004, browser });
    expect(again.registered.client_id).toBe(registered.client_id);
  });

  test('Codex: asks for offline_access in a renewal though it was never granted, and gets what it had', async () => {
    const signedIn = await signIn(server, client, { change: { scope: 'profile notes:read' } });
    expect(signedIn.tokens.scope).not.toContain('offline_access');
    const form = renewalForm(client, signedIn);
    expect(form.scope).toContain('offline_access');
    const { status, body } = await token(server, form);
    expect([status, body.scope]).toEqual([200, 'profile notes:read']);
  });

  test('Codex: puts its session data into _meta', async () => {
    const { tokens } = await signIn(server, client);
    const { result } = await ask<{ structuredContent: { sum: number } }>(
      server,
      client,
      tokens.access_token,
      'tools/call',
      {
        name: 'calculate_sum',
        arguments: { numbers: [1, 2] },
        _meta: { 'x-codex-turn-metadata': { session_id: '0', sandbox: 'none' }, progressToken: 0 },
      },
    );
    expect(result.structuredContent.sum).toBe(3);
  });
});

describe('Copilot CLI', () => {
  const client = RECORDED['Copilot CLI'];

  test('Copilot CLI: refuses a call if the list of tools changed around it', async () => {
    const { tokens } = await signIn(server, client);
    const list = async () => (await ask(server, client, tokens.access_token, 'tools/list')).result;
    const before = await list();
    await ask(server, client, tokens.access_token, 'tools/call', { name: 'save_user_note', arguments: { note: 'x' } });
    expect(await list()).toEqual(before);
  });

  test('Copilot CLI: opens a stream where listChanged is declared, so it is not', async () => {
    const { tokens } = await signIn(server, client);
    const { hello } = await useTools(server, client, tokens.access_token);
    expect(JSON.stringify(hello.capabilities)).not.toContain('"listChanged":true');
    const listen = await ask(server, client, tokens.access_token, 'subscriptions/listen', { notifications: {} });
    expect([listen.status, listen.error?.code]).toEqual([404, -32601]);
  });

  test('Copilot CLI: has well over the one minute below which it renews', async () => {
    const signedIn = await signIn(server, client);
    const { body } = await token(server, renewalForm(client, signedIn));
    expect(body.expires_in).toBeGreaterThan(10 * 60);
  });
});

describe('Gemini CLI', () => {
  const client = RECORDED['Gemini CLI'];

  test('Gemini CLI: asks for all that the server knows, offline_access with it', async () => {
    const { challenged, server: metadata } = await discover(server, client);
    expect(client.scope(challenged, metadata.scopes_supported)).toEqual([...challenged, 'offline_access']);
    const { tokens } = await signIn(server, client);
    expect(tokens.scope).toBe(challenged.join(' '));
  });

  test('Gemini CLI: has a verifier of 86 characters', async () => {
    expect((await signIn(server, client)).exchange.code_verifier).toHaveLength(86);
  });

  test('Gemini CLI: wants the metadata’s resource to be the URL that was typed, to the letter', async () => {
    expect((await discover(server, client)).resource).toBe(server.mcpUrl);
  });

  test('Gemini CLI: sends no MCP-Protocol-Version at all', async () => {
    const { tokens } = await signIn(server, client);
    expect(await useTools(server, client, tokens.access_token)).toMatchObject({
      hello: { protocolVersion: client.revision },
      sum: 3,
    });
  });

  test('Gemini CLI: renews twice at once with one token, and both answers are good', async () => {
    const signedIn = await signIn(server, client);
    const form = renewalForm(client, signedIn);
    const answers = await Promise.all([token(server, form), token(server, form)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    for (const { body } of answers) expect(await statusesWith(body.access_token)).toEqual([200, 200]);
    const next = { ...form, refresh_token: answers[1]?.body.refresh_token };
    expect((await token(server, next)).status).toBe(200);
  });

  test.each(['Gemini CLI', 'Qwen Code'] as const)(
    '%s: is signed out by a 401 before its token’s time, and none comes',
    async name => {
      const signedIn = await signIn(server, RECORDED[name]);
      // Not even when the token is renewed meanwhile.
      await token(server, renewalForm(RECORDED[name], signedIn));
      server.clock.advance(signedIn.tokens.expires_in - 1);
      expect(await statusesWith(signedIn.tokens.access_token)).toEqual([200, 200]);
    },
  );

  test('Gemini CLI: registers without redirect URIs to recover, which is refused in the RFC’s words', async () => {
    const { status, body } = await registerAs(server, {
      client_name: 'Gemini CLI (Stored OAuth)',
      redirect_uris: [],
      grant_types: [],
      response_types: [],
    });
    expect([status, body]).toMatchObject([400, { error: 'invalid_redirect_uri' }]);
  });
});

describe('Qwen Code', () => {
  const client = RECORDED['Qwen Code'];

  test('Qwen Code: asks the root resource metadata first, which is that of the endpoint', async () => {
    const at = async (path: string) =>
      (await send(`${server.origin}/.well-known/oauth-protected-resource${path}`)).json();
    expect(await at('')).toEqual(await at('/mcp'));
    expect((await discover(server, client)).resource).toBe(server.mcpUrl);
  });

  test('Qwen Code: sends code_challenge_method in its registration, which means nothing', async () => {
    const { code_challenge_method: _none, ...rest } = registrationOf(client, 0);
    const [withIt, without] = [await registerAs(server, registrationOf(client, 0)), await registerAs(server, rest)];
    expect([withIt.status, withIt.body.client_id]).toEqual([201, without.body.client_id]);
  });

  test('Qwen Code: asks for prompts and resources too', async () => {
    const { tokens } = await signIn(server, client);
    expect((await ask(server, client, tokens.access_token, 'resources/list')).result).toMatchObject({
      resources: expect.any(Array),
    });
    expect((await ask(server, client, tokens.access_token, 'prompts/list')).result).toMatchObject({
      prompts: expect.any(Array),
    });
    expect((await useTools(server, client, tokens.access_token)).sum).toBe(3);
  });
});

describe('opencode', () => {
  const client = RECORDED.opencode;

  test('opencode: registers at every start and twice a sign-in, and is one client', async () => {
    const answers = [];
    for (let start = 0; start < 40; start++) answers.push(await registerAs(server, registrationOf(client, 0)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.client_id)).size).toBe(1);
  });

  test('opencode: starts add up, so one address registers so many new clients and is told when to come again', async () => {
    const limited = await startAppServer({ trustedProxyHops: 1 });
    const register = (name: string) =>
      send(`${limited.origin}/oauth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7' },
        body: JSON.stringify({ ...registrationOf(client, 0), client_name: name }),
      });
    const statuses = new Set<number>();
    for (let start = 0; start < 60; start++) statuses.add((await register('the same each time')).status);
    expect(statuses).toEqual(new Set([201]));
    let last = await register('new 0');
    for (let n = 1; n < 60 && last.status === 201; n++) last = await register(`new ${n}`);
    expect([last.status, Number(last.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await register('the same each time')).status).toBe(201);
    await limited.stop();
  });

  test('opencode: renews without end when a fresh token is refused, and none is, on any instance', async () => {
    const signedIn = await signIn(server, client);
    expect(await statusesWith(signedIn.tokens.access_token)).toEqual([200, 200]);
    const { body } = await token(server, renewalForm(client, signedIn));
    expect(await statusesWith(body.access_token)).toEqual([200, 200]);
  });

  test('opencode: sends notifications/cancelled for a call that has ended', async () => {
    const { tokens } = await signIn(server, client);
    await useTools(server, client, tokens.access_token);
    const message = { method: 'notifications/cancelled', params: { requestId: 1, reason: 'AbortError' } };
    expect((await say(server, client, tokens.access_token, message)).status).toBe(202);
  });
});

describe('mcporter', () => {
  const client = RECORDED.mcporter;

  test('mcporter: registers anew with a new port each run, and renews with that client_id', async () => {
    const signedIn = await signIn(server, client, { port: 51_001 });
    const { body: anew } = await registerAs(server, registrationOf(client, 51_002));
    expect(anew.redirect_uris).toEqual([client.redirectUri(51_002)]);
    expect(anew.client_id).toBe(signedIn.registered.client_id);
    expect((await token(server, renewalForm(client, { ...signedIn, registered: anew }))).status).toBe(200);
  });
});

test('Codex, Copilot CLI, AI SDK: fail where the metadata is served below the endpoint’s path too, so it is not', async () => {
  const routes: string[] = [];
  for (const file of await readdir('functions')) {
    const [, route] = /route: '([^']*)'/.exec(await readFile(`functions/${file}`, 'utf8')) ?? [];
    if (route !== undefined) routes.push(route);
  }
  const wellKnown = routes.filter(route => route.startsWith('.well-known/')).sort();
  expect(wellKnown).toEqual([
    '.well-known/jwks.json',
    '.well-known/oauth-authorization-server',
    '.well-known/oauth-protected-resource',
    '.well-known/oauth-protected-resource/mcp',
    '.well-known/oauth-protected-resource/{name}/mcp',
    '.well-known/openid-configuration',
  ]);
  // But for what answers 404 to everything else (`zz-not-found`).
  expect(routes.filter(route => route.includes('*'))).toEqual(['{*path}']);
});
