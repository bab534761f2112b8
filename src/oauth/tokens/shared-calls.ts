import { LruMap } from '../../http/lru-map.ts';

/** How long an outcome is shared after it came, unless it says otherwise itself, in milliseconds. */
const SHARED_MS = 5_000;
const CAPACITY = 500;

/**
 * Lets those who want the same at the same moment share one call and its
 * outcome, which a straggler gets too. A call that fails is forgotten at once.
 */
export class SharedCalls<T> {
  readonly #now: () => number;
  readonly #until: (outcome: T) => number;
  readonly #calls = new LruMap<{ outcome: Promise<T>; until: number }>(CAPACITY);

  /**
   * @param now milliseconds since the epoch
   * @param until until when an outcome that has come is shared
   */
  constructor(now: () => number, until: (outcome: T) => number = () => now() + SHARED_MS) {
    this.#now = now;
    this.#until = until;
  }

  /** The outcome of a call that was made for this key, or of a new one. */
  once(key: string, call: () => Promise<T>): Promise<T> {
    const known = this.#calls.get(key);
    if (known && this.#now() < known.until) return known.outcome;
    const entry = { outcome: call(), until: Number.POSITIVE_INFINITY };
    this.#calls.set(key, entry);
    entry.outcome.then(
      outcome => {
        entry.until = this.#until(outcome);
      },
      () => {
        entry.until = Number.NEGATIVE_INFINITY;
      },
    );
    return entry.outcome;
  }

  /** Puts an outcome that was had in another way in the place of what is there. */
  put(key: string, outcome: T): void {
    this.#calls.set(key, { outcome: Promise.resolve(outcome), until: this.#until(outcome) });
  }
}
