import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinText, splitText, withoutText } from '../../../src/storage/long-text.ts';

test('a text comes back as it went, in columns that Azure Tables takes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200_000 }), length => {
      const text = 'abcdefg'.repeat(length).slice(0, length);
      const columns = splitText('tokens', text);
      // 64 KiB of UTF-16.
      for (const part of Object.values(columns)) expect(part?.length).toBeLessThanOrEqual(32_768);
      expect(Object.keys(columns)).toHaveLength(Math.ceil(length / 30_000));
      expect(joinText('tokens', columns)).toBe(text);
    }),
    { seed: 5, numRuns: 50 },
  );
});

test('a shorter text leaves nothing of a longer one', () => {
  const row = { name: 'x', tokens: 'not one', ...splitText('tokens', 'a'.repeat(70_000)) };
  expect(withoutText('tokens', row)).toEqual({ name: 'x', tokens: 'not one' });
  expect(joinText('tokens', {})).toBeUndefined();
});
