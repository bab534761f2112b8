import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readFlags } from '../../../dev/local/script.ts';

const read = (...args: string[]) => [...readFlags(args, ['help', 'no-watch'])];

test('flags are read in any order', () => {
  expect(read()).toEqual([]);
  expect(read('--no-watch', '--help')).toEqual(['no-watch', 'help']);
  expect(read('--')).toEqual([]);
});

test.each(['--watch', '--no-wach', '-h', 'help', '--help=yes', '--no-watch=', '--__proto__'])(
  'anything else is an error that names it and what there is (%s)',
  argument => {
    const name = argument.split('=')[0];
    expect(() => read(argument)).toThrow(`"${name}" is not understood. Known: --help, --no-watch.`);
  },
);

test('words are read beside them, in their order, and are told of too', () => {
  const withWords = (...args: string[]) => [...readFlags(args, ['help'], ['size', 'start'])];
  expect(withWords('start', '--help', 'size')).toEqual(['start', 'help', 'size']);
  for (const wrong of ['strat', '--size', 'help']) {
    expect(() => withWords(wrong)).toThrow(`"${wrong}" is not understood. Known: size, start, --help.`);
  }
});

const ROOT = join(import.meta.dirname, '../../..');

test('README says that each script answers -- --help, and each says so too', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const own = Object.entries(scripts).filter(([, command]) => command.startsWith('node '));
  expect(own.length).toBeGreaterThan(10);
  for (const [name, command] of own) {
    const source = await readFile(join(ROOT, command.replace('node ', '')), 'utf8');
    expect(source, name).toMatch(new RegExp(`npm (run )?${name} -- --help +(shows|this)`));
  }
});

test.each([
  ['build.ts', '--hepl', '--help'],
  ['dev/demo.ts', 'gatewy', 'gateway, --help'],
  ['tests/bench/index.ts', 'sise', 'size, start, '],
  ['tests/conformance/index.ts', 'gatway', 'gateway, --help'],
])('%s begins nothing where it is told %s', async (file, word, known) => {
  const ended = promisify(execFile)(process.execPath, [join(ROOT, file), word]);
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`"${word}" is not understood. Known: ${known}`),
  });
});
