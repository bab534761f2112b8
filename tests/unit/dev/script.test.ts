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
