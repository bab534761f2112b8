/** Every recorded client signs in, uses a tool and renews, in its own shapes and order. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { claimsOf, token } from '../support/flows.ts';
import { RECORDED, type RecordedClient } from './support/recorded.ts';
import { discover, registerAs, registrationOf, renewalForm, signIn, useTools } from './support/steps.ts';
import { send } from './support/wire.ts';

let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
});
afterAll(() => server.stop());

const clients: [string, RecordedClient][] = Object.entries(RECORDED);

test.each(clients)('%s: signs in as recorded, uses a tool, renews', async (_name, client) => {
  const signedIn = await signIn(server, client);
  const { discovered, registered, tokens } = signedIn;
  // The URL that its person typed, to the letter: Gemini and VS Code compare.
  expect(discovered.resource).toBe(server.mcpUrl);
  expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'profile notes:read notes:write' });
  expect(tokens.refresh_token).toBeTruthy();
  expect(claimsOf(tokens.access_token)).toMatchObject({ aud: server.mcpUrl, client_id: registered.client_id });

  const { hello, tools, sum } = await useTools(server, client, tokens.access_token);
  expect(hello.capabilities).toMatchObject({ tools: { listChanged: false } });
  expect([tools.length, sum]).toEqual([7, 3]);

  const { status, body } = await token(server, renewalForm(client, signedIn));
  expect([status, body.scope]).toEqual([200, tokens.scope]);
  expect((await useTools(server, client, body.access_token)).sum).toBe(3);
});

test.each(clients)('%s: the registration’s answer repeats what was registered', async (_name, client) => {
  const { code_challenge_method: _unknown, ...sent } = registrationOf(client, 43_210);
  const { status, body } = await registerAs(server, registrationOf(client, 43_210), client.chunked);
  expect(status).toBe(201);
  // The caller's own port with it, and no member that it does not know.
  expect(body).toMatchObject(sent);
  expect(body).not.toHaveProperty('code_challenge_method');
  expect('client_secret' in body).toBe(client.registration.token_endpoint_auth_method !== undefined);
  expect(Object.values(body)).not.toContain(null);
});

test('all: ask for offline_access where the authorization server lists it, so it is in that list and in no other', async () => {
  const { challenged, server: metadata } = await discover(server, RECORDED['Claude Code']);
  const resource = await send(`${server.origin}/.well-known/oauth-protected-resource/mcp`);
  expect(await resource.json()).toMatchObject({ scopes_supported: challenged });
  expect(challenged).toEqual(['profile', 'notes:read', 'notes:write']);
  expect(metadata.scopes_supported).toEqual([...challenged, 'offline_access']);
});
