import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createIdTokenVerifier } from '../../../src/entra/id-token.ts';
import { createTenantKeys } from '../../../src/entra/tenant-keys.ts';

const [OWN, OTHER] = ['72f0c3a8-5b1e-4d6c-9a07-3e84d1b2c6f5', 'c0a8e4d2-96b7-4f13-8d5a-1b7e60f39a24'];
const OID = '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f501';
const pair = generateKeyPair('RS256', { extractable: true });
const HOST = 'https://login.microsoftonline.com';
const of = (tenant: string) => `${HOST}/${tenant}/v2.0`;

/** An id token of a tenant whose signature is right, by a key that Entra ties to an issuer. */
function verify(tid: string, keyIssuer: string, change: Record<string, unknown> = {}) {
  const payload = { iss: of(tid), tid, oid: OID, nonce: 'asked', ...change };
  const rules = { authorityHost: HOST, clientId: 'app', tenantId: 'organizations', allowedTenants: '*' as const };
  const verifier = createIdTokenVerifier(rules, { verify: async () => ({ payload, keyIssuer }) });
  return verifier.verify('signed', { now: 0, nonce: 'asked' });
}

describe('times', () => {
  const NOW = Date.parse('2026-11-23T12:00:00Z');
  const minutes = (count: number) => NOW / 1000 + count * 60;

  test('a token that does not say which of several keys signed it is refused, and is no fault of ours', async () => {
    const { publicKey, privateKey } = await pair;
    const key = { ...(await exportJWK(publicKey)), alg: 'RS256' };
    const jwks = { keys: ['a', 'b'].map(kid => ({ ...key, kid })) };
    const keys = createTenantKeys(
      'https://entra.example/keys',
      async () => Response.json(jwks),
      () => NOW,
    );
    const claims = { iss: of(OWN), aud: 'app', tid: OWN, oid: OID, iat: minutes(-1), exp: minutes(60) };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    const rules = { authorityHost: HOST, clientId: 'app', tenantId: OWN };
    await expect(createIdTokenVerifier(rules, keys).verify(token, { now: NOW })).rejects.toMatchObject({
      refusal: { what: expect.stringContaining('it does not verify') },
    });
  });

  /** Whether a token of Entra's with these times is taken now. */
  async function isTaken(times: { nbf?: number; exp?: number }): Promise<boolean> {
    const { publicKey, privateKey } = await pair;
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }] };
    const keys = createTenantKeys(
      'https://entra.example/keys',
      async () => Response.json(jwks),
      () => NOW,
    );
    const rules = { authorityHost: HOST, clientId: 'app', tenantId: OWN };
    const claims = { iss: of(OWN), aud: 'app', tid: OWN, oid: OID, iat: minutes(-1), exp: minutes(60), ...times };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(privateKey);
    const verified = createIdTokenVerifier(rules, keys).verify(token, { now: NOW });
    return verified.then(
      () => true,
      () => false,
    );
  }

  test.each([
    ['expired four minutes ago', { exp: minutes(-4) }, true],
    ['expired six minutes ago', { exp: minutes(-6) }, false],
    ['is good in four minutes', { nbf: minutes(4) }, true],
    ['is good in six minutes', { nbf: minutes(6) }, false],
  ])('a token that %s', async (_name, times, taken) => {
    expect(await isTaken(times)).toBe(taken);
  });
});

test.each([of(OWN), of('{tenantid}')])('a key that is tied to %s signs for that tenant', async keyIssuer => {
  expect((await verify(OWN, keyIssuer)).person.tid).toBe(OWN);
});

test('a key that is tied to one issuer signs for no other', async () => {
  await expect(verify(OTHER, of(OWN))).rejects.toMatchObject({
    refusal: { what: expect.stringContaining('its key is not of its issuer') },
  });
});

// The library that redeems Entra's code looks at the nonce too, so only here is it seen that we do.
test.each([
  ['another nonce', { nonce: 'other' }, 'its nonce is not of this sign-in'],
  ['no nonce', { nonce: undefined }, 'its nonce is not of this sign-in'],
  ['a name for its person', { oid: 'ada' }, 'it names no person'],
  ['a path for its person', { oid: '../0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f501' }, 'it names no person'],
])('%s is refused', async (_what, change, why) => {
  await expect(verify(OWN, of(OWN), change)).rejects.toMatchObject({ refusal: { what: expect.stringContaining(why) } });
});
