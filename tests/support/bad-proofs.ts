import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';

/**
 * DPoP proofs with one thing wrong each: in the header, in a claim, or in their form; signed where that is possible.
 *
 * @param htu the endpoint that they are for
 * @param now seconds since the epoch
 */
export async function badProofs(htu: string, now: number): Promise<string[]> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk };
  const claims = { htm: 'POST', htu, iat: now, jti: 'a' };
  const headers = [
    { typ: 'JWT' },
    { typ: undefined },
    { jwk: undefined },
    { jwk: privateKey.export({ format: 'jwk' }) },
    { jwk: { kty: 'oct', k: 'AAAA' } },
    { jwk: { kty: 'RSA', n: 'AA', e: 'AQAB' } },
    { jwk: { ...jwk, x: 'AAAA' } },
    { jwk: { ...jwk, crv: 'P-384' } },
    { jwk: [] },
    { jwk: 'x' },
    { jwk: null },
  ];
  const payloads = [
    { htu: 'not a url' },
    { htu: 1 },
    { htm: 'GET' },
    { htm: {} },
    { iat: 'x' },
    { iat: -1 },
    { iat: 1e308 },
    { jti: {} },
    { jti: 'x'.repeat(5000) },
    { jti: undefined },
    { nonce: '\u0000' },
    { nonce: 1 },
    { ath: 1 },
  ];
  const sign = (head: object, payload: object) =>
    new SignJWT({ ...claims, ...payload }).setProtectedHeader({ ...header, ...head }).sign(privateKey);
  const signed = await Promise.all([...headers.map(each => sign(each, {})), ...payloads.map(each => sign({}, each))]);
  const [, payload, signature] = (await sign({}, {})).split('.');
  const unsigned = [
    { ...header, alg: 'none' },
    { ...header, alg: 'HS256' },
    { ...header, alg: {} },
    { ...header, crit: ['x'] },
    { ...header, b64: false, crit: ['b64'] },
    [],
    null,
    1,
    'x',
    {},
  ].map(head => `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${payload}.${signature}`);
  return [...signed, ...unsigned, `${signed[0]}, ${signed[1]}`, `${signed[0]}.`];
}
