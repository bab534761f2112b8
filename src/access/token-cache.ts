import type { KeyRing } from '../keys/key-ring.ts';
import { type AccessToken, tokenHash, verifyAccessToken } from './access-token.ts';
import { coveredBy, type ImpliedScopes } from './scopes.ts';

/** A token that was found good. */
export interface VerifiedToken extends AccessToken {
  /** Its scopes, and those that they bring with them: worked out once for all its calls. */
  readonly covered: ReadonlySet<string>;
}

interface Expected {
  readonly issuer: string;
  readonly resource: string;
  readonly implied?: ImpliedScopes | undefined;
}

/** How many tokens are remembered; the least lately used goes first. */
const CAPACITY = 1_000;

/**
 * Checks access tokens and remembers the good ones by their hash until they
 * expire, for the check of an ES256 signature costs more than the rest of a
 * request. Refused ones are not remembered, and other keys begin anew.
 */
export class TokenCache {
  readonly #expected: Expected;
  readonly #verified = new Map<string, VerifiedToken>();
  #keys: KeyRing | undefined;

  constructor(expected: Expected) {
    this.#expected = expected;
  }

  /**
   * @param now seconds since the epoch
   * @throws InvalidTokenError
   */
  async verify(keys: KeyRing, jwt: string, now: number): Promise<VerifiedToken> {
    if (this.#keys !== keys) {
      this.#verified.clear();
      this.#keys = keys;
    }
    const hash = tokenHash(jwt);
    const known = this.#verified.get(hash);
    this.#verified.delete(hash);
    // An expired one is checked again, which says so.
    const token = known && known.expiresAt > now ? known : await this.#check(keys, jwt, now);
    this.#verified.set(hash, token);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > CAPACITY && oldest !== undefined) this.#verified.delete(oldest);
    return token;
  }

  async #check(keys: KeyRing, jwt: string, now: number): Promise<VerifiedToken> {
    const token = await verifyAccessToken(keys, this.#expected, jwt, now);
    return { ...token, covered: coveredBy(token.scopes, this.#expected.implied) };
  }
}
