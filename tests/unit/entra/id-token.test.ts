import { expect, test } from 'vitest';
import { createIdTokenVerifier } from '../../../src/entra/id-token.ts';

const [OWN, OTHER] = ['72f0c3a8-5b1e-4d6c-9a07-3e84d1b2c6f5', 'c0a8e4d2-96b7-4f13-8d5a-1b7e60f39a24'];
const HOST = 'https://login.microsoftonline.com';
const of = (tenant: string) => `${HOST}/${tenant}/v2.0`;

/** An id token of a tenant whose signature is right, by a key that Entra ties to an issuer. */
function verify(tid: string, keyIssuer: string) {
  const payload = { iss: of(tid), tid, oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f501' };
  const rules = { authorityHost: HOST, clientId: 'app', tenantId: 'organizations', allowedTenants: '*' as const };
  const verifier = createIdTokenVerifier(rules, { verify: async () => ({ payload, keyIssuer }) });
  return verifier.verify('signed', { now: 0 });
}

test.each([of(OWN), of('{tenantid}')])('a key that is tied to %s signs for that tenant', async keyIssuer => {
  expect((await verify(OWN, keyIssuer)).person.tid).toBe(OWN);
});

test('a key that is tied to one issuer signs for no other', async () => {
  await expect(verify(OTHER, of(OWN))).rejects.toMatchObject({
    refusal: { what: expect.stringContaining('its key is not of its issuer') },
  });
});
