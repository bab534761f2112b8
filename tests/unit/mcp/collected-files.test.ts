import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collect, FOLDERS, indexOf } from '../../../dev/collect.ts';

const MCP = join(import.meta.dirname, '../../../src/mcp');

test.each(FOLDERS)('every file in src/mcp/%s is listed (if not: node dev/collect.ts)', async folder => {
  const files = (await readdir(join(MCP, folder))).filter(file => file !== 'index.ts');
  expect(await readFile(join(MCP, folder, 'index.ts'), 'utf8')).toBe(indexOf(folder, files));
});

test('a file that is added is listed', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'collected-'));
  const folder = join(parent, 'prompts');
  await mkdir(folder);
  await writeFile(join(folder, 'say-hello.ts'), '');
  await collect(folder);
  const index = await readFile(join(folder, 'index.ts'), 'utf8');
  await rm(parent, { recursive: true });
  expect(index).toContain("import sayHelloPrompt from './say-hello.ts';");
  expect(index).toContain('  sayHelloPrompt,\n');
});
