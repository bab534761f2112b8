import { cookie, readCookie } from '../../http/cookies.ts';
import { hashOf } from '../../keys/hash.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { type RandomBytes, randomText } from '../../keys/random.ts';

/**
 * Ties a sign-in to the browser in which it began, so that a link made in one
 * browser signs nobody in to anything in another. The cookie is set where a
 * flow begins and nowhere later; several sign-ins of one browser share it.
 */
export interface BrowserBinding {
  /** The hash that is kept with the sign-in. */
  readonly hash: string;
  readonly setCookie: string;
}

const PURPOSE = 'browser binding';
const HOUR = 3600;

/** Begins a flow: the browser's cookie if it has a good one, else a new one. */
export function beginBinding(request: Request, name: string, keys: KeyRing, random: RandomBytes): BrowserBinding {
  const value = validCookie(request, name, keys) ?? newCookie(keys, random);
  return { hash: hashOf(PURPOSE, value), setCookie: cookie(name, value, HOUR) };
}

/** The hash of the cookie that the browser sent; `undefined` without one of ours. */
export function presentedBinding(request: Request, name: string, keys: KeyRing): string | undefined {
  const value = validCookie(request, name, keys);
  return value === undefined ? undefined : hashOf(PURPOSE, value);
}

function newCookie(keys: KeyRing, random: RandomBytes): string {
  const id = randomText(random, 32);
  return `${id}.${keys.tag(PURPOSE, id).tag}`;
}

function validCookie(request: Request, name: string, keys: KeyRing): string | undefined {
  const value = readCookie(request, name);
  const [id, tag, ...rest] = value?.split('.') ?? [];
  if (!value || !id || !tag || rest.length > 0) return undefined;
  return keys.verifyTag(PURPOSE, id, tag) ? value : undefined;
}
