import { expect, test } from 'vitest';
import { freshFor } from '../../../../src/oauth/clients/documents/freshness.ts';

const NOW = Date.UTC(2030, 0, 1, 12);
const at = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString();

test.each<[Record<string, string>, number]>([
  [{}, 300],
  [{ 'cache-control': 'public' }, 300],
  [{ 'cache-control': 'max-age=600' }, 600],
  [{ 'cache-control': 'public, Max-Age="600", must-revalidate' }, 600],
  [{ 'cache-control': 'max-age=600, s-maxage=900' }, 900],
  [{ 'cache-control': 'max-age=600', age: '100' }, 500],
  [{ 'cache-control': 'max-age=600', age: '900' }, 30],
  [{ 'cache-control': 'max-age=0' }, 30],
  [{ 'cache-control': 'no-store' }, 30],
  [{ 'cache-control': 'private, no-cache, max-age=600' }, 30],
  [{ 'cache-control': 'max-age=31536000, immutable' }, 86_400],
  [{ 'cache-control': 'max-age=600', expires: at(60) }, 600],
  [{ 'cache-control': 'x-max-age=600' }, 300],
  [{ expires: at(600) }, 600],
  [{ expires: at(700), date: at(100) }, 600],
  [{ expires: at(-600) }, 30],
  [{ expires: '0' }, 30],
])('%j: %i seconds', (headers, seconds) => {
  expect(freshFor(new Headers(headers), NOW)).toBe(seconds * 1000);
});
