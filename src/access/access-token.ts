import { hash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import type { KeyRing } from '../keys/key-ring.ts';
import { type Person, personKey } from './person.ts';

/**
 * The access token that this server issues: a JWT of RFC 9068, signed with ES256,
 * for one resource, which accepts it.
 */
export interface AccessToken {
  readonly person: Person;
  readonly clientId: string;
  readonly grantId: string;
  readonly tokenId: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** The person's app roles, of those that the resource is told of (RFC 9068 section 2.2.3.1). */
  readonly roles: readonly string[];
  /** When its grant began, in seconds since the epoch: `auth_time` (RFC 9068 section 2.2.1). */
  readonly signedInAt: number;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** Thumbprint of the key that must be proven with it (RFC 9449); absent for a bearer token. */
  readonly jkt?: string;
}

/** Why a token was refused; the words that clients and logs see. */
export type TokenFault =
  | 'malformed'
  | 'type'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not yet valid'
  | 'revoked'
  | 'needs a proof'
  | 'has no key'
  | 'another key';

export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';
  readonly fault: TokenFault;
  /** What came and what was expected, for the log; nothing that could be replayed. */
  readonly details: Record<string, string>;

  constructor(fault: TokenFault, details: Record<string, string> = {}) {
    super(`the access token is refused: ${fault}`);
    this.fault = fault;
    this.details = details;
  }
}

/** Clocks of two instances may differ by this many seconds. */
const CLOCK_SKEW = 120;
const TYPE = 'at+jwt';

/** Signs an access token (RFC 9068 section 2). Name and e-mail go in only where `profile` was granted. */
export async function signAccessToken(keys: KeyRing, issuer: string, token: AccessToken): Promise<string> {
  const { person } = token;
  const profile = token.scopes.includes('profile');
  return new SignJWT({
    client_id: token.clientId,
    scope: token.scopes.join(' '),
    gid: token.grantId,
    auth_time: token.signedInAt,
    ...(token.roles.length > 0 ? { roles: token.roles } : {}),
    ...(token.jkt ? { cnf: { jkt: token.jkt } } : {}),
    tid: person.tid,
    oid: person.oid,
    ...(profile && person.name ? { name: person.name } : {}),
    ...(profile && person.email ? { email: person.email } : {}),
  })
    .setProtectedHeader({ alg: 'ES256', typ: TYPE, kid: keys.signing.kid })
    .setIssuer(issuer)
    .setAudience(token.resource)
    .setSubject(personKey(person))
    .setJti(token.tokenId)
    .setIssuedAt(token.issuedAt)
    .setExpirationTime(token.expiresAt)
    .sign(keys.signing.privateKey);
}

/** How long a server behind the gateway may use the token that it gets with a call. */
export const UPSTREAM_TOKEN_SECONDS = 60;

/**
 * Signs what a server behind the gateway gets with a call: a bearer token of ours
 * for it alone, with the person, the client, the scopes and the roles of the
 * token that came, and verified as that one is. Never longer lived than it.
 *
 * @param token the client's, verified
 * @param upstream the server's URL: the audience
 * @param tokenId another than the client's token has
 * @param now seconds since the epoch
 */
export async function signUpstreamToken(
  keys: KeyRing,
  issuer: string,
  { jkt: _jkt, ...token }: AccessToken,
  { upstream, tokenId, now }: { upstream: string; tokenId: string; now: number },
): Promise<string> {
  const issuedAt = Math.floor(now);
  const expiresAt = Math.min(issuedAt + UPSTREAM_TOKEN_SECONDS, token.expiresAt);
  return signAccessToken(keys, issuer, { ...token, resource: upstream, tokenId, issuedAt, expiresAt });
}

/**
 * Checks a token's signature, type, issuer, audience and times (RFC 9068
 * section 4). Whether its grant was revoked is asked elsewhere.
 *
 * @param expected whose token it has to be; of several resources any will do
 * @param now seconds since the epoch
 * @throws InvalidTokenError
 */
export async function verifyAccessToken(
  keys: KeyRing,
  expected: { issuer: string; resource: string | readonly string[] },
  jwt: string,
  now: number,
): Promise<AccessToken> {
  const kid = keyId(jwt);
  const key = keys.verificationKey(kid);
  if (!key) {
    throw new InvalidTokenError('signature', { got: `kid ${kid}`, expected: 'a key of this server', ...saidOf(jwt) });
  }
  try {
    const { payload } = await jwtVerify(jwt, key, {
      algorithms: ['ES256'],
      typ: TYPE,
      issuer: expected.issuer,
      audience: typeof expected.resource === 'string' ? expected.resource : [...expected.resource],
      currentDate: new Date(now * 1000),
      clockTolerance: CLOCK_SKEW,
      requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id', 'scope', 'gid', 'auth_time', 'tid', 'oid'],
    });
    const expiresAt = payload.exp ?? 0;
    // The skew forgives a clock that is behind at issue; an expiry is meant as it stands.
    if (expiresAt <= now) throw new InvalidTokenError('expired', { expired: String(expiresAt), now: String(now) });
    const issuedAt = payload.iat ?? 0;
    if (issuedAt > now + CLOCK_SKEW) {
      throw new InvalidTokenError('not yet valid', { issued: String(issuedAt), now: String(now) });
    }
    const jkt = keyOf(payload.cnf);
    if (typeof payload.aud !== 'string') throw new InvalidTokenError('malformed', { claim: 'aud' });
    if (typeof payload.auth_time !== 'number') throw new InvalidTokenError('malformed', { claim: 'auth_time' });
    const text = (name: string) => String(payload[name]);
    return {
      person: {
        tid: text('tid'),
        oid: text('oid'),
        ...(typeof payload.name === 'string' ? { name: payload.name } : {}),
        ...(typeof payload.email === 'string' ? { email: payload.email } : {}),
      },
      clientId: text('client_id'),
      grantId: text('gid'),
      tokenId: text('jti'),
      resource: payload.aud,
      scopes: text('scope').split(' ').filter(Boolean),
      roles: Array.isArray(payload.roles) ? payload.roles.map(String) : [],
      signedInAt: payload.auth_time,
      issuedAt,
      expiresAt,
      ...(jkt ? { jkt } : {}),
    };
  } catch (error) {
    throw toInvalidToken(error, { ...expected, now, kid, typ: typeOf(jwt) });
  }
}

/** Names a token in caches without holding it. */
export function tokenHash(jwt: string): string {
  return hash('sha256', jwt, 'base64url');
}

function keyId(jwt: string): string {
  try {
    const { kid } = decodeProtectedHeader(jwt);
    // Whatever JSON it is: only a text can name a key.
    return typeof kid === 'string' ? kid : '';
  } catch {
    throw new InvalidTokenError('malformed');
  }
}

/** What a token of somebody else's says of itself: an operator can tell from it whose it is. */
function saidOf(jwt: string): Record<string, string> {
  try {
    const { iss, aud, exp, scp, scope } = decodeJwt(jwt);
    const said = { issuer: iss, audience: aud, expires: exp, scopes: scope ?? scp };
    const told = Object.entries(said).filter(([, value]) => value !== undefined);
    return Object.fromEntries(
      told.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    );
  } catch {
    return {};
  }
}

function typeOf(jwt: string): string {
  return decodeProtectedHeader(jwt).typ ?? 'nothing';
}

/** The key of a confirmation claim (RFC 9449 section 6.1); one of another kind is none that could be checked here. */
function keyOf(cnf: unknown): string | undefined {
  if (cnf === undefined) return undefined;
  if (cnf !== null && typeof cnf === 'object' && 'jkt' in cnf && typeof cnf.jkt === 'string') return cnf.jkt;
  throw new InvalidTokenError('malformed', { got: 'cnf of an unknown kind', expected: 'jkt' });
}

/** What a token was held against. */
interface Expected {
  readonly now: number;
  readonly kid: string;
  readonly issuer: string;
  readonly resource: string | readonly string[];
  /** The type that its header names. */
  readonly typ: string;
}

function toInvalidToken(error: unknown, { now, kid, issuer, resource, typ }: Expected): unknown {
  if (error instanceof InvalidTokenError) return error;
  if (error instanceof errors.JWTExpired) {
    return new InvalidTokenError('expired', { expired: String(error.payload.exp), now: String(now) });
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, payload } = error;
    const got = claim === 'typ' ? typ : payload[claim];
    const expected = { iss: issuer, aud: resource, typ: TYPE }[claim];
    return new InvalidTokenError(CLAIM_FAULTS[claim] ?? 'malformed', {
      claim,
      got: typeof got === 'string' ? got : (JSON.stringify(got) ?? 'nothing'),
      ...(expected ? { expected: String(expected) } : {}),
    });
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JWSSignatureVerificationFailed) {
    return new InvalidTokenError('signature', { got: error.message, expected: `ES256 by the key ${kid}` });
  }
  return error instanceof errors.JOSEError ? new InvalidTokenError('malformed', { got: error.message }) : error;
}

const CLAIM_FAULTS: Record<string, TokenFault> = {
  iss: 'issuer',
  aud: 'audience',
  typ: 'type',
  nbf: 'not yet valid',
  iat: 'not yet valid',
};
