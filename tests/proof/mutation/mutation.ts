/** One check of the program that is taken out of it, to see whether a test notices. */
export interface Mutation {
  /** What the check is, in the words of the code; unique. */
  readonly name: string;
  /** The section that asks for it, or whose words it is. */
  readonly rule: string;
  /** Where it is, from the project's folder. */
  readonly file: string;
  /** Each text, which the file holds exactly once, and what stands there instead: the same program without the check. */
  readonly edits: readonly Edit[];
  /** The test files of which one test is to fail. */
  readonly tests: readonly string[];
  /** Of those only the tests whose full name fits this pattern, where the others would take long. */
  readonly only?: string;
}

type Edit = readonly [find: string, replacement: string];

/**
 * The text of a file without a check.
 *
 * @throws Error where the text to be replaced is not there exactly once: the source has moved, and the table is to follow
 */
export function mutate(source: string, { name, file, edits }: Pick<Mutation, 'name' | 'file' | 'edits'>): string {
  return edits.reduce((text, [find, replacement]) => {
    const times = text.split(find).length - 1;
    if (times !== 1) throw new Error(`"${name}": ${file} holds this ${times} times and not once:\n${find}`);
    return text.replace(find, () => replacement);
  }, source);
}
