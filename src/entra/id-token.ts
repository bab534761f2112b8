import { errors, type JWTPayload } from 'jose';
import type { Person } from '../access/person.ts';
import { EntraRefusedError } from './errors.ts';
import type { TenantKeys } from './tenant-keys.ts';
import { isMultiTenant, issuerOf, isTenantAllowed, type TenantRule } from './tenants.ts';

/** Who Entra says has signed in. */
export interface SignedIn {
  readonly person: Person;
  /** App roles that they have in this application. */
  readonly roles: readonly string[];
  /** Object ids of their groups, where the registration asks for them and a token can hold them all. */
  readonly groups: readonly string[] | 'too many';
  /** Entra's session, where the registration asks for the claim. */
  readonly sid?: string;
  /** When they last showed Entra who they are, where the registration asks for the claim. In milliseconds since the epoch. */
  readonly authenticatedAt?: number;
}

export interface IdTokenVerifier {
  /**
   * Checks an id token (OpenID Connect Core section 3.1.3.7): signature by the
   * tenant's keys, audience, nonce, times with five minutes of skew, the issuer,
   * which is the token's own tenant's, and whether that tenant's people may enter.
   *
   * @throws EntraRefusedError when it does not hold
   * @throws UnavailableError when the tenant's keys cannot be had
   */
  verify(idToken: string, expected: { nonce?: string; now: number }): Promise<SignedIn>;
}

const SKEW_SECONDS = 300;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface IdTokenRules extends TenantRule {
  readonly authorityHost: string;
  readonly clientId: string;
  /** Where people learn whom to ask. */
  readonly helpUrl?: string | undefined;
}

export function createIdTokenVerifier(rules: IdTokenRules, keys: TenantKeys): IdTokenVerifier {
  return {
    async verify(idToken, { nonce, now }) {
      const { payload, keyIssuer } = await keys
        .verify(idToken, {
          algorithms: ['RS256'],
          audience: rules.clientId,
          clockTolerance: SKEW_SECONDS,
          currentDate: new Date(now),
          requiredClaims: ['iss', 'exp', 'iat', 'tid', 'oid'],
        })
        .catch(error => {
          throw isInvalid(error) ? refused('it does not verify') : error;
        });
      const { tid, oid, name, email, preferred_username: username, sid, auth_time: authTime } = payload;
      // A renewal's has none: nobody's browser was there.
      if (nonce !== undefined && payload.nonce !== nonce) throw refused('its nonce is not of this sign-in');
      if (typeof tid !== 'string' || typeof oid !== 'string' || !GUID.test(tid) || !GUID.test(oid)) {
        throw refused('it names no person');
      }
      // Each tenant is an issuer of its own, so that none can speak for another; a key may be tied to one too.
      const issuer = issuerOf(rules.authorityHost, tid);
      if (isMultiTenant(rules.tenantId) && payload.iss !== issuer) throw refused('its issuer is not its tenant');
      if (!isMultiTenant(rules.tenantId) && payload.iss !== issuerOf(rules.authorityHost, rules.tenantId)) {
        throw refused('its issuer is another');
      }
      if (keyIssuer !== undefined && keyIssuer.replace('{tenantid}', tid) !== payload.iss) {
        throw refused('its key is not of its issuer');
      }
      if (!isTenantAllowed(rules, tid)) {
        throw new EntraRefusedError({
          error: 'access_denied',
          what: 'Your account belongs to another organization.',
          todo: 'Sign in with an account of this organization.',
          ...(rules.helpUrl ? { helpUrl: rules.helpUrl } : {}),
          isOurs: true,
          person: { tid, oid },
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
        roles: texts(payload.roles),
        groups: hasTooManyGroups(payload) ? 'too many' : texts(payload.groups),
        ...(typeof sid === 'string' ? { sid } : {}),
        ...(typeof authTime === 'number' ? { authenticatedAt: authTime * 1000 } : {}),
      };
    },
  };
}

function texts(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter(value => typeof value === 'string') : [];
}

/** Entra's "overage": with more than 200 groups the token only says that there are some. */
function hasTooManyGroups({ hasgroups, _claim_names: names }: JWTPayload): boolean {
  return hasgroups === true || (names !== null && typeof names === 'object' && 'groups' in names);
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
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

function refused(why: string): EntraRefusedError {
  return new EntraRefusedError({
    error: 'server_error',
    what: `Microsoft Entra ID sent an id token that this server does not accept: ${why}.`,
    todo: 'Sign in again. If it happens again, tell whoever runs this server.',
  });
}
