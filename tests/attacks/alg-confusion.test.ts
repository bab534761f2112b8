import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKeyRing, type KeyRing } from '../../src/keys/key-ring.ts';
import { parseSecrets } from '../../src/keys/secret.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import { type Client, callTool, connect, post, refreshForm, type Tokens, token } from '../support/flows.ts';

/**
 * Tokens that say themselves how they are to be verified. Each of these claims what a token of ours claims, the victim's
 * grant among it; none may be served, and none may end the victim's grant at the revocation endpoint.
 */
let server: AppServer;
let client: Client;
let tokens: Tokens;
let ring: KeyRing;
let jwk: { kid: string; x: string; y: string };
const published: string[] = [];
const elsewhere = createServer((request, response) => {
  published.push(request.url ?? '');
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [attackersJwk] }));
});

const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const attackersJwk = { ...attacker.publicKey.export({ format: 'jwk' }), kid: 'evil', alg: 'ES256', use: 'sig' };

beforeAll(async () => {
  const secret = newSecret();
  server = await startAppServer({ settings: { JWT_SECRET_KEY: secret } });
  ring = await createKeyRing(parseSecrets(secret));
  ({ client, tokens } = await connect(server));
  jwk =
    ((await (await fetch(`${server.origin}/.well-known/jwks.json`)).json()) as { keys: (typeof jwk)[] }).keys[0] ?? jwk;
  await new Promise<void>(resolve => elsewhere.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  elsewhere.close();
  await server.stop();
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const genuine = () => tokens.access_token.split('.') as [string, string, string];
const kid = () => jwk.kid;
const url = () => `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/keys`;

/** A token with this header, the claims of the genuine one, and a signature over both. */
async function forge(header: object, signature: (input: string) => string | Promise<string>): Promise<string> {
  const input = `${part(header)}.${genuine()[1]}`;
  return `${input}.${await signature(input)}`;
}
/** With our own key, as nobody else can: to see that it is not the signature alone that refuses. */
async function byOurselves(input: string): Promise<string> {
  const bytes = await webcrypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    ring.signing.privateKey,
    Buffer.from(input),
  );
  return Buffer.from(bytes).toString('base64url');
}
const es256 =
  (key: KeyObject, hash = 'sha256') =>
  (input: string) =>
    sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
const hs256 = (secret: string | Buffer) => (input: string) =>
  createHmac('sha256', secret).update(input).digest('base64url');
const byAttacker = es256(attacker.privateKey);

async function expectRefused(attempt: string | Promise<string>): Promise<void> {
  const forged = await attempt;
  const answer = await callTool(server, forged, 'calculate_sum', { numbers: [1] });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  const revoked = await post(server, '/oauth/revoke', { token: forged, client_id: client.client_id });
  expect(revoked.status).toBe(200);
  // One grant may not be renewed without end.
  server.clock.advance(1);
  const renewed = await token(server, refreshForm(client, tokens.refresh_token));
  expect(renewed.status).toBe(200);
  tokens = { ...tokens, refresh_token: renewed.body.refresh_token };
}

test('the genuine one is served', async () => {
  expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(200);
});

describe('another algorithm', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', ''])('alg "%s" without a signature is refused', async alg => {
    await expectRefused(forge({ alg, typ: 'at+jwt', kid: kid() }, () => ''));
    await expectRefused(forge({ alg, typ: 'at+jwt', kid: kid() }, () => genuine()[2]));
  });

  test('HS256 with the public key as its secret is refused, in whichever form the key is written', async () => {
    const point = Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]);
    const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y }, format: 'jwk' });
    const secrets = [
      publicKey.export({ format: 'pem', type: 'spki' }) as string,
      (publicKey.export({ format: 'pem', type: 'spki' }) as string).trim(),
      publicKey.export({ format: 'der', type: 'spki' }) as Buffer,
      point,
      Buffer.from(jwk.x, 'base64url'),
      jwk.x,
      JSON.stringify(jwk),
      '',
    ];
    for (const secret of secrets)
      await expectRefused(forge({ alg: 'HS256', typ: 'at+jwt', kid: kid() }, hs256(secret)));
  });

  test.each([
    ['ES384', 'secp384r1', 'sha384'],
    ['ES512', 'secp521r1', 'sha512'],
    ['ES256', 'secp384r1', 'sha256'],
    ['ES256K', 'secp256k1', 'sha256'],
    ['ES256', 'secp256k1', 'sha256'],
  ])('%s by a key of the curve %s is refused', async (alg, namedCurve, hash) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve });
    await expectRefused(forge({ alg, typ: 'at+jwt', kid: kid() }, es256(privateKey, hash)));
  });

  test('RS256, PS256 and EdDSA are refused', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const ed = generateKeyPairSync('ed25519').privateKey;
    const signed = (algorithm: string | null, key: KeyObject) => (input: string) =>
      sign(algorithm, Buffer.from(input), key).toString('base64url');
    await expectRefused(forge({ alg: 'RS256', typ: 'at+jwt', kid: kid() }, signed('sha256', rsa)));
    await expectRefused(forge({ alg: 'PS256', typ: 'at+jwt', kid: kid() }, signed('sha256', rsa)));
    await expectRefused(forge({ alg: 'EdDSA', typ: 'at+jwt', kid: kid() }, signed(null, ed)));
  });
});

describe('a key that the token brings along', () => {
  test.each([
    ['jwk', () => ({ jwk: attackersJwk })],
    ['jku', () => ({ jku: url() })],
    ['x5u', () => ({ x5u: url() })],
    ['x5c', () => ({ x5c: [attacker.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')] })],
  ])('%s is not looked at, nor fetched', async (_name, header) => {
    for (const id of [kid(), 'evil', undefined]) {
      await expectRefused(forge({ alg: 'ES256', typ: 'at+jwt', ...(id ? { kid: id } : {}), ...header() }, byAttacker));
    }
    expect(published).toEqual([]);
  });

  test.each([
    '',
    '../../../../dev/null',
    '/dev/null',
    '__proto__',
    'constructor',
    'toString',
    "x' or '1'='1",
    '\u0000',
    'evil',
  ])('kid "%s" finds no key', async id => {
    await expectRefused(forge({ alg: 'ES256', typ: 'at+jwt', kid: id }, byAttacker));
    await expectRefused(forge({ alg: 'HS256', typ: 'at+jwt', kid: id }, hs256('')));
  });

  test.each([[[]], [{}], [1], [null], [true]])('a kid that is %j finds none', async id => {
    await expectRefused(forge({ alg: 'ES256', typ: 'at+jwt', kid: id }, byAttacker));
  });
});

/** Of the curve P-256, in hexadecimal. */
const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

describe('a signature that is none', () => {
  test.each([
    ['all zero', Buffer.alloc(64)],
    ['all ones', Buffer.alloc(64, 255)],
    ['empty', Buffer.alloc(0)],
    ['too short', Buffer.alloc(63, 1)],
    ['too long', Buffer.alloc(65, 1)],
    ['r of the curve’s order, s zero', Buffer.from(ORDER + '0'.repeat(64), 'hex')],
  ])('%s is refused', async (_name, bytes) => {
    await expectRefused(forge({ alg: 'ES256', typ: 'at+jwt', kid: kid() }, () => bytes.toString('base64url')));
  });

  test('a genuine one in DER is refused', async () => {
    const der = async (input: string) =>
      toDer(Buffer.from(await byOurselves(input), 'base64url')).toString('base64url');
    await expectRefused(forge({ alg: 'ES256', typ: 'at+jwt', kid: kid() }, der));
  });

  test('a genuine one over other claims is refused', async () => {
    const [head, , signature] = genuine();
    const claims = JSON.parse(Buffer.from(genuine()[1], 'base64url').toString());
    const other = part({ ...claims, oid: server.entra.people.grace.oid, scope: 'profile notes:read notes:write' });
    await expectRefused(`${head}.${other}.${signature}`);
  });
});

describe('a token of ours, of another kind', () => {
  const signedByUs = (header: object, claims: object = {}) =>
    new SignJWT({ ...JSON.parse(Buffer.from(genuine()[1], 'base64url').toString()), ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: kid(), ...header })
      .sign(ring.signing.privateKey);

  test('with nothing changed it is served: what follows is refused for what it says', async () => {
    const same = await signedByUs({});
    expect((await callTool(server, same, 'calculate_sum', { numbers: [1] })).status).toBe(200);
  });

  test.each([
    ['JWT'],
    [undefined],
    ['id_token+jwt'],
    ['dpop+jwt'],
    ['logout+jwt'],
    ['at'],
    ['at+jwt;x'],
    ['secevent+jwt'],
  ])('typ %s is no access token', async typ => {
    await expectRefused(signedByUs({ typ }));
  });

  test('a header that must be understood and is not refuses the token (RFC 7515 section 4.1.11)', async () => {
    for (const header of [
      { crit: ['exp'], exp: 1 },
      { crit: [] },
      { crit: ['b64'], b64: false },
      { b64: false, crit: 'b64' },
    ]) {
      await expectRefused(forge({ alg: 'ES256', typ: 'at+jwt', kid: kid(), ...header }, byOurselves));
    }
  });

  test.each<[string, object]>([
    ['no audience', { aud: undefined }],
    ['another audience', { aud: 'https://other.example/mcp' }],
    ['the origin for an audience', { aud: 'http://localhost' }],
    ['no expiry', { exp: undefined }],
    ['an expiry in words', { exp: '9999999999' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['an issuer with a slash more', { iss: 'ISSUER/' }],
    ['no grant, which could not be revoked', { gid: undefined }],
    ['a time before which it is not valid', { nbf: 9_999_999_999 }],
  ])('%s', async (_name, claims) => {
    const filled = JSON.parse(JSON.stringify(claims).replace('ISSUER', server.origin));
    const gone = Object.fromEntries(Object.keys(claims).map(name => [name, filled[name]]));
    await expectRefused(signedByUs({}, gone));
  });
});

describe('other forms of a JWS', () => {
  test('JSON serialization, a part too many or too few, padding and white space are refused', async () => {
    const [head, payload, signature] = genuine();
    for (const bent of [
      `${head}.${payload}`,
      `${head}.${payload}.`,
      `${head}.${payload}.${signature}.`,
      `${head}.${payload}.${signature}.${signature}`,
      `${head}..${payload}..${signature}`,
      `${head}.${payload}.${signature}=`,
      Buffer.from(JSON.stringify({ protected: head, payload, signature })).toString('base64url'),
    ]) {
      expect((await callTool(server, bent, 'calculate_sum', { numbers: [1] })).status).toBe(401);
    }
  });
});

/** An ECDSA signature as X.509 writes it: two integers in a sequence. */
function toDer(raw: Buffer): Buffer {
  const integer = (bytes: Buffer) => {
    const positive = (bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
    return Buffer.concat([Buffer.from([2, positive.length]), positive]);
  };
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}
