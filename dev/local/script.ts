/** What the scripts of this folder have in common: their flags, their errors, their end. */
import { parseArgs } from 'node:util';
import { untilStopped } from './signals.ts';

/** A mistake of the person at the keyboard: told in one line or a few, with no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads flags that are on or off.
 * @param known the flags' names, without dashes
 * @throws UsageError for anything else
 */
export function readFlags<Name extends string>(args: string[], known: readonly Name[]): ReadonlySet<Name> {
  const options = Object.fromEntries(known.map(name => [name, { type: 'boolean' as const }]));
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const flags = new Set<Name>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    const name = known.find(
      each => token.kind === 'option' && token.rawName === `--${each}` && token.value === undefined,
    );
    if (name === undefined) {
      const what = token.kind === 'option' ? token.rawName : token.value;
      throw new UsageError(`"${what}" is not understood. Known: ${known.map(each => `--${each}`).join(', ')}.`);
    }
    flags.add(name);
  }
  return flags;
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
