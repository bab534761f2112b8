import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRateLimiter, type RateLimiter } from '../../../src/http/rate-limit.ts';

const NOW = 1_800_000_000_000;

function setUp(options: { limit: number; perSeconds: number; capacity?: number }) {
  const clock = { now: NOW };
  return { clock, limiter: createRateLimiter({ capacity: 100, ...options, now: () => clock.now }) };
}

/** How many get through of many that ask at once. */
function burst(limiter: RateLimiter, key: string, asked = 1_000): number {
  return Array.from({ length: asked }, () => limiter.take(key)).filter(taken => taken.ok).length;
}

describe('a limit of 30 an hour', () => {
  test('lets 30 through at once and then one every two minutes', () => {
    const { clock, limiter } = setUp({ limit: 30, perSeconds: 3600 });
    expect(burst(limiter, 'a')).toBe(30);
    expect(limiter.take('a')).toEqual({ ok: false, retryAfterSeconds: 120 });
    clock.now += 119_000;
    expect(limiter.take('a')).toEqual({ ok: false, retryAfterSeconds: 1 });
    clock.now += 1_000;
    expect(burst(limiter, 'a')).toBe(1);
    clock.now += 3_600_000;
    expect(burst(limiter, 'a')).toBe(30);
  });

  test('counts each key for itself', () => {
    const { limiter } = setUp({ limit: 30, perSeconds: 3600 });
    burst(limiter, 'a');
    expect(burst(limiter, 'b')).toBe(30);
  });

  test('what is given back may be taken again, and no more than that', () => {
    const { limiter } = setUp({ limit: 30, perSeconds: 3600 });
    burst(limiter, 'a');
    limiter.giveBack('a');
    limiter.giveBack('a');
    expect(burst(limiter, 'a')).toBe(2);
    // Nothing was taken here, so nothing is gained by giving it back.
    limiter.giveBack('b');
    expect(burst(limiter, 'b')).toBe(30);
  });

  test('takes many at once or none of them', () => {
    const { limiter } = setUp({ limit: 30, perSeconds: 3600 });
    expect(limiter.take('a', 31)).toMatchObject({ ok: false });
    expect(limiter.take('a', 20)).toEqual({ ok: true });
    expect(limiter.take('a', 11)).toEqual({ ok: false, retryAfterSeconds: 120 });
    expect(burst(limiter, 'a')).toBe(10);
  });

  test('a clock that is set back makes nobody wait longer than an hour', () => {
    const { clock, limiter } = setUp({ limit: 30, perSeconds: 3600 });
    clock.now += 86_400_000;
    burst(limiter, 'a');
    clock.now -= 86_400_000;
    expect(limiter.take('a')).toEqual({ ok: false, retryAfterSeconds: 120 });
    clock.now += 120_000;
    expect(burst(limiter, 'a')).toBe(1);
  });
});

test('only so many keys are remembered: the one that came least lately is forgotten', () => {
  const { limiter } = setUp({ limit: 1, perSeconds: 3600, capacity: 2 });
  burst(limiter, 'a');
  burst(limiter, 'b');
  // A refusal counts as coming, so that no flood of other keys makes a key that still comes look new.
  expect(limiter.take('a').ok).toBe(false);
  burst(limiter, 'c');
  expect(limiter.take('a').ok).toBe(false);
  expect(limiter.take('b').ok).toBe(true);
});

test('whatever the limit and the pace: who waits as told is served, and twice the limit is the most in a window', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 3_600 }),
      fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 50 }),
      (limit, perSeconds, pauses) => {
        const { clock, limiter } = setUp({ limit, perSeconds });
        expect(burst(limiter, 'a', limit + 1)).toBe(limit);
        const passed: number[] = [];
        for (const pause of pauses) {
          clock.now += pause;
          const taken = limiter.take('a');
          if (!taken.ok) {
            clock.now += taken.retryAfterSeconds * 1000;
            expect(limiter.take('a')).toEqual({ ok: true });
          }
          passed.push(clock.now);
        }
        expect(passed.filter(at => at < NOW + perSeconds * 1000).length).toBeLessThanOrEqual(limit);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});
