import fc from 'fast-check';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimedSubject, InvalidAssertionError, verifyAssertion } from '../../src/oauth/clients/assertion.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { NASTY } from '../support/broken-requests.ts';
import { createDocumentHosts, documentOf } from '../support/document-hosts.ts';
import { codeForm, obtainCode, token } from '../support/flows.ts';

/** Client assertions, signed by the client's own key, that are right but for a part: in header, claims or form. */
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const client_id = 'https://signing.example/client';
const hosts = createDocumentHosts();

let server: AppServer;
let privateKey: CryptoKey;
let keys: JWK[];
beforeAll(async () => {
  server = await startAppServer({ fetchDocument: hosts.fetchDocument });
  const pair = await generateKeyPair('ES256');
  privateKey = pair.privateKey;
  keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'key', alg: 'ES256' }];
  const named = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys } };
  hosts.serve(client_id, documentOf(client_id, named), { 'cache-control': 'max-age=3600' });
});
afterAll(() => server.stop());

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function signed(header: unknown, claims: unknown): Promise<string> {
  const input = `${part(header)}.${part(claims)}`;
  const bytes = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(bytes).toString('base64url')}`;
}

const header = { alg: 'ES256', kid: 'key', typ: 'JWT' };
function claims() {
  const now = Math.floor(server.clock.now / 1000);
  return { iss: client_id, sub: client_id, aud: server.origin, iat: now, exp: now + 300, jti: 'one' };
}

/** What is wrong: a member of the header or a claim, and now and then the form of the whole. */
const wrong = fc.tuple(
  fc.constantFrom('alg', 'typ', 'kid', 'crit', 'b64', 'iss', 'sub', 'aud', 'exp', 'jti', 'iat', 'nbf'),
  fc.option(
    fc.oneof(
      NASTY.map(text => text.toWellFormed()),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(-1, 0, 1e10, 1e308, client_id, [client_id], [client_id, client_id]),
    ),
    { nil: undefined },
  ),
  fc.nat(20),
);

async function bent([name, bad, form]: [string, unknown, number]): Promise<string> {
  const inHeader = name in header || name === 'crit' || name === 'b64';
  const change = { [name]: bad };
  const jwt = await signed(inHeader ? { ...header, ...change } : header, { ...claims(), ...(inHeader ? {} : change) });
  return form === 0 ? jwt.replace('.', '..') : form === 1 ? `${jwt}.` : jwt;
}

test('client assertions: 10,000, each taken for what it says or refused', { timeout: 60_000 }, async () => {
  const expected = { clientId: client_id, audiences: [server.origin], keys: async () => keys, now: server.clock.now };
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(wrong, async what => {
      const assertion = await bent(what);
      expect(typeof claimedSubject(assertion)).toBeOneOf(['string', 'undefined']);
      try {
        const { jti, expiresAt } = await verifyAssertion(assertion, expected);
        expect(jti).toMatch(/^.{1,200}$/s);
        expect(expiresAt).toBeGreaterThan(server.clock.now);
        expect(expiresAt).toBeLessThanOrEqual(server.clock.now + 3_720_000);
        taken++;
      } catch (error) {
        if (!(error instanceof InvalidAssertionError)) throw error;
      }
    }),
    { seed: 8, numRuns: 10_000 },
  );
  // Another jti, another iat, no typ or kid at all: these are right.
  expect(taken).toBeGreaterThan(100);
  expect(taken).toBeLessThan(2_500);
});

test('and at the token endpoint: never a fault of ours, and the right one works after all of them', async () => {
  const code = await obtainCode(server, { client_id });
  const form = { ...codeForm({ client_id }, code), client_assertion_type: TYPE };
  await fc.assert(
    fc.asyncProperty(wrong, fc.boolean(), async (what, named) => {
      const sent = { ...form, code_verifier: 'x'.repeat(43), client_assertion: await bent(what) };
      const { status, body } = await token(server, named ? sent : { ...sent, client_id: undefined });
      expect([status, body.error]).toBeOneOf([
        [400, 'invalid_grant'],
        [400, 'invalid_request'],
        [401, 'invalid_client'],
      ]);
    }),
    { seed: 9, numRuns: 300 },
  );
  const right = await signed(header, { ...claims(), jti: 'two' });
  expect((await token(server, { ...form, client_assertion: right })).status).toBe(200);
});
