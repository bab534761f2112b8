import { LruMap } from '../../http/lru-map.ts';

/** How long an outcome is shared after it came, in milliseconds. */
const SHARED_MS = 5_000;
const CAPACITY = 500;

/**
 * Lets those who want the same at the same moment share one call and its
 * outcome, which a straggler gets too. A call that fails is forgotten at once.
 */
export class SharedCalls<T> {
  readonly #now: () => number;
  readonly #calls = new LruMap<{ outcome: Promise<T>; until: number }>(CAPACITY);

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The outcome of a call that was made for this key, or of a new one. */
  once(key: string, call: () => Promise<T>): Promise<T> {
    const known = this.#calls.get(key);
    if (known && this.#now() < known.until) return known.outcome;
    const entry = { outcome: call(), until: Number.POSITIVE_INFINITY };
    this.#calls.set(key, entry);
    entry.outcome.then(
      () => {
        entry.until = this.#now() + SHARED_MS;
      },
      () => {
        entry.until = Number.NEGATIVE_INFINITY;
      },
    );
    return entry.outcome;
  }
}
