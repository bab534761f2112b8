/** What the scripts have in common: their flags, their errors, their end. */
import { parseArgs } from 'node:util';
import { untilStopped } from './signals.ts';

/** A mistake of the person at the keyboard: told in one line or a few, with no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads flags that are on or off, and words.
 * @param known the flags' names, without dashes
 * @param words what may stand among them without dashes
 * @returns what is there, in its order
 * @throws UsageError for anything else
 */
export function readFlags<Flag extends string, Word extends string = never>(
  args: string[],
  known: readonly Flag[],
  words: readonly Word[] = [],
): ReadonlySet<Flag | Word> {
  const options = Object.fromEntries(known.map(name => [name, { type: 'boolean' as const }]));
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const found = new Set<Flag | Word>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    const name =
      token.kind === 'positional'
        ? words.find(each => each === token.value)
        : known.find(each => token.rawName === `--${each}` && token.value === undefined);
    if (name === undefined) {
      const what = token.kind === 'option' ? token.rawName : token.value;
      const all = [...words, ...known.map(each => `--${each}`)];
      throw new UsageError(`"${what}" is not understood. Known: ${all.join(', ')}.`);
    }
    found.add(name);
  }
  return found;
}

/**
 * Runs a script to its end. What it left on the stack is stopped in every case, last first; an error sets the exit code.
 * @param main gets the stack, and a signal that is aborted by Ctrl-C; what it throws after that is of no interest
 */
export async function runScript(
  main: (stack: AsyncDisposableStack, stopped: AbortSignal) => Promise<void>,
): Promise<void> {
  const stopped = untilStopped();
  try {
    await using stack = new AsyncDisposableStack();
    await main(stack, stopped).catch(error => {
      if (!stopped.aborted) throw error;
    });
  } catch (error) {
    console.error(error instanceof Error && !isBug(error) ? error.message : error);
    process.exitCode = 1;
  }
}

/** Errors of the language are bugs of ours, and want their stack. */
function isBug(error: Error): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}
