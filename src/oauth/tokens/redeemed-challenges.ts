import { CODE_SECONDS } from '../authorize/code.ts';

/** How many this instance remembers. */
const CAPACITY = 10_000;

/**
 * PKCE challenges whose code was redeemed at this instance, for as long as a code
 * lives: a request that brings one again was copied (RFC 9700 section 2.1.1), for
 * honest clients make one each time.
 */
export class RedeemedChallenges {
  readonly #now: () => number;
  /** Until when each is remembered; the first redeemed first. */
  readonly #until = new Map<string, number>();

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(challenge: string): void {
    this.#until.delete(challenge);
    this.#until.set(challenge, this.#now() + CODE_SECONDS * 1000);
    for (const [oldest, until] of this.#until) {
      if (until > this.#now() && this.#until.size <= CAPACITY) break;
      this.#until.delete(oldest);
    }
  }

  has(challenge: string): boolean {
    return (this.#until.get(challenge) ?? 0) > this.#now();
  }
}
