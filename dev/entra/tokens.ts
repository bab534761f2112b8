/** The tokens as Entra makes them: its claims, its `client_info`, signed by a key made at start. */
import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { type Person, subjectOf } from './people.ts';
import { GRAPH_RESOURCE, resourcesOf, shortScope } from './scopes.ts';

const LIFETIME_SECONDS = 3600;
/** Microsoft Graph's name in tokens. */
export const GRAPH = '00000003-0000-0000-c000-000000000000';

export interface SigningKey {
  privateKey: CryptoKey;
  /** With the private part, for oidc-provider; its keys endpoint publishes the public part. */
  jwk: JWK;
  kid: string;
}

export async function newSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomUUID();
  return { privateKey, kid, jwk: { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' } };
}

/** What one answer of the token endpoint is about. */
export interface Grant {
  issuer: string;
  clientId: string;
  person: Person;
  scopes: Set<string>;
  sessionId: string;
  nonce: string | undefined;
  /** When the person chose their account on the page, in seconds since 1970. */
  authTime: number;
  /** Milliseconds since 1970. */
  now: number;
}

/** What a test wants wrong with id tokens: other claims, or the signature of another key under the known `kid`. */
export interface IdTokenChange {
  claims?: (claims: JWTPayload) => JWTPayload;
  key?: SigningKey;
}

/** Entra's id token; `oid` and the names only with the scope that gives them. */
export function idTokenClaims(grant: Grant): JWTPayload {
  const { person, scopes } = grant;
  return {
    ...times(grant.now),
    iss: grant.issuer,
    aud: grant.clientId,
    sub: subjectOf(person, grant.clientId),
    tid: person.tid,
    // Entra's is a GUID too, another one for each person in one browser session.
    sid: guidOf(`${grant.sessionId} ${person.oid}`),
    uti: randomUUID(),
    ver: '2.0',
    ...(person.homeTid === undefined ? {} : { idp: `https://sts.windows.net/${person.homeTid}/` }),
    ...(person.roles?.length ? { roles: person.roles } : {}),
    ...groupsClaim(person.groups ?? []),
    ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
    auth_time: grant.authTime,
    ...(scopes.has('profile') ? { oid: person.oid, name: person.name, preferred_username: person.username } : {}),
    ...(scopes.has('email') ? { email: person.username } : {}),
  };
}

/** So many groups a token holds; of more it only says where they can be asked for ("overage"). */
const MOST_GROUPS = 200;

function groupsClaim(groups: readonly string[]): JWTPayload {
  if (groups.length === 0) return {};
  if (groups.length <= MOST_GROUPS) return { groups };
  const endpoint = 'https://graph.microsoft.com/v1.0/users/me/getMemberObjects';
  return { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint } } };
}

/**
 * Entra's access token for one API: a JWT that nobody but that API should accept.
 * @param more the authentication contexts that the sign-in has met, and what the application can do
 */
export function accessTokenClaims(
  grant: Grant,
  resourceScopes: string[],
  { acrs, xms_cc }: { acrs: string[]; xms_cc: string[] },
): JWTPayload {
  const [resource = GRAPH_RESOURCE] = resourcesOf(resourceScopes.join(' '));
  const aud = resource === GRAPH_RESOURCE ? GRAPH : resource;
  return {
    ...times(grant.now),
    iss: grant.issuer,
    aud,
    sub: subjectOf(grant.person, aud),
    oid: grant.person.oid,
    tid: grant.person.tid,
    appid: grant.clientId,
    scp: resourceScopes.map(shortScope).join(' '),
    ...(acrs.length > 0 ? { acrs } : {}),
    ...(xms_cc.length > 0 ? { xms_cc } : {}),
    uti: randomUUID(),
    ver: '1.0',
  };
}

export function sign(claims: JWTPayload, key: SigningKey): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.kid }).sign(key.privateKey);
}

/** `client_info`: who the account is, for the account cache of Microsoft's libraries. */
export function clientInfo(person: Person): string {
  return Buffer.from(JSON.stringify({ uid: person.oid, utid: person.tid })).toString('base64url');
}

export const expiresIn = LIFETIME_SECONDS;

function times(now: number) {
  const iat = Math.floor(now / 1000);
  return { iat, nbf: iat, exp: iat + LIFETIME_SECONDS };
}

function guidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}
