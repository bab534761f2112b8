import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCompiler } from '../../../dev/infra/compiler.ts';

let folder: string;
let program: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compiler-'));
  program = join(folder, process.platform === 'win32' ? 'bicep.exe' : 'bicep');
  await writeFile(program, '');
  await chmod(program, 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

const nothing = '/nowhere';

test('takes the compiler that BICEP_PATH names, before the one on the PATH', () => {
  expect(findCompiler({ BICEP_PATH: program, PATH: nothing }, nothing)).toBe(program);
  expect(findCompiler({ PATH: `${nothing}:${folder}` }, nothing)).toBe(program);
  expect(() => findCompiler({ BICEP_PATH: nothing, PATH: folder }, nothing)).toThrow('no program is there');
});

test('says how to get it where there is none', () => {
  expect(() => findCompiler({ PATH: nothing }, nothing)).toThrow(/BICEP_PATH[\s\S]*az bicep install|\.NET SDK/);
});
