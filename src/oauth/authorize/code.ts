import { hashOf } from '../../keys/hash.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { isSigninId } from '../../storage/signins.ts';

/**
 * Authorization codes: `ac.SIGNIN.SECRET`. The name of the sign-in makes finding
 * the row a point read; the secret is a tag over that name and the claim of the
 * attempt that won, so that this attempt, repeated, gives the same code and
 * nothing that opens it needs to be stored. The row keeps the code's hash.
 */
export const CODE_SECONDS = 60;

/** A sign-in's answer, asked for again within this time with everything right, is given again; in milliseconds. */
export const RETRY_MS = 30_000;

/** Makes the code of a sign-in. */
export function makeCode(keys: KeyRing, signinId: string, claim: string): { code: string; kid: string } {
  const { kid, tag } = keys.tag('authorization code', `${signinId}.${claim}`);
  return { code: `ac.${signinId}.${tag}`, kid };
}

/** Makes the same code again; `undefined` when the secret that it was made with is gone. */
export function remakeCode(keys: KeyRing, signinId: string, claim: string, kid: string): string | undefined {
  const tag = keys.tagWith(kid, 'authorization code', `${signinId}.${claim}`);
  return tag && `ac.${signinId}.${tag}`;
}

/** The sign-in that a code names; `undefined` for anything that is no code. */
export function signinOfCode(code: string): string | undefined {
  const [kind, signinId = '', secret = '', ...rest] = code.split('.');
  const wellFormed = kind === 'ac' && rest.length === 0 && isSigninId(signinId) && /^[\w-]{43}$/.test(secret);
  return wellFormed ? signinId : undefined;
}

export const codeHash = (code: string) => hashOf('authorization code', code);
