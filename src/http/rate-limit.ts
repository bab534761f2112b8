import { LruMap } from './lru-map.ts';

export interface RateLimitOptions {
  /** How many may come at once, and in each `perSeconds` after. */
  readonly limit: number;
  readonly perSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How many keys are remembered; the one that came least lately is forgotten first. */
  readonly capacity: number;
}

export type Taken = { ok: true } | { ok: false; retryAfterSeconds: number };

export interface RateLimiter {
  /**
   * Counts what a key asks for, unless that is too much: then nothing is counted.
   * @param many how many at once
   */
  take(key: string, many?: number): Taken;
  /** Takes back what was counted, for what turned out to cost nothing. */
  giveBack(key: string): void;
}

/**
 * A limiter of one instance, in bounded memory: a leaky bucket for each key,
 * which holds `limit` and drains evenly. So a key that came too often may come
 * again after `perSeconds / limit`, and never has to wait for a window to end.
 */
export function createRateLimiter({ limit, perSeconds, now, capacity }: RateLimitOptions): RateLimiter {
  const windowMs = perSeconds * 1000;
  const oneMs = windowMs / limit;
  /** When the bucket of a key will be empty, in milliseconds since the epoch: all that is kept of it. */
  const buckets = new LruMap<number>(capacity);
  /** No clock that was set back makes anybody wait longer than a window. */
  const emptyAt = (key: string, at: number) => Math.min(Math.max(buckets.get(key) ?? at, at), at + windowMs);

  return {
    take(key, many = 1) {
      const at = now();
      const before = emptyAt(key, at);
      const next = before + many * oneMs;
      // Half a millisecond for what `oneMs` is rounded by.
      const waitMs = next - windowMs - at;
      const isTooMuch = waitMs > 0.5;
      // Kept after a refusal too: of a clock that was set back it drains from now on.
      buckets.set(key, isTooMuch ? before : next);
      return isTooMuch ? { ok: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) } : { ok: true };
    },
    giveBack(key) {
      buckets.set(key, emptyAt(key, now()) - oneMs);
    },
  };
}
