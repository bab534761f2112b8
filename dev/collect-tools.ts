/**
 * Lists the tools: writes src/mcp/tools/index.ts from the files beside it, so
 * that adding a tool is adding a file. A bundle cannot look into a folder when
 * it runs, so the build does this; `node dev/collect-tools.ts` does it by hand.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../src/mcp/tools');

/** The text of the index for these files, each with a tool as its default export. */
export function toolIndex(files: readonly string[]): string {
  const tools = files.toSorted().map(file => ({ file, variable: `${camelCase(file.replace(/\.ts$/, ''))}Tool` }));
  return [
    '// Written by dev/collect-tools.ts: every file of this folder is a tool. Do not edit.',
    "import type { Tool } from '../define-tool.ts';",
    ...tools.map(({ file, variable }) => `import ${variable} from './${file}';`),
    '',
    '// biome-ignore format: one a line, however few',
    'export const tools: readonly Tool[] = [',
    ...tools.map(({ variable }) => `  ${variable},`),
    '];',
    '',
  ].join('\n');
}

/** Brings the index of a folder up to date, and leaves it alone when it is. */
export async function collectTools(folder = FOLDER): Promise<void> {
  const index = join(folder, 'index.ts');
  const files = (await readdir(folder)).filter(file => file.endsWith('.ts') && file !== 'index.ts');
  const text = toolIndex(files);
  if ((await readFile(index, 'utf8').catch(() => '')) !== text) await writeFile(index, text);
}

function camelCase(name: string): string {
  return name.replace(/[^A-Za-z0-9]+(.)?/g, (_separator, next: string | undefined) => next?.toUpperCase() ?? '');
}

if (import.meta.main) await collectTools();
