import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, errors, type JWTPayload, jwtVerify } from 'jose';
import { hashOf } from '../keys/hash.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { tokenHash } from './access-token.ts';
import { ReplayMemory } from './replay-memory.ts';

/** How a proof may be signed. `EdDSA` and `Ed25519` are two names of one algorithm (RFC 9864). */
export const DPOP_ALGORITHMS = ['ES256', 'ES384', 'RS256', 'PS256', 'Ed25519', 'EdDSA'] as const;

/** Why a proof is refused, in the words of RFC 9449, and the nonce that the next one is to carry. */
export class InvalidProofError extends Error {
  override readonly name = 'InvalidProofError';
  readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce';
  readonly nonce: string;

  constructor(error: InvalidProofError['error'], message: string, nonce: string) {
    super(message);
    this.error = error;
    this.nonce = nonce;
  }
}

/** The request that a proof must be for. */
export interface ProvenRequest {
  /** The value of the `DPoP` header; two of them are joined by a comma, which no proof has. */
  readonly proof: string | null;
  readonly method: string;
  /** The endpoint's URL as it is configured, never as the request names it. */
  readonly url: string;
  /** The access token that came with it, at a resource. */
  readonly accessToken?: string;
}

export interface Dpop {
  /**
   * Checks a proof of possession (RFC 9449 section 4.3) and uses it up.
   * @returns the thumbprint of the key that signed it (RFC 7638)
   * @throws InvalidProofError
   */
  check(request: ProvenRequest): Promise<string>;
  /** A nonce for the next proof (RFC 9449 section 8). */
  nonce(): Promise<string>;
}

export interface DpopOptions {
  keys: () => Promise<KeyRing>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** How many proofs are remembered; 50,000. */
  capacity?: number;
}

/** How long a nonce is good, in milliseconds; as much ahead, for another instance's clock may be. */
const NONCE_MS = 60_000;
const CAPACITY = 50_000;
/** Characters of a proof with an RSA key of 4096 bits, and some to spare. */
const LONGEST_PROOF = 4_096;

/**
 * DPoP proofs, checked with no storage. A proof must carry a nonce of ours, which
 * is a time and a tag over it: any instance checks what another gave. So a proof
 * is good for a minute, and within it each instance takes it once. The nonce's
 * time counts and not the proof's own, for clocks of clients go wrong.
 */
export function createDpop({ keys, now, capacity = CAPACITY }: DpopOptions): Dpop {
  const seen = new ReplayMemory(NONCE_MS, capacity);

  async function nonce(): Promise<string> {
    const issuedAt = now().toString(36);
    return `${issuedAt}.${(await keys()).tag(PURPOSE, issuedAt).tag}`;
  }

  /** When a nonce was given out; `undefined` for one that is not ours or too old. */
  async function issueOf(claim: unknown): Promise<number | undefined> {
    const [text = '', tag = '', ...rest] = typeof claim === 'string' ? claim.split('.') : [];
    if (rest.length > 0 || !/^[0-9a-z]{1,10}$/.test(text)) return undefined;
    const issuedAt = Number.parseInt(text, 36);
    const isGood = (await keys()).verifyTag(PURPOSE, text, tag) && Math.abs(now() - issuedAt) <= NONCE_MS;
    return isGood && seen.remembers(issuedAt) ? issuedAt : undefined;
  }

  return {
    nonce,
    async check(request) {
      const refuse = async (why: string) => new InvalidProofError('invalid_dpop_proof', why, await nonce());
      let proven: { claims: JWTPayload; jkt: string };
      try {
        proven = await verifyProof(request, now());
      } catch (error) {
        if (error instanceof ProofFault) throw await refuse(error.message);
        throw error;
      }
      const { claims, jkt } = proven;
      const issuedAt = await issueOf(claims.nonce);
      if (issuedAt === undefined) {
        throw new InvalidProofError('use_dpop_nonce', 'The proof needs the nonce of this answer.', await nonce());
      }
      if (!seen.take(hashOf('dpop proof', `${jkt}.${claims.jti}`), issuedAt, now())) {
        throw await refuse('The proof was used before.');
      }
      return jkt;
    },
  };
}

const PURPOSE = 'dpop nonce';

class ProofFault extends Error {}

/** Everything about a proof that needs neither nonce nor memory. */
async function verifyProof(
  { proof, method, url, accessToken }: ProvenRequest,
  now: number,
): Promise<{ claims: JWTPayload; jkt: string }> {
  if (!proof) throw new ProofFault('The request has no DPoP proof.');
  if (proof.length > LONGEST_PROOF || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(proof)) {
    throw new ProofFault('The DPoP header is not one signed proof.');
  }
  const { claims, jkt } = await openProof(proof, now);
  if (claims.htm !== method) throw new ProofFault('The htm of the proof is not the method of the request.');
  if (!isSameUrl(claims.htu, url)) throw new ProofFault(`The htu of the proof is not ${url}.`);
  if (accessToken !== undefined && claims.ath !== tokenHash(accessToken)) {
    throw new ProofFault('The ath of the proof is not the hash of the access token.');
  }
  return { claims, jkt };
}

/** Type, algorithm, key and signature. */
async function openProof(proof: string, now: number): Promise<{ claims: JWTPayload; jkt: string }> {
  try {
    const { payload } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...DPOP_ALGORITHMS],
      typ: 'dpop+jwt',
      currentDate: new Date(now),
      requiredClaims: ['jti', 'htm', 'htu', 'iat'],
    });
    const { jwk } = decodeProtectedHeader(proof);
    if (!jwk || typeof payload.jti !== 'string') throw new ProofFault('The jti of the proof is not a text.');
    return { claims: payload, jkt: await calculateJwkThumbprint(jwk) };
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
      throw new ProofFault(`The ${error.claim} of the proof is missing or wrong.`);
    if (error instanceof errors.JWSSignatureVerificationFailed)
      throw new ProofFault('The signature of the proof is wrong.');
    // What a key of the sender’s own making can do to a key’s import is not worth telling apart.
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) {
      throw new ProofFault('The proof is not a DPoP proof that is signed in a way that this server takes.');
    }
    throw error;
  }
}

/** RFC 9449 section 4.3, step 9: query and fragment do not count, nor does a slash at the end, as in our routes. */
function isSameUrl(htu: unknown, expected: string): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false;
  const [got, own] = [new URL(htu), new URL(expected)];
  const path = got.pathname.replace(/(?<=.)\/$/, '');
  return got.origin === own.origin && path === own.pathname && !got.username && !got.password;
}
