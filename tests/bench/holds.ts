import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { ROOT } from './scratch.ts';

/**
 * What a file of the bundle was made of, by its source map: packages by their names, our own code by its folder; those
 * with most source files first.
 */
export async function holds(script: string): Promise<string[]> {
  const { sources } = JSON.parse(await readFile(`${script}.map`, 'utf8')) as { sources: string[] };
  const files = new Map<string, number>();
  for (const source of sources) {
    const path = resolve(dirname(script), source).replaceAll('\\', '/');
    const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? relative(ROOT, dirname(path));
    files.set(name, (files.get(name) ?? 0) + 1);
  }
  return [...files].sort(([, a], [, b]) => b - a).map(([name]) => name);
}
