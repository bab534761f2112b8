import { decodeJwt, decodeProtectedHeader, errors, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { ASSERTION_ALGORITHMS } from '../metadata.ts';
import { type AssertionAlgorithm, fits } from './assertion-keys.ts';

/** A client's signed assertion (RFC 7523 section 3, OpenID Connect Core section 9: `private_key_jwt`). */

/** RFC 7523 section 2.2: the one `client_assertion_type`. */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** How far ahead an assertion may expire, and how far clocks may differ; in seconds. */
const LONGEST_LIFE = 3600;
const SKEW = 60;

/** In characters. */
const LONGEST = 8_192;

/** An assertion that does not prove who sent it. Its message ends a sentence that begins with "The client assertion". */
export class InvalidAssertionError extends Error {
  override readonly name = 'InvalidAssertionError';
}

/** Whom an assertion says that it is about, unverified; `undefined` where it names nobody by a text. */
export function claimedSubject(assertion: string): string | undefined {
  try {
    const { sub }: Record<string, unknown> = decodeJwt(assertion);
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    return undefined;
  }
}

export interface ExpectedAssertion {
  readonly clientId: string;
  /** Those of its names that this server goes by as an audience. */
  readonly audiences: readonly string[];
  /** The one algorithm that the client has named, if it has. */
  readonly algorithm?: AssertionAlgorithm | undefined;
  /** Gives the client's keys, among them that of the `kid` if there is one. */
  readonly keys: (kid: string | undefined) => Promise<readonly JWK[]>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Verifies an assertion: its algorithm is one that a public key verifies, a key of
 * the client's has signed it, it is by and about the client, for this server
 * alone, and of now. Whether it was used before is not known here.
 *
 * @returns its name, and when nobody accepts it any more, in milliseconds
 * @throws InvalidAssertionError, and what `keys` throws
 */
export async function verifyAssertion(
  assertion: string,
  { clientId, audiences, algorithm, keys, now }: ExpectedAssertion,
): Promise<{ jti: string; expiresAt: number }> {
  const { alg, kid } = readHeader(assertion);
  if (algorithm && alg !== algorithm) throw new InvalidAssertionError(`is not signed by ${algorithm}, as announced`);
  const candidates = (await keys(kid)).filter(key => fits(key, alg) && (kid === undefined || key.kid === kid));
  const options = {
    algorithms: [alg],
    issuer: clientId,
    subject: clientId,
    clockTolerance: SKEW,
    currentDate: new Date(now),
    requiredClaims: ['exp', 'jti', 'aud'],
  };
  for (const key of candidates) {
    try {
      return checkClaims((await jwtVerify(assertion, key, options)).payload, audiences, now / 1000);
    } catch (error) {
      if (error instanceof InvalidAssertionError) throw error;
      if (error instanceof errors.JWTExpired) throw new InvalidAssertionError('has expired');
      if (error instanceof errors.JWTClaimValidationFailed) {
        throw new InvalidAssertionError(`does not have the ${error.claim} that it must have`);
      }
      // Another key's signature, or a key that is none: the next one tells.
    }
  }
  throw new InvalidAssertionError(
    candidates.length > 0
      ? 'is not signed by a key of the client'
      : 'names no key of the client that fits its algorithm',
  );
}

function readHeader(assertion: string): { alg: AssertionAlgorithm; kid: string | undefined } {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    if (assertion.length > LONGEST) throw new InvalidAssertionError(`is longer than ${LONGEST} characters`);
    header = decodeProtectedHeader(assertion);
  } catch (error) {
    throw error instanceof InvalidAssertionError ? error : new InvalidAssertionError('is not a JWT');
  }
  const alg = ASSERTION_ALGORITHMS.find(known => known === header.alg);
  if (!alg) throw new InvalidAssertionError(`is not signed by one of ${ASSERTION_ALGORITHMS.join(', ')}`);
  // Another kind of JWT that the client has signed is not meant for this.
  if (header.typ !== undefined && !/^(application\/)?(jwt|client-authentication\+jwt)$/i.test(header.typ)) {
    throw new InvalidAssertionError('is a JWT of another type');
  }
  return { alg, kid: typeof header.kid === 'string' ? header.kid : undefined };
}

function checkClaims({ aud, exp, iat, jti }: JWTPayload, audiences: readonly string[], now: number) {
  const [audience, ...others] = [aud ?? []].flat();
  if (audience === undefined || others.length > 0 || !audiences.includes(audience)) {
    throw new InvalidAssertionError(`is not for this server alone: its aud must be ${audiences[0]}`);
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > 200) {
    throw new InvalidAssertionError('has a jti that is no text of 1 to 200 characters');
  }
  if (exp === undefined || exp > now + LONGEST_LIFE + SKEW) {
    throw new InvalidAssertionError(`expires more than ${LONGEST_LIFE} seconds from now`);
  }
  if (iat !== undefined && !(typeof iat === 'number' && iat <= now + SKEW)) {
    throw new InvalidAssertionError('was issued in the future');
  }
  return { jti, expiresAt: (exp + SKEW) * 1000 };
}
