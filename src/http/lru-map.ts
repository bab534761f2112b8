/** A map that forgets what was used least lately, so that its memory is bounded. */
export class LruMap<Value> {
  readonly #capacity: number;
  readonly #entries = new Map<string, Value>();

  /** @param capacity how many entries are kept */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value of a key, which counts as a use of it. */
  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.#moveToEnd(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#moveToEnd(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#capacity && oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** A `Map` keeps the order in which its keys were put in. */
  #moveToEnd(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }
}
