import { hashOf } from '../../keys/hash.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { GrantKey } from '../../storage/grants.ts';

/**
 * Refresh tokens: `rt.GRANT.SECRET`, where GRANT is the tenant, the person and
 * the grant in 48 bytes, so that finding the row is a point read. The secret is
 * a tag over what it was given for (a code, or the token before it) and a salt
 * that the row keeps. Who presents that again within the retry window gets the
 * same token again, and without it not even this server can make it.
 */

/** Makes the token that `presented` leads to. */
export function makeRefreshToken(keys: KeyRing, key: GrantKey, presented: string, salt: string) {
  const { kid, tag } = keys.tag('refresh token', `${presented}.${salt}`);
  return { token: write(key, tag), kid };
}

/** Makes the same token again; `undefined` when the secret that it was made with is gone. */
export function remakeRefreshToken(keys: KeyRing, key: GrantKey, presented: string, salt: string, kid: string) {
  const tag = keys.tagWith(kid, 'refresh token', `${presented}.${salt}`);
  return tag === undefined ? undefined : write(key, tag);
}

/** The grant that a refresh token names; `undefined` for anything that is no refresh token. */
export function grantOfRefreshToken(token: string): GrantKey | undefined {
  const [kind, grant = '', secret = '', ...rest] = token.split('.');
  if (kind !== 'rt' || rest.length > 0 || !/^[\w-]{64}$/.test(grant) || !/^[\w-]{43}$/.test(secret)) return undefined;
  const bytes = Buffer.from(grant, 'base64url');
  return {
    person: { tid: toGuid(bytes.subarray(0, 16)), oid: toGuid(bytes.subarray(16, 32)) },
    grantId: bytes.subarray(32).toString('base64url'),
  };
}

export const refreshTokenHash = (token: string) => hashOf('refresh token', token);

/** A grant's name: 128 bits in 22 characters. */
export function isGrantId(id: string): boolean {
  return /^[\w-]{22}$/.test(id);
}

function write({ person, grantId }: GrantKey, secret: string): string {
  const bytes = [fromGuid(person.tid), fromGuid(person.oid), Buffer.from(grantId, 'base64url')];
  return `rt.${Buffer.concat(bytes).toString('base64url')}.${secret}`;
}

const fromGuid = (guid: string) => Buffer.from(guid.replaceAll('-', ''), 'hex');

function toGuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
