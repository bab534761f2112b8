/**
 * Lists the tools, resources and prompts: writes `index.ts` in each of their folders in src/mcp/ from the files beside
 * it, so that adding one is adding a file. A bundle cannot look into a folder when it runs, so the build does this;
 * `node dev/collect.ts` does it by hand.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const MCP = join(import.meta.dirname, '../src/mcp');

/** The folders, and what the files of each define. */
const KINDS = { tools: 'Tool', resources: 'Resource', prompts: 'Prompt' } as const;
export type Folder = keyof typeof KINDS;
export const FOLDERS = Object.keys(KINDS) as Folder[];

/** The text of a folder's index for these files, each with one of its kind as its default export. */
export function indexOf(folder: Folder, files: readonly string[]): string {
  const kind = KINDS[folder];
  const all = files.toSorted().map(file => ({ file, variable: `${camelCase(file.replace(/\.ts$/, ''))}${kind}` }));
  return [
    `// Written by dev/collect.ts: every file of this folder is a ${kind.toLowerCase()}. Do not edit.`,
    `import type { ${kind} } from '../define-${kind.toLowerCase()}.ts';`,
    ...all.map(({ file, variable }) => `import ${variable} from './${file}';`),
    '',
    '// biome-ignore format: one a line, however few',
    `export const ${folder}: readonly ${kind}[] = [`,
    ...all.map(({ variable }) => `  ${variable},`),
    '];',
    '',
  ].join('\n');
}

/** Brings the index of a folder up to date, and leaves it alone when it is. */
export async function collect(folder: string): Promise<void> {
  const index = join(folder, 'index.ts');
  const files = (await readdir(folder)).filter(file => file.endsWith('.ts') && file !== 'index.ts');
  const text = indexOf(basename(folder) as Folder, files);
  if ((await readFile(index, 'utf8').catch(() => '')) !== text) await writeFile(index, text);
}

function camelCase(name: string): string {
  return name.replace(/[^A-Za-z0-9]+(.)?/g, (_separator, next: string | undefined) => next?.toUpperCase() ?? '');
}

if (import.meta.main) await Promise.all(FOLDERS.map(folder => collect(join(MCP, folder))));
