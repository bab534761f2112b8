import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mutate } from '../../proof/mutation/mutation.ts';
import { MUTATIONS } from '../../proof/mutation/mutations.ts';

const ROOT = join(import.meta.dirname, '../../..');

test.each(MUTATIONS)(
  'the check can be taken out (if not, the table in tests/proof/mutation is to follow): $name',
  each => {
    const source = readFileSync(join(ROOT, each.file), 'utf8');
    expect(mutate(source, each)).not.toBe(source);
    expect(each.tests.filter(file => !existsSync(join(ROOT, file)))).toEqual([]);
  },
);

test('there are at least 60, each with a name of its own', () => {
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(60);
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});

test('a text that is not there once is refused', () => {
  const check = (find: string) => () => mutate('if (a) b; if (a) c;', { name: 'x', file: 'y', edits: [[find, '']] });
  expect(check('if (a)')).toThrow(/2 times/);
  expect(check('if (d)')).toThrow(/0 times/);
});
