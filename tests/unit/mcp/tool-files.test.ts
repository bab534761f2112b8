import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectTools, toolIndex } from '../../../dev/collect-tools.ts';

const FOLDER = join(import.meta.dirname, '../../../src/mcp/tools');

test('every file in src/mcp/tools is listed (if not: node dev/collect-tools.ts)', async () => {
  const files = (await readdir(FOLDER)).filter(file => file !== 'index.ts');
  expect(await readFile(join(FOLDER, 'index.ts'), 'utf8')).toBe(toolIndex(files));
});

test('a file that is added is listed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tools-'));
  await writeFile(join(folder, 'say-hello.ts'), '');
  await collectTools(folder);
  const index = await readFile(join(folder, 'index.ts'), 'utf8');
  await rm(folder, { recursive: true });
  expect(index).toContain("import sayHelloTool from './say-hello.ts';");
  expect(index).toContain('  sayHelloTool,\n');
});
