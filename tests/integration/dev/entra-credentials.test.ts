/** How the application proves itself to the Entra stand-in where it has no secret: each check by itself. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Entra, startEntra } from '../../../dev/entra/index.ts';
import { codeForm, codeOf, type Form, REDIRECT_URI, refreshForm, token } from './entra-fixture.ts';

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const newKeys = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = newKeys().privateKey;
const strangersCertificate = Buffer.alloc(32, 7).toString('base64url');

/** What is wrong with an assertion that is right otherwise. */
interface Change {
  header?: Record<string, unknown>;
  claims?: JWTPayload;
  key?: KeyObject;
}

async function jwt(header: Record<string, unknown>, claims: JWTPayload, key: KeyObject): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload = { jti: randomUUID(), nbf: now, exp: now + 600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', ...header }).sign(key);
}

const proof = (assertion: string): Form => ({ client_assertion: assertion, client_assertion_type: TYPE });

/** What a redemption is answered, which was right but for the proof; the code is not used up by a refusal. */
async function refusal(entra: Entra, code: string, form: Form) {
  const { status, body } = await token(entra, { ...codeForm(entra, code), ...form });
  return [status, body.error, body.error_codes[0]];
}

describe('a certificate', () => {
  const pem = readFileSync(join(import.meta.dirname, '../../fixtures/client-certificate.pem'), 'utf8');
  const certificate = new X509Certificate(pem);
  let entra: Entra;
  let code: string;
  beforeAll(async () => {
    entra = await startEntra({ redirectUris: [REDIRECT_URI], certificate: certificate.toString() });
    code = await codeOf(entra);
  });
  afterAll(() => entra.stop());

  const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  const assertion = ({ header, claims, key = createPrivateKey(pem) }: Change = {}) =>
    jwt(
      { alg: 'PS256', 'x5t#S256': thumbprint, ...header },
      {
        iss: entra.clientId,
        sub: entra.clientId,
        aud: `${entra.url}/${entra.tenantId}/oauth2/v2.0/token`,
        ...claims,
      },
      key,
    );

  test.each<[string, number, Change]>([
    ['of another certificate', 700027, { header: { 'x5t#S256': strangersCertificate } }],
    ['with another’s key', 700027, { key: stranger }],
    ['of another application', 700027, { claims: { iss: randomUUID() } }],
    ['that has expired', 700024, { claims: { exp: Math.floor(Date.now() / 1000) - 600 } }],
    ['for another endpoint', 700023, { claims: { aud: 'https://graph.microsoft.com' } }],
  ])('%s is AADSTS%i', async (_name, number, change) => {
    const form = proof(await assertion(change));
    expect(await refusal(entra, code, form)).toEqual([401, 'invalid_client', number]);
  });

  test('is not replaced by a secret, nothing, another type, or what is no JWT', async () => {
    const good = await assertion();
    expect(await refusal(entra, code, { client_secret: 'guessed' })).toEqual([401, 'invalid_client', 7000215]);
    const both = { ...proof(good), client_secret: 'guessed' };
    expect(await refusal(entra, code, both)).toEqual([401, 'invalid_client', 7000215]);
    expect(await refusal(entra, code, {})).toEqual([401, 'invalid_client', 7000218]);
    const other = { client_assertion: good, client_assertion_type: 'other' };
    expect(await refusal(entra, code, other)).toEqual([401, 'invalid_client', 7000218]);
    expect(await refusal(entra, code, proof('no.jwt'))).toEqual([400, 'invalid_request', 9002313]);
  });

  test('redeems the code that all these could not, and renews', async () => {
    const { status, body } = await token(entra, { ...codeForm(entra, code), ...proof(await assertion()) });
    expect(status).toBe(200);
    const renewal = refreshForm(entra, body.refresh_token);
    expect((await token(entra, { ...renewal, ...proof(await assertion()) })).status).toBe(200);
    expect((await token(entra, renewal)).body.error_codes).toEqual([7000218]);
  });
});

describe('a federated credential', async () => {
  const issuer = 'https://login.microsoftonline.com/of-the-identity/v2.0';
  const subject = '12121212-3434-5656-7878-909090909090';
  const keys = newKeys();
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'RS256', kid: 'one' }] };
  let entra: Entra;
  let code: string;
  beforeAll(async () => {
    entra = await startEntra({ redirectUris: [REDIRECT_URI], federatedIdentity: { issuer, subject, jwks } });
    code = await codeOf(entra);
  });
  afterAll(() => entra.stop());

  const assertion = ({ claims, key = keys.privateKey }: Change = {}) =>
    jwt({ kid: 'one' }, { iss: issuer, sub: subject, aud: 'api://AzureADTokenExchange', ...claims }, key);

  test.each<[string, number, Change]>([
    ['another issuer', 700211, { claims: { iss: 'https://login.microsoftonline.com/another/v2.0' } }],
    ['another issuer, by a slash', 700211, { claims: { iss: `${issuer}/` } }],
    ['another audience', 700212, { claims: { aud: 'https://graph.microsoft.com' } }],
    ['another subject', 700213, { claims: { sub: randomUUID() } }],
    ['another key', 700027, { key: stranger }],
    ['a time that is over', 700024, { claims: { exp: Math.floor(Date.now() / 1000) - 1 } }],
  ])('with %s is AADSTS%i', async (_name, number, change) => {
    const form = proof(await assertion(change));
    expect(await refusal(entra, code, form)).toEqual([401, 'invalid_client', number]);
  });

  test('is not replaced by a secret, nothing, or what is no JWT', async () => {
    expect(await refusal(entra, code, { client_secret: 'guessed' })).toEqual([401, 'invalid_client', 7000215]);
    expect(await refusal(entra, code, {})).toEqual([401, 'invalid_client', 7000218]);
    expect(await refusal(entra, code, proof('no.jwt'))).toEqual([400, 'invalid_request', 9002313]);
  });

  test('is AADSTS70021 until it has spread, and then redeems the same code and renews', async () => {
    entra.spreadFederatedIdentity(false);
    expect(await refusal(entra, code, proof(await assertion()))).toEqual([401, 'invalid_client', 70021]);
    entra.spreadFederatedIdentity(true);
    const { status, body } = await token(entra, { ...codeForm(entra, code), ...proof(await assertion()) });
    expect(status).toBe(200);
    const renewal = { ...refreshForm(entra, body.refresh_token), ...proof(await assertion()) };
    expect((await token(entra, renewal)).status).toBe(200);
  });
});
