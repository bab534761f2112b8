import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto';
import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { RandomBytes } from './random.ts';
import type { Secret } from './secret.ts';

/**
 * Everything that is derived from `JWT_SECRET_KEY`: the ES256 keys that sign
 * and verify access tokens, the keys that seal values, and the keys of short
 * authentication tags. Each has an HKDF label of its own (RFC 5869), so none
 * can be taken for another.
 */
export interface KeyRing {
  /** Signs access tokens. */
  readonly signing: { readonly kid: string; readonly privateKey: CryptoKey };
  /** The public key of a `kid`, where tokens of it are still accepted. */
  verificationKey(kid: string): CryptoKey | undefined;
  /** The public keys (RFC 7517), for other verifiers. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /**
   * Encrypts with AES-256-GCM under the first secret.
   * @param purpose the label of the key: what the value is
   * @param boundTo additional data: where the value belongs; it opens only there
   * @param random gives the 12 bytes of the nonce
   */
  seal(purpose: string, boundTo: string, plaintext: string, random: RandomBytes): string;
  /** What {@link seal} took, or `undefined` for anything altered, moved or sealed under a secret that is gone. */
  open(purpose: string, boundTo: string, sealed: string): string | undefined;
  /** HMAC-SHA-256 in base64url, and the `kid` of the secret that it was made with. */
  tag(purpose: string, value: string): { kid: string; tag: string };
  /** The tag under a named secret, to make the same again; `undefined` when that secret is gone. */
  tagWith(kid: string, purpose: string, value: string): string | undefined;
  /** Whether a tag is one of ours, of a secret that still verifies. Constant in time. */
  verifyTag(purpose: string, value: string, tag: string): boolean;
}

/** Derives all keys of the given secrets. */
export async function createKeyRing(secrets: readonly [Secret, ...Secret[]]): Promise<KeyRing> {
  const [first, ...rest] = await Promise.all(secrets.map(deriveKeys));
  if (!first) throw new Error('unreachable: parseSecrets gives one value at least');
  const all = [first, ...rest];
  const verifying = all.filter(keys => !keys.opensOnly);

  return {
    signing: { kid: first.kid, privateKey: first.privateKey },
    verificationKey: kid => verifying.find(keys => keys.kid === kid)?.publicKey,
    jwks: { keys: verifying.map(keys => keys.publicJwk) },

    seal(purpose, boundTo, plaintext, random) {
      const nonce = random(12);
      const cipher = createCipheriv('aes-256-gcm', first.derive(`seal ${purpose}`, 32), nonce);
      cipher.setAAD(Buffer.from(boundTo));
      const body = [cipher.update(plaintext, 'utf8'), cipher.final()];
      return Buffer.concat([nonce, ...body, cipher.getAuthTag()]).toString('base64url');
    },

    open(purpose, boundTo, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < 12 + 16) return undefined;
      for (const keys of all) {
        const decipher = createDecipheriv('aes-256-gcm', keys.derive(`seal ${purpose}`, 32), bytes.subarray(0, 12), {
          authTagLength: 16,
        });
        decipher.setAAD(Buffer.from(boundTo));
        decipher.setAuthTag(bytes.subarray(-16));
        try {
          return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
        } catch {
          // Not this secret's, or not ours at all: the next one tells.
        }
      }
      return undefined;
    },

    tag: (purpose, value) => ({ kid: first.kid, tag: first.tag(purpose, value) }),
    tagWith: (kid, purpose, value) => verifying.find(keys => keys.kid === kid)?.tag(purpose, value),
    verifyTag: (purpose, value, tag) => verifying.some(keys => equalInConstantTime(keys.tag(purpose, value), tag)),
  };
}

/** Compares two texts in a time that tells nothing but whether their lengths differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

/** The order of the curve P-256. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

async function deriveKeys(secret: Secret) {
  const cache = new Map<string, Buffer>();
  const derive = (label: string, length: number) => {
    let key = cache.get(label);
    if (!key) {
      key = Buffer.from(hkdfSync('sha256', secret.bytes, '', `entra-mcp ${label}`, length));
      cache.set(label, key);
    }
    return key;
  };

  // FIPS 186-5, A.2.1: 48 bytes, far more than the order has, so that the reduction leaves no bias.
  const scalar = (BigInt(`0x${derive('ES256 signing key', 48).toString('hex')}`) % (P256_ORDER - 1n)) + 1n;
  // Always 32 bytes: one scalar in 256 begins with a zero, which ECDH would leave out when asked for it.
  const privateBytes = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(privateBytes);
  const point = ecdh.getPublicKey();
  const x = point.subarray(1, 33).toString('base64url');
  const y = point.subarray(33).toString('base64url');
  // RFC 7638: the thumbprint is the hash of the required members in this order.
  const kid = createHash('sha256')
    .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
    .digest('base64url');
  const publicJwk: JWK = { kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' };
  const d = privateBytes.toString('base64url');

  return {
    kid,
    opensOnly: secret.opensOnly,
    publicJwk,
    publicKey: (await importJWK(publicJwk, 'ES256')) as CryptoKey,
    privateKey: (await importJWK({ kty: 'EC', crv: 'P-256', x, y, d }, 'ES256')) as CryptoKey,
    derive,
    tag: (purpose: string, value: string) =>
      createHmac('sha256', derive(`tag ${purpose}`, 32))
        .update(value)
        .digest('base64url'),
  };
}
