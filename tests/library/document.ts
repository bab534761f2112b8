/** What docs/library.md has one write and type, so that the check does the same. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './installed.ts';

/** The text of it. */
export const document = () => readFile(join(ROOT, 'docs/library.md'), 'utf8');

/** In the order of the document: a file to write, or a command to type. */
export type Step = { readonly file: string; readonly text: string } | { readonly command: string };

/**
 * The steps of a section: each block of `sh` is commands, one a line, and each other block a file, whose name begins the
 * paragraph before it.
 *
 * @throws Error for a block of which that cannot be told
 */
export async function stepsOf(heading: string): Promise<Step[]> {
  const [, after = ''] = (await document()).split(`\n## ${heading}\n`);
  const [section = ''] = after.split('\n## ');
  const blocks = [...section.matchAll(/(?:((?:(?!```)[^\n]+\n)+)\n)?```(\w+)\n(.*?)```\n/gs)];
  if (blocks.length === 0) throw new Error(`docs/library.md has no steps under ${heading}.`);
  return blocks.flatMap(([, paragraph = '', language, text = '']): Step[] => {
    if (language === 'sh')
      return text
        .trimEnd()
        .split('\n')
        .map(command => ({ command }));
    const [, file] = /^`([\w.]+)`/.exec(paragraph) ?? [];
    if (file === undefined) throw new Error(`docs/library.md does not begin with a file's name: ${paragraph}`);
    return [{ file, text }];
  });
}
