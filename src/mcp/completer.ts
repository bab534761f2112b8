import type { ToolContext } from './define-tool.ts';

/** As many values as an answer may hold (MCP, completion). */
const MOST_VALUES = 100;

/** What a person may go on to write. */
export interface Suggestions {
  readonly values: readonly string[];
  /** Whether there are more than these. */
  readonly hasMore: boolean;
}

/**
 * Completes one argument: all its values, of which those that begin with what
 * was written are taken; or a function that finds them.
 */
export type Completer =
  | readonly string[]
  | ((
      written: string,
      context: ToolContext,
      /** The other arguments, as far as the person has filled them in. Nothing about them is checked. */
      others: Readonly<Record<string, string>>,
    ) => Promise<readonly string[] | Suggestions> | readonly string[] | Suggestions);

/** What completes which argument, by its name. */
export type Completers<Name extends string = string> = { readonly [name in Name]?: Completer };

/** The answer to `completion/complete`: 100 values at most; none where nothing completes that argument. */
export async function complete(
  completers: Completers,
  argument: { name: string; value: string },
  others: Readonly<Record<string, string>>,
  context: ToolContext,
): Promise<{ completion: { values: string[]; total?: number; hasMore: boolean } }> {
  const completer = Object.hasOwn(completers, argument.name) ? completers[argument.name] : undefined;
  const found =
    typeof completer === 'function'
      ? await completer(argument.value, context, others)
      : (completer ?? []).filter(value => value.toLowerCase().startsWith(argument.value.toLowerCase()));
  if ('hasMore' in found) return { completion: { values: found.values.slice(0, MOST_VALUES), hasMore: found.hasMore } };
  const values = found.slice(0, MOST_VALUES);
  return { completion: { values, total: found.length, hasMore: values.length < found.length } };
}
