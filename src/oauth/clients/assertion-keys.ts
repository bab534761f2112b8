import type { JWK } from 'jose';
import * as z from 'zod';
import { ASSERTION_ALGORITHMS } from '../metadata.ts';
import { ClientDocumentError } from './documents/client-document-error.ts';

/** RFC 7517 section 5. */
const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(20) });

/** RFC 7518 section 6: what only a private key has. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];

/** RSA moduli, in bits; longer ones cost more than they prove. */
const RSA_LEAST = 2_048;
const RSA_MOST = 8_192;

export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number];

/**
 * The keys of a set that can verify an assertion; others, symmetric ones among
 * them, are left out.
 *
 * @throws ClientDocumentError for a set that holds a private key, or none that is of use
 */
export function readKeySet(value: unknown): readonly JWK[] {
  const parsed = keySet.safeParse(value);
  if (!parsed.success) throw new ClientDocumentError('The application’s key set is not one');
  const { keys } = parsed.data;
  if (keys.some(key => PRIVATE_MEMBERS.some(member => member in key))) {
    throw new ClientDocumentError('The application’s key set shows a private key');
  }
  const usable = keys.filter(key => ASSERTION_ALGORITHMS.some(alg => fits(key, alg)));
  if (usable.length > 0) return usable;
  throw new ClientDocumentError(
    `The application’s key set has no key for ${ASSERTION_ALGORITHMS.join(', ')} (RSA from ${RSA_LEAST} bits)`,
  );
}

/** Whether a key is one that verifies signatures of an algorithm (RFC 7517 section 4, RFC 7518 section 3.1, RFC 8037). */
export function fits(key: JWK, alg: AssertionAlgorithm): boolean {
  if (key.use !== undefined && key.use !== 'sig') return false;
  if (key.key_ops !== undefined && !(Array.isArray(key.key_ops) && key.key_ops.includes('verify'))) return false;
  if (key.alg !== undefined && key.alg !== alg && !(alg === 'EdDSA' && key.alg === 'Ed25519')) return false;
  switch (alg) {
    case 'ES256':
      return key.kty === 'EC' && key.crv === 'P-256';
    case 'EdDSA':
      return key.kty === 'OKP' && key.crv === 'Ed25519';
    case 'RS256':
    case 'PS256':
      return key.kty === 'RSA' && isFairRsaKey(key);
  }
}

function isFairRsaKey({ n, e }: JWK): boolean {
  if (typeof n !== 'string' || typeof e !== 'string' || e.length > 6) return false;
  const hex = Buffer.from(n, 'base64url').toString('hex').replace(/^0+/, '');
  const bits = hex.length * 4 - Math.clz32(Number.parseInt(hex[0] ?? '0', 16)) + 28;
  return bits >= RSA_LEAST && bits <= RSA_MOST;
}
