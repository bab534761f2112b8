import { expect, test } from 'vitest';
import { LruMap } from '../../../src/http/lru-map.ts';

test('keeps what was used last, and no more than it may', () => {
  const map = new LruMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect(map.get('a')).toBe(1);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3]);
  map.set('a', 0);
  map.set('d', 4);
  expect([map.get('a'), map.get('c'), map.get('d')]).toEqual([0, undefined, 4]);
  map.delete('a');
  expect(map.get('a')).toBeUndefined();
});
