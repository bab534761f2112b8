import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import type { Person } from '../access/person.ts';
import { UnavailableError } from '../http/errors.ts';
import type { EntraEndpoints } from './endpoints.ts';
import { EntraRefusedError } from './errors.ts';

/** Who Entra says has signed in. */
export interface SignedIn {
  readonly person: Person;
  /** Entra's session, where the registration asks for the claim. */
  readonly sid?: string;
}

export interface IdTokenVerifier {
  /**
   * Checks an id token (OpenID Connect Core section 3.1.3.7): signature by the
   * tenant's keys, issuer, audience, nonce, times with five minutes of skew, and
   * the tenant, which the issuer alone does not settle for guests.
   *
   * @throws EntraRefusedError when it does not hold
   * @throws UnavailableError when the tenant's keys cannot be had
   */
  verify(idToken: string, expected: { nonce: string; now: number }): Promise<SignedIn>;
}

const SKEW_SECONDS = 300;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * @param fetch fetches the tenant's keys; they are cached for ten minutes, and
 *   fetched again for an unknown key at most twice a minute
 */
export function createIdTokenVerifier(
  endpoints: EntraEndpoints,
  { tenantId, clientId, fetch }: { tenantId: string; clientId: string; fetch: typeof globalThis.fetch },
): IdTokenVerifier {
  const keys = createRemoteJWKSet(new URL(endpoints.jwksUri), { timeoutDuration: 5_000, [customFetch]: fetch });

  return {
    async verify(idToken, { nonce, now }) {
      const { payload } = await jwtVerify(idToken, keys, {
        algorithms: ['RS256'],
        issuer: endpoints.issuer,
        audience: clientId,
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(now),
        requiredClaims: ['exp', 'iat', 'nonce', 'tid', 'oid'],
      }).catch(error => {
        throw isInvalid(error) ? refused('it does not verify') : new UnavailableError('entra', error);
      });
      const { tid, oid, name, email, preferred_username: username, sid } = payload;
      if (payload.nonce !== nonce) throw refused('its nonce is not of this sign-in');
      if (typeof tid !== 'string' || typeof oid !== 'string' || !GUID.test(tid) || !GUID.test(oid)) {
        throw refused('it names no person');
      }
      if (tid !== tenantId) {
        throw new EntraRefusedError({
          error: 'access_denied',
          what: 'Your account belongs to another organization.',
          todo: 'Sign in with an account of this organization.',
        });
      }
      const address = typeof email === 'string' && email ? email : username;
      return {
        person: {
          tid,
          oid,
          ...(typeof name === 'string' && name ? { name: name.slice(0, 256) } : {}),
          ...(typeof address === 'string' && address ? { email: address.slice(0, 320) } : {}),
        },
        ...(typeof sid === 'string' ? { sid } : {}),
      };
    },
  };
}

/** A token that is wrong, and not keys that could not be fetched. */
function isInvalid(error: unknown): boolean {
  return (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JWKSNoMatchingKey
  );
}

function refused(why: string): EntraRefusedError {
  return new EntraRefusedError({
    error: 'server_error',
    what: `Microsoft Entra ID sent an id token that this server does not accept: ${why}.`,
    todo: 'Sign in again. If it happens again, tell whoever runs this server.',
  });
}
