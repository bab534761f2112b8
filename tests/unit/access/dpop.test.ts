import fc from 'fast-check';
import { exportJWK, SignJWT } from 'jose';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDpop, DPOP_ALGORITHMS, type Dpop, InvalidProofError } from '../../../src/access/dpop.ts';
import { createKeyRing, type KeyRing } from '../../../src/keys/key-ring.ts';
import { parseSecrets } from '../../../src/keys/secret.ts';
import { newProofKey, type ProofKey } from '../../support/dpop.ts';
import { testKeys } from '../../support/protected-resource.ts';

const URL_OF_ENDPOINT = 'https://mcp.example/mcp';
const clock = { now: Date.UTC(2026, 0, 1) };
let ring: KeyRing;
let dpop: Dpop;
let key: ProofKey;
beforeAll(async () => {
  ring = await testKeys();
  key = await newProofKey();
});
beforeEach(() => {
  dpop = instance(ring);
});

const instance = (keys: KeyRing) => createDpop({ keys: async () => keys, now: () => clock.now });
const request = (proof: string | null, change = {}) => ({ proof, method: 'POST', url: URL_OF_ENDPOINT, ...change });

/** What a check comes to: the thumbprint, or the error's name and words. */
async function outcome(check: Promise<string>): Promise<string> {
  return check.catch((error: unknown) => {
    if (error instanceof InvalidProofError) return `${error.error}: ${error.message}`;
    throw error;
  });
}

describe('a proof', () => {
  test.each(DPOP_ALGORITHMS)('signed with %s is taken, and names its key', async algorithm => {
    const signer = await newProofKey(algorithm);
    const proof = await signer.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce() });
    expect(await dpop.check(request(proof))).toBe(signer.jkt);
  });

  test('signed in a way that is not announced is refused', async () => {
    const signer = await newProofKey('ES512');
    const proof = await signer.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce() });
    expect(await outcome(dpop.check(request(proof)))).toMatch(/^invalid_dpop_proof/);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>, RegExp]>([
    ['of another type', {}, { typ: 'JWT' }, /typ/],
    ['without a type', {}, { typ: undefined }, /typ/],
    ['for another method', { htm: 'GET' }, {}, /htm/],
    ['for the method in lower case', { htm: 'post' }, {}, /htm/],
    ['for another path', { htu: 'https://mcp.example/oauth/token' }, {}, /htu/],
    ['for another host', { htu: 'https://evil.example/mcp' }, {}, /htu/],
    ['for another scheme', { htu: 'http://mcp.example/mcp' }, {}, /htu/],
    ['for another port', { htu: 'https://mcp.example:8443/mcp' }, {}, /htu/],
    ['for an address with a user', { htu: 'https://u@mcp.example/mcp' }, {}, /htu/],
    ['for no address', { htu: 'mcp' }, {}, /htu/],
    ['without jti', { jti: undefined }, {}, /jti/],
    ['with a jti that is no text', { jti: 1 }, {}, /not a DPoP proof|jti/],
    ['without iat', { iat: undefined }, {}, /iat/],
    ['that has expired by its own word', { exp: 1 }, {}, /exp/],
    ['without a key', {}, { jwk: undefined }, /not a DPoP proof/],
  ])('%s is refused', async (_name, change, header, words) => {
    const nonce = await dpop.nonce();
    const proof = await key.proof({ url: URL_OF_ENDPOINT, nonce }, change, header);
    const said = await outcome(dpop.check(request(proof)));
    expect(said).toMatch(/^invalid_dpop_proof: /);
    expect(said).toMatch(words);
  });

  test.each([
    'https://MCP.example/mcp',
    'HTTPS://mcp.example:443/mcp',
    'https://mcp.example/a/../mcp',
    'https://mcp.example/mcp/',
    'https://mcp.example/mcp?x=1#y',
  ])('for %s is for this endpoint', async url => {
    const proof = await key.proof({ url, nonce: await dpop.nonce() });
    expect(await dpop.check(request(proof))).toBe(key.jkt);
  });

  test('whose own time is wrong counts by its nonce’s (RFC 9449 section 4.3, step 11)', async () => {
    const proof = await key.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce() }, { iat: 1_000 });
    expect(await dpop.check(request(proof))).toBe(key.jkt);
  });

  test('that holds its private key, or a secret one, is refused', async () => {
    const nonce = await dpop.nonce();
    const jwk = await exportJWK(key.privateKey);
    const proof = await key.proof({ url: URL_OF_ENDPOINT, nonce }, {}, { jwk });
    expect(await outcome(dpop.check(request(proof)))).toMatch(/^invalid_dpop_proof/);
    const secret = Buffer.alloc(32, 7);
    const oct = { kty: 'oct', k: secret.toString('base64url') };
    const symmetric = await new SignJWT({ jti: 'x', htm: 'POST', htu: URL_OF_ENDPOINT, iat: 1, nonce })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk: oct })
      .sign(secret);
    expect(await outcome(dpop.check(request(symmetric)))).toMatch(/^invalid_dpop_proof/);
  });

  test('that another key signed, or nobody, is refused', async () => {
    const other = await newProofKey();
    const nonce = await dpop.nonce();
    const forged = await key.proof({ url: URL_OF_ENDPOINT, nonce }, {}, { jwk: other.jwk });
    expect(await outcome(dpop.check(request(forged)))).toMatch(/signature/);
    const [, payload] = forged.split('.');
    const header = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'none', jwk: key.jwk })).toString('base64url');
    expect(await outcome(dpop.check(request(`${header}.${payload}.`)))).toMatch(/^invalid_dpop_proof/);
    expect(await outcome(dpop.check(request(`${header}.${payload}.AAAA`)))).toMatch(/^invalid_dpop_proof/);
  });

  test('is one: two headers are none, and an absent or endless one is refused', async () => {
    const make = async () => key.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce() });
    const headers = new Headers({ dpop: await make() });
    headers.append('dpop', await make());
    const endless = await key.proof(
      { url: URL_OF_ENDPOINT, nonce: await dpop.nonce() },
      { padding: 'A'.repeat(4_096) },
    );
    for (const proof of [headers.get('dpop'), null, '', endless]) {
      expect(await outcome(dpop.check(request(proof)))).toMatch(/^invalid_dpop_proof/);
    }
  });

  test('with a token carries that token’s hash', async () => {
    const send = async (change: object, accessToken: string) =>
      outcome(
        dpop.check(
          request(await key.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce(), ...change }), { accessToken }),
        ),
      );
    expect(await send({ accessToken: 'a' }, 'a')).toBe(key.jkt);
    expect(await send({ accessToken: 'b' }, 'a')).toMatch(/ath/);
    expect(await send({}, 'a')).toMatch(/ath/);
  });

  test('is good once at one instance', async () => {
    const proof = await key.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce() });
    expect(await dpop.check(request(proof))).toBe(key.jkt);
    expect(await outcome(dpop.check(request(proof)))).toBe('invalid_dpop_proof: The proof was used before.');
    const outcomes = await Promise.all(
      [await key.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce() })].flatMap(one =>
        Array.from({ length: 20 }, () => outcome(dpop.check(request(one)))),
      ),
    );
    expect(outcomes.filter(each => each === key.jkt)).toHaveLength(1);
  });

  test('of another key with the same jti is another proof', async () => {
    const other = await newProofKey();
    for (const signer of [key, other]) {
      const proof = await signer.proof({ url: URL_OF_ENDPOINT, nonce: await dpop.nonce() }, { jti: 'same' });
      expect(await dpop.check(request(proof))).toBe(signer.jkt);
    }
  });

  test('with a nonce as old as what a full memory has forgotten needs a new one, and is never taken twice', async () => {
    const small = createDpop({ keys: async () => ring, now: () => clock.now, capacity: 2 });
    const first = await key.proof({ url: URL_OF_ENDPOINT, nonce: await small.nonce() });
    await small.check(request(first));
    for (let i = 0; i < 2; i++) {
      clock.now += 1;
      await small.check(request(await key.proof({ url: URL_OF_ENDPOINT, nonce: await small.nonce() })));
    }
    expect(await outcome(small.check(request(first)))).toMatch(/^use_dpop_nonce/);
    const again = await key.proof({ url: URL_OF_ENDPOINT, nonce: await small.nonce() });
    expect(await small.check(request(again))).toBe(key.jkt);
  });

  test('whatever comes, is a refusal and never an error of ours', async () => {
    const nonce = await dpop.nonce();
    const member = fc.oneof(fc.jsonValue(), fc.constant(undefined));
    const jwk = fc.oneof(
      fc.record({
        kty: fc.constantFrom('EC', 'RSA', 'OKP', 'oct', 'AKP'),
        crv: member,
        x: member,
        y: member,
        n: member,
      }),
      fc.constant({ ...key.jwk, x: 'AAAA' }),
      fc.constant({ kty: 'RSA', n: 'AQAB', e: 'AQAB' }),
      member,
    );
    const alg = fc.constantFrom(...DPOP_ALGORITHMS, 'none', 'HS256', 1, null);
    await fc.assert(
      fc.asyncProperty(jwk, alg, fc.object({ maxDepth: 1 }), async (keyMember, algorithm, claims) => {
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
        const header = part({ typ: 'dpop+jwt', alg: algorithm, jwk: keyMember });
        const payload = part({ jti: 'x', htm: 'POST', htu: URL_OF_ENDPOINT, iat: 1, nonce, ...claims });
        expect(await outcome(dpop.check(request(`${header}.${payload}.${'A'.repeat(86)}`)))).toMatch(/^invalid_dpop/);
      }),
      { seed: 3, numRuns: 1_000 },
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 300 }), async text => {
        expect(await outcome(dpop.check(request(text)))).toMatch(/^invalid_dpop_proof/);
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('a nonce', () => {
  const proofWith = (nonce: unknown) => key.proof({ url: URL_OF_ENDPOINT }, { nonce });

  test('that is missing, made up, altered or too old is asked for, and the answer brings a good one', async () => {
    const old = await dpop.nonce();
    clock.now += 60_001;
    const [time, tag] = (await dpop.nonce()).split('.');
    for (const nonce of [undefined, '', 'x', 5, old, `${time}0.${tag}`, `${time}.`, `.${tag}`, `${time}.${tag}.x`]) {
      const refused: unknown = await dpop.check(request(await proofWith(nonce))).catch(error => error);
      expect(refused).toMatchObject({ error: 'use_dpop_nonce' });
      if (!(refused instanceof InvalidProofError)) throw refused;
      expect(await dpop.check(request(await proofWith(refused.nonce)))).toBe(key.jkt);
    }
  });

  test('is good for a minute, at another instance too', async () => {
    const nonce = await instance(ring).nonce();
    clock.now += 60_000;
    expect(await dpop.check(request(await proofWith(nonce)))).toBe(key.jkt);
    clock.now += 1;
    expect(await outcome(dpop.check(request(await proofWith(nonce))))).toMatch(/^use_dpop_nonce/);
  });

  test('outlives a rotation of keys, and dies with its key', async () => {
    const secret = (letter: string) =>
      Buffer.from(
        letter
          .repeat(32)
          .split('')
          .map((c, i) => c.charCodeAt(0) + i * 5),
      ).toString('hex');
    const keysOf = (setting: string) => createKeyRing(parseSecrets(setting));
    const [old, fresh] = [secret('a'), secret('b')];
    const nonce = await instance(await keysOf(old)).nonce();
    expect(await instance(await keysOf(`${fresh},${old}`)).check(request(await proofWith(nonce)))).toBe(key.jkt);
    const without = instance(await keysOf(fresh)).check(request(await proofWith(nonce)));
    expect(await outcome(without)).toMatch(/^use_dpop_nonce/);
  });
});
