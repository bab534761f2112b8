import type { Note } from '../storage/notes.ts';

/** In characters. */
const LONGEST_TITLE = 60;

/** What people see of a note in a list: the beginning of the first line that holds something. */
export function titleOf({ text }: Note): string {
  const [line = ''] = text.trimStart().split('\n', 1);
  const characters = [...line.slice(0, 2 * LONGEST_TITLE + 2)];
  return characters.length > LONGEST_TITLE ? `${characters.slice(0, LONGEST_TITLE).join('')}…` : line.trimEnd();
}
