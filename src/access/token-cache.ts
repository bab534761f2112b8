import type { KeyRing } from '../keys/key-ring.ts';
import { type AccessToken, tokenHash, verifyAccessToken } from './access-token.ts';

/** How many tokens are remembered; the least lately used goes first. */
const CAPACITY = 1_000;

/**
 * Checks access tokens and remembers the good ones by their hash until they
 * expire, for the check of an ES256 signature costs more than the rest of a
 * request. Refused ones are not remembered, and other keys begin anew.
 */
export class TokenCache {
  readonly #expected: { issuer: string; resource: string };
  readonly #verified = new Map<string, AccessToken>();
  #keys: KeyRing | undefined;

  constructor(expected: { issuer: string; resource: string }) {
    this.#expected = expected;
  }

  /**
   * @param now seconds since the epoch
   * @throws InvalidTokenError
   */
  async verify(keys: KeyRing, jwt: string, now: number): Promise<AccessToken> {
    if (this.#keys !== keys) {
      this.#verified.clear();
      this.#keys = keys;
    }
    const hash = tokenHash(jwt);
    const known = this.#verified.get(hash);
    this.#verified.delete(hash);
    // An expired one is checked again, which says so.
    const token = known && known.expiresAt > now ? known : await verifyAccessToken(keys, this.#expected, jwt, now);
    this.#verified.set(hash, token);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > CAPACITY && oldest !== undefined) this.#verified.delete(oldest);
    return token;
  }
}
