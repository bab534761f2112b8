import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { triggers } from '../../functions/triggers.ts';

const FOLDER = join(import.meta.dirname, '../../functions');

test('each file of functions/ is one function of the list, bears its name, and runs nothing', async () => {
  const names: string[] = [];
  for (const file of await readdir(FOLDER)) {
    if (file === 'index.ts' || file === 'triggers.ts') continue;
    names.push(basename(file, '.ts'));
    expect(await readFile(join(FOLDER, file), 'utf8')).not.toMatch(/^import (?!type )|=>/m);
  }
  expect(names.length).toBeGreaterThan(20);
  expect(triggers.map(({ name }) => name).sort()).toEqual(names.sort());
});

test('what answers every other path is tried last', () => {
  const names = triggers.map(({ name }) => name).sort();
  expect(triggers.find(({ name }) => name === names.at(-1))).toMatchObject({ route: '{*path}' });
});
