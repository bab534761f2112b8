/** How the app proves itself to Entra: the stand-in checks each of it as Entra does. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { parseCertificate } from '../../../src/keys/certificate.ts';
import { type AppServer, type AppServerOptions, startAppServer } from '../../support/app-server.ts';
import { approveAndSignIn, authorizationUrl, callTool, connect, register } from '../../support/flows.ts';

const CERTIFICATE = join(import.meta.dirname, '../../fixtures/client-certificate.pem');
const IDENTITY = '99999999-8888-7777-6666-555555555555';
const PRINCIPAL = '12121212-3434-5656-7878-909090909090';
const ISSUER = 'https://login.microsoftonline.com/tenant/v2.0';

const servers: AppServer[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) await server.stop();
});

async function start(options: AppServerOptions) {
  const server = await startAppServer(options);
  servers.push(server);
  return server;
}

const keys = await generateKeyPair('RS256', { extractable: true });
const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'RS256', kid: 'one' }] };
const federatedIdentity = { issuer: ISSUER, subject: PRINCIPAL, jwks };

/** A managed identity, as the platform has one: its tokens live for an hour, and it counts who asks. */
function managedIdentity(claims: Record<string, string> = {}) {
  const asked: string[] = [];
  const clock = { now: Date.now() };
  return {
    asked,
    clock,
    token: async (clientId: string) => {
      asked.push(clientId);
      const expiresAt = Math.floor(clock.now / 1000) + 3600;
      const token = await new SignJWT({ iss: ISSUER, sub: PRINCIPAL, aud: 'api://AzureADTokenExchange', ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'one' })
        .setIssuedAt(Math.floor(clock.now / 1000))
        .setExpirationTime(expiresAt)
        .sign(keys.privateKey);
      return { token, expiresOnTimestamp: expiresAt * 1000 };
    },
  };
}

const settings = { AUTH_CLIENT_SECRET: '', AUTH_MANAGED_IDENTITY_CLIENT_ID: IDENTITY };

/** Signs somebody in, up to where the browser gives up or is back at the client. */
async function outcome(server: AppServer): Promise<URL> {
  const client = await register(server);
  return new URL(await approveAndSignIn(new Browser(), authorizationUrl(server, client).url));
}

async function works(server: AppServer) {
  const { tokens } = await connect(server);
  return (await callTool(server, tokens.access_token, 'get_user_profile')).status;
}

describe('a certificate', () => {
  const credential = { certificate: parseCertificate(CERTIFICATE).certificate };

  test.each([
    ['by the path of its file', CERTIFICATE],
    ['in base64', readFileSync(CERTIFICATE).toString('base64')],
  ])('%s signs the app in', async (_name, value) => {
    const server = await start({
      credential,
      settings: { AUTH_CLIENT_SECRET: '', AUTH_CLIENT_CERTIFICATE: value },
    });
    expect(await works(server)).toBe(200);
    const [request] = server.entra.requests.filter(({ endpoint }) => endpoint === 'token');
    expect(request?.parameters).toContain('client_assertion');
    expect(request?.parameters).not.toContain('client_secret');
  });

  test('a secret does not stand in for it', async () => {
    const server = await start({ credential, settings: { AUTH_CLIENT_SECRET: 'guessed' } });
    expect((await outcome(server)).searchParams.get('error')).toBe('server_error');
  });
});

describe('a managed identity', () => {
  test('signs the app in with its own token, which is used until five minutes before its end', async () => {
    const identity = managedIdentity();
    const server = await start({ credential: { federatedIdentity }, settings, identityToken: identity.token });
    expect(await works(server)).toBe(200);
    expect(identity.asked).toEqual([IDENTITY]);
    server.clock.advance(54 * 60);
    await works(server);
    expect(identity.asked).toHaveLength(1);
    server.clock.advance(2 * 60);
    identity.clock.now = server.clock.now;
    await works(server);
    expect(identity.asked).toHaveLength(2);
  });

  test('is asked once, however many sign in at the same moment', async () => {
    const identity = managedIdentity();
    const server = await start({ credential: { federatedIdentity }, settings, identityToken: identity.token });
    await Promise.all(Array.from({ length: 8 }, () => works(server)));
    expect(identity.asked).toHaveLength(1);
  });

  test('through the platform’s own endpoint, by Microsoft’s library', async () => {
    const identity = managedIdentity();
    const asked: URL[] = [];
    const platform = createServer(async (request, response) => {
      asked.push(new URL(request.url ?? '/', 'http://localhost'));
      const { token, expiresOnTimestamp } = await identity.token('platform');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ access_token: token, expires_on: expiresOnTimestamp / 1000, token_type: 'Bearer' }),
      );
    });
    await new Promise<void>(resolve => platform.listen(0, '127.0.0.1', resolve));
    try {
      vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(platform.address() as AddressInfo).port}/msi/token`);
      vi.stubEnv('IDENTITY_HEADER', 'of-the-platform');
      const server = await start({ credential: { federatedIdentity }, settings });
      expect(await works(server)).toBe(200);
      expect(asked[0]?.searchParams.get('resource')).toBe('api://AzureADTokenExchange');
      expect(asked[0]?.searchParams.get('client_id')).toBe(IDENTITY);
    } finally {
      platform.close();
    }
  });

  test.each([
    ['subject', { sub: 'somebody-else' }],
    ['issuer', { iss: 'https://login.microsoftonline.com/other/v2.0' }],
    ['audience', { aud: 'https://graph.microsoft.com' }],
  ])('of another %s is refused, and the client is told to come again', async (_name, claims) => {
    const identity = managedIdentity(claims);
    const server = await start({ credential: { federatedIdentity }, settings, identityToken: identity.token });
    const back = await outcome(server);
    expect(back.searchParams.get('error')).toBe('temporarily_unavailable');
    expect(back.searchParams.get('error_description')).toContain('has not spread');
  });

  test('whose federated credential is still spreading is tried again, in the same sign-in', async () => {
    const identity = managedIdentity();
    const server = await start({ credential: { federatedIdentity }, settings, identityToken: identity.token });
    server.entra.spreadFederatedIdentity(false);
    const refused = await outcome(server);
    expect(refused.searchParams.get('error_description')).toContain('AADSTS70021');
    const tries = server.entra.requests.filter(({ endpoint }) => endpoint === 'token').length;
    expect(tries).toBe(3);
    server.entra.spreadFederatedIdentity(true);
    expect(await works(server)).toBe(200);
  });

  test('that the platform does not give is an outage, and the sign-in goes on afterwards', async () => {
    const identity = managedIdentity();
    let down = true;
    const server = await start({
      credential: { federatedIdentity },
      settings,
      identityToken: async clientId => {
        if (down) throw new Error('the identity endpoint is down');
        return identity.token(clientId);
      },
    });
    const client = await register(server);
    const browser = new Browser();
    const { url } = authorizationUrl(server, client);
    const consent = await browser.open(url);
    const picker = await browser.submit(consent, { button: 'decision=approve' });
    const page = await browser.submit(picker, { button: 'person=ada' });
    expect(page.status).toBe(503);
    expect(textOf(page.html)).toContain('own identity');
    down = false;
    const back = await browser.open(page.url, { stopAt: at => at.startsWith('http://localhost:33418') });
    expect(new URL(back.url).searchParams.get('code')).toMatch(/^ac\./);
  });
});

test('a public client has none, and PKCE alone', async () => {
  const server = await start({ credential: {}, settings: { AUTH_CLIENT_SECRET: '' } });
  expect(await works(server)).toBe(200);
});
