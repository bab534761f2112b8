/**
 * What this instance has seen, so that it is not taken twice: ids of things that
 * are good for a while after they were issued. Bounded: when it is full the oldest
 * is forgotten, and whatever was issued no later than that is refused from then on.
 * So nothing is ever taken twice, however many come.
 */
export class ReplayMemory {
  readonly #usableMs: number;
  readonly #capacity: number;
  /** When each id's thing was issued, the first seen first. */
  readonly #seen = new Map<string, number>();
  #forgotten = Number.NEGATIVE_INFINITY;

  /**
   * @param usableMs how long a thing is good after it was issued, in milliseconds
   * @param capacity how many ids are remembered
   */
  constructor(usableMs: number, capacity: number) {
    this.#usableMs = usableMs;
    this.#capacity = capacity;
  }

  /** Whether something issued at that time (milliseconds) can still be told from what was seen. */
  remembers(issuedAt: number): boolean {
    return issuedAt > this.#forgotten;
  }

  /** Takes an id; `false` when it was taken before or that cannot be known any more. */
  take(id: string, issuedAt: number, now: number): boolean {
    if (!this.remembers(issuedAt) || this.#seen.has(id)) return false;
    this.#seen.set(id, issuedAt);
    for (const [oldest, at] of this.#seen) {
      const isOver = now > at + this.#usableMs;
      if (!isOver && this.#seen.size <= this.#capacity) break;
      this.#seen.delete(oldest);
      if (!isOver) this.#forgotten = Math.max(this.#forgotten, at);
    }
    return true;
  }
}
