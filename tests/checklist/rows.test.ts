import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/**
 * The rules that MCP (revision 2026-07-28) and RFC 9700 set for an authorization server (AS), a resource server (RS), an
 * OAuth proxy (PX) and everybody (BP). Each has a number, and the name of a test of this folder begins with it.
 */
const ROWS: Record<string, readonly number[]> = {
  AS: range(1, 28),
  RS: [...range(28, 31), ...range(33, 44), 47, 50, 51, 52, 56, 57],
  PX: range(58, 74),
  BP: range(1, 14),
};

test('every rule of the list has a test, and no test is left out', async () => {
  const expected = Object.entries(ROWS).flatMap(([section, numbers]) =>
    numbers.map(number => `${section}-${String(number).padStart(2, '0')}`),
  );
  expect(expected.length).toBe(81);

  const files = (await readdir(import.meta.dirname)).filter(name => name.endsWith('.test.ts'));
  const sources = await Promise.all(files.map(name => readFile(join(import.meta.dirname, name), 'utf8')));
  const tested = sources.flatMap(source =>
    [...source.matchAll(/^test\(\s*['"`]([A-Z]{2}-\d\d) /gm)].map(([, row]) => row),
  );
  expect([...new Set(tested)].sort()).toEqual(expected.sort());
  expect(sources.join('\n')).not.toMatch(/\b(test|describe)\.(only|skip|todo)/);
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
