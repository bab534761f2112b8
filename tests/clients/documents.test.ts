/** Clients that name themselves by the URL of a metadata document, one test for each habit. */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../dev/browser/index.ts';
import { planFor } from '../../dev/local/plan.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { createDocumentHosts, documentOf } from '../support/document-hosts.ts';
import { authorizationUrl, claimsOf, obtainCode, REDIRECT_URI, token } from '../support/flows.ts';
import { Application, LIBRARIES } from './support/application.ts';
import { RECORDED, type RecordedClient } from './support/recorded.ts';
import { renewalForm, signIn, useTools } from './support/steps.ts';

const hosts = createDocumentHosts();
/** One instance: each keeps its own copies of documents. */
let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({ fetchDocument: hosts.fetchDocument });
});
afterAll(() => server.stop());

interface Documented extends RecordedClient {
  readonly id: string;
  /** As its document has them: on this machine, and without a port. */
  readonly redirectUris: readonly string[];
}

const DOCUMENTED = {
  'Claude Code': {
    ...RECORDED['Claude Code'],
    id: 'https://claude.ai/oauth/claude-code-client-metadata',
    redirectUris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
  },
  Codex: {
    ...RECORDED.Codex,
    id: 'https://chatgpt.com/oauth/codex/client.json',
    redirectUris: ['http://127.0.0.1/callback'],
  },
  'Copilot CLI': {
    ...RECORDED['Copilot CLI'],
    id: 'https://github.com/copilot/cli/client-metadata.json',
    redirectUris: ['http://127.0.0.1/callback'],
    redirectUri: (port: number) => `http://127.0.0.1:${port}/callback`,
  },
  // It never registers, whatever is advertised.
  Mastra: {
    ...RECORDED['TypeScript SDK 2'],
    name: 'Mastra',
    id: 'https://agents.example/mastra/client.json',
    redirectUris: ['http://localhost/callback'],
    stateLength: 36,
  },
} satisfies Record<string, Documented>;

const publish = ({ id, name, redirectUris }: Documented, headers: Record<string, string> = {}) =>
  hosts.serve(id, documentOf(id, { client_name: name, redirect_uris: redirectUris }), headers);

describe.each(Object.entries(DOCUMENTED))('%s', (name, client: Documented) => {
  test(`${name}: signs in by its document, at any port of this machine, uses a tool, renews`, async () => {
    publish(client);
    for (const port of [54_001, 54_002]) {
      const signedIn = await signIn(server, client, { port, registered: { client_id: client.id } });
      expect(signedIn.discovered.server.client_id_metadata_document_supported).toBe(true);
      expect(signedIn.back.port).toBe(String(port));
      expect(claimsOf(signedIn.tokens.access_token).client_id).toBe(client.id);
      expect((await useTools(server, client, signedIn.tokens.access_token)).sum).toBe(3);
      expect((await token(server, renewalForm(client, signedIn))).status).toBe(200);
    }
  });

  test(`${name}: waits for ever at an error page, so a stale document is better than none`, async () => {
    publish(client, { 'cache-control': 'max-age=60' });
    server.clock.advance(86_400);
    const options = { port: 54_003, registered: { client_id: client.id } };
    await signIn(server, client, options);
    hosts.takeDown(client.id);
    server.clock.advance(12 * 3600);
    await signIn(server, client, options);
    publish(client);
    server.clock.advance(86_400);
  });
});

test('Claude Code, Codex, Copilot CLI: never fall back to registration, so documents are advertised only where they can be fetched', async () => {
  // A laptop may be out of their hosts' reach.
  expect(planFor({}, {}).env.CLIENT_METADATA_DOCUMENTS).toBe('off');
  const off = await startAppServer({ settings: { CLIENT_METADATA_DOCUMENTS: 'off' } });
  for (const client of [DOCUMENTED['Claude Code'], DOCUMENTED.Codex, DOCUMENTED['Copilot CLI']]) {
    const { discovered, registered } = await signIn(off, client);
    expect(discovered.server).not.toHaveProperty('client_id_metadata_document_supported');
    expect(registered.client_id).not.toBe(client.id);
  }
  await off.stop();
});

test('Claude Code: is not called verified, for any program on this machine can use its document', async () => {
  const client = DOCUMENTED['Claude Code'];
  publish(client);
  const change = { redirect_uri: client.redirectUri(54_004) };
  const page = await new Browser().open(authorizationUrl(server, { client_id: client.id }, change).url);
  const text = textOf(page.html);
  expect(text).toMatch(/published at claude\.ai ?, but it is not verified/);
  expect(text).toContain('Only approve if you just started this on this computer.');
});

test.each(Object.entries(LIBRARIES))(
  '%s: uses its application’s document instead of registering',
  async (_name, library) => {
    const id = 'https://agents.example/application.json';
    hosts.serve(id, documentOf(id, { redirect_uris: [REDIRECT_URI] }));
    const application = new Application(id);
    const connection = await library(server, application);
    expect(application.windows[0]?.searchParams.get('client_id')).toBe(id);
    expect((await connection.call('calculate_sum', { numbers: [1] })).isError).toBeFalsy();
    await connection.close();
  },
);

test('ChatGPT: is named by its document, comes back to its website, and signs an assertion for each request', async () => {
  const id = 'https://chatgpt.com/oauth/6f8c1d2e/client.json';
  const redirectUri = 'https://chatgpt.com/connector_platform_oauth_redirect';
  const keysAt = 'https://chatgpt.com/oauth/jwks.json';
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  hosts.serve(keysAt, { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] });
  hosts.serve(
    id,
    documentOf(id, {
      client_name: 'ChatGPT',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'RS256',
      jwks_uri: keysAt,
    }),
  );
  const proof = async () => {
    const now = Math.floor(server.clock.now / 1000);
    const assertion = new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(`${server.origin}/oauth/token`)
      .setIssuedAt(now)
      .setExpirationTime(now + 300);
    return {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion.sign(privateKey),
    };
  };

  const { code, verifier } = await obtainCode(server, { client_id: id }, 'ada', { redirect_uri: redirectUri });
  const exchange = { grant_type: 'authorization_code', client_id: id, code, code_verifier: verifier };
  const unproven = await token(server, { ...exchange, redirect_uri: redirectUri });
  expect([unproven.status, unproven.body.error]).toEqual([401, 'invalid_client']);
  const { status, body } = await token(server, { ...exchange, redirect_uri: redirectUri, ...(await proof()) });
  expect(status).toBe(200);

  const renewal = { grant_type: 'refresh_token', client_id: id, refresh_token: body.refresh_token };
  const used = await proof();
  expect((await token(server, { ...renewal, ...used })).status).toBe(200);
  // An assertion is for one request.
  expect((await token(server, { ...renewal, ...used })).body.error).toBe('invalid_client');
  expect((await token(server, { ...renewal, ...(await proof()) })).status).toBe(200);
});
