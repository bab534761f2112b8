import { createHash, randomBytes } from 'node:crypto';
import { compactVerify, importJWK, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createKeyRing } from '../../../src/keys/key-ring.ts';
import { parseSecrets } from '../../../src/keys/secret.ts';

const SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7 + 1)).toString('base64url');
const OTHER = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 5 + 3)).toString('hex');
const random = (length: number) => randomBytes(length);
const ring = (setting: string) => createKeyRing(parseSecrets(setting));

describe('JWT_SECRET_KEY', () => {
  test('takes base64url or hex of at least 32 bytes, and several', () => {
    expect(parseSecrets(SEED)[0].bytes).toHaveLength(32);
    expect(parseSecrets(OTHER)[0].bytes).toHaveLength(32);
    expect(parseSecrets(`${SEED}, open:${OTHER}`).map(each => each.opensOnly)).toEqual([false, true]);
  });

  test.each([
    ['too short', Buffer.alloc(31, 1).toString('base64url')],
    ['a passphrase', 'correct horse battery staple correct horse'],
    ['a passphrase with dashes', 'this-is-my-very-secret-signing-key-for-production'],
    ['another', 'correct-horse-battery-staple-correct-horse-battery'],
    ['one in capitals too', 'Correct-Horse-Battery-Staple-Correct-Horse-Battery'],
    ['one letter over and over', 'a'.repeat(64)],
    ['base64 with other characters', `${'ab+/'.repeat(16)}`],
    ['a first value that only opens', `open:${SEED}`],
    ['an empty part', `${SEED},`],
    ['nothing', ''],
  ])('refuses %s, without repeating it', (_name, setting) => {
    expect(() => parseSecrets(setting)).toThrow();
    try {
      parseSecrets(setting);
    } catch (error) {
      if (setting.length > 3) expect(String(error)).not.toContain(setting);
    }
  });
});

describe('the key ring', () => {
  test('derives the same ES256 key each time, and its public half verifies', async () => {
    const [a, b] = [await ring(SEED), await ring(SEED)];
    expect(a.signing.kid).toBe(b.signing.kid);
    const [jwk] = b.jwks.keys;
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(a.signing.privateKey);
    await expect(compactVerify(token, await importJWK(jwk ?? {}, 'ES256'))).resolves.toBeDefined();
    expect(JSON.stringify(a.jwks)).not.toContain('"d"');
  });

  test('signs with a key of any secret, one whose scalar begins with a zero among them', async () => {
    for (let seed = 0; seed < 1024; seed++) {
      const bytes = createHash('sha256').update(`secret ${seed}`).digest();
      const keys = await createKeyRing([{ bytes, opensOnly: false }]);
      const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(keys.signing.privateKey);
      const publicKey = keys.verificationKey(keys.signing.kid);
      if (!publicKey) throw new Error('no key');
      await compactVerify(token, publicKey);
    }
  });

  test('publishes and verifies with every key but those that only open', async () => {
    const keys = await ring(`${SEED},${OTHER}`);
    const retired = await ring(`${SEED},open:${OTHER}`);
    const old = (await ring(OTHER)).signing.kid;
    expect(keys.jwks.keys).toHaveLength(2);
    expect(keys.verificationKey(old)).toBeDefined();
    expect(retired.jwks.keys).toHaveLength(1);
    expect(retired.verificationKey(old)).toBeUndefined();
    expect(retired.tagWith(old, 'p', 'v')).toBeUndefined();
  });

  test('opens what it sealed, under its purpose and place alone', async () => {
    const keys = await ring(SEED);
    const sealed = keys.seal('note', 'row 1', 'text', random);
    expect(keys.open('note', 'row 1', sealed)).toBe('text');
    expect(keys.open('note', 'row 2', sealed)).toBeUndefined();
    expect(keys.open('other', 'row 1', sealed)).toBeUndefined();
    expect((await ring(OTHER)).open('note', 'row 1', sealed)).toBeUndefined();
    expect((await ring(`${OTHER},open:${SEED}`)).open('note', 'row 1', sealed)).toBe('text');
    for (let i = 0; i < sealed.length; i += 7) {
      const other = sealed[i] === 'A' ? 'B' : 'A';
      expect(keys.open('note', 'row 1', sealed.slice(0, i) + other + sealed.slice(i + 1))).toBeUndefined();
    }
    for (const junk of ['', 'x', 'A'.repeat(37), 'A'.repeat(38)])
      expect(keys.open('note', 'row 1', junk)).toBeUndefined();
  });

  test('tags differ by purpose, value and secret', async () => {
    const keys = await ring(SEED);
    const { tag, kid } = keys.tag('p', 'v');
    expect(keys.verifyTag('p', 'v', tag)).toBe(true);
    expect(keys.tagWith(kid, 'p', 'v')).toBe(tag);
    expect(keys.verifyTag('q', 'v', tag)).toBe(false);
    expect(keys.verifyTag('p', 'w', tag)).toBe(false);
    expect((await ring(OTHER)).verifyTag('p', 'v', tag)).toBe(false);
    expect((await ring(`${OTHER},${SEED}`)).verifyTag('p', 'v', tag)).toBe(true);
    expect((await ring(`${OTHER},open:${SEED}`)).verifyTag('p', 'v', tag)).toBe(false);
  });
});
