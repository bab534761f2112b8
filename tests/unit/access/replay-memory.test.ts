import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplayMemory } from '../../../src/access/replay-memory.ts';

const USABLE = 60_000;

describe('the memory against replay', () => {
  test('takes each id once, also one that is seen again after many others', () => {
    const memory = new ReplayMemory(USABLE, 100);
    expect(memory.take('a', 1, 1)).toBe(true);
    for (let i = 0; i < 50; i++) memory.take(`${i}`, 1, 1);
    expect(memory.take('a', 1, 1)).toBe(false);
  });

  test('when it is full, what was forgotten is refused and not taken again', () => {
    const memory = new ReplayMemory(USABLE, 2);
    expect([memory.take('a', 10, 10), memory.take('b', 20, 20), memory.take('c', 30, 30)]).toEqual([true, true, true]);
    expect(memory.remembers(10)).toBe(false);
    expect(memory.take('a', 10, 30)).toBe(false);
    expect(memory.remembers(20)).toBe(true);
  });

  test('what is over makes room without shutting anything out', () => {
    const memory = new ReplayMemory(USABLE, 2);
    memory.take('a', 0, 0);
    memory.take('b', 0, 0);
    memory.take('c', USABLE + 1, USABLE + 1);
    expect(memory.remembers(1)).toBe(true);
  });

  test('nothing is ever taken twice while it is good, whatever comes', () => {
    const step = fc.record({ id: fc.nat(8), age: fc.nat(USABLE), later: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const memory = new ReplayMemory(USABLE, 3);
        const issued = new Map<number, number>();
        const taken = new Set<number>();
        let now = 1_000_000;
        for (const { id, age, later } of steps) {
          now += later;
          const issuedAt = issued.get(id) ?? now - age;
          issued.set(id, issuedAt);
          if (now > issuedAt + USABLE) continue;
          if (memory.take(`${id}`, issuedAt, now)) {
            expect(taken.has(id)).toBe(false);
            taken.add(id);
          }
        }
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
