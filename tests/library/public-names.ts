/** What the library exports, read from its declarations. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface PublicName {
  readonly name: string;
  readonly kind: 'interface' | 'type' | 'value';
  /** What is said of it. */
  readonly words: string;
  /** The examples in these. */
  readonly examples: readonly string[];
}

/** @param library the folder of the installed library */
export async function publicNames(library: string): Promise<PublicName[]> {
  const read = (module: string) => readFile(join(library, 'src', `${module}.d.ts`), 'utf8');
  const found: PublicName[] = [];
  for (const [, names = '', from = ''] of (await read('index')).matchAll(
    /^export .*\{ (.+?),? \} from '(.+)\.js';$/gm,
  )) {
    const source = await read(from);
    for (const name of names.split(', ')) found.push(declared(name.replace('type ', ''), source));
  }
  return found;
}

function declared(name: string, source: string): PublicName {
  const declaration = `export (?:declare )?(const|function|class|interface|type) ${name}\\b`;
  const [, words = '', keyword = ''] =
    new RegExp(`(?:/\\*\\*((?:(?!\\*/).)*)\\*/\\s*)?^${declaration}`, 'ms').exec(source) ?? [];
  return {
    name,
    kind: keyword === 'interface' || keyword === 'type' ? keyword : 'value',
    words: words.trim(),
    examples: examplesIn(words.replaceAll(/^ *\* ?/gm, '')),
  };
}

/** The TypeScript that a text shows. */
export function examplesIn(text: string): string[] {
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
}

/** Of what generic types are given to be looked into. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  ToolDefinition: '<z.ZodObject, z.ZodObject>',
  ContentToolDefinition: '<z.ZodObject>',
  PromptDefinition: '<z.ZodObject>',
  ResourceDefinition: "<'note://{id}'>",
  ResourcePage: "<'note://{id}'>",
};

/**
 * A module that takes every public interface apart. With declarations the compiler has to write down the types of all parts,
 * and cannot where one is not public.
 *
 * @param whole what may keep names to itself
 */
export function partsModule(names: readonly PublicName[], whole: readonly string[]): string {
  const interfaces = names.filter(({ name, kind }) => kind === 'interface' && !whole.includes(name));
  return [
    "import type * as library from 'entra-mcp-functions';",
    "import type * as z from 'zod';",
    'export type Schema = z.ZodObject;',
    ...interfaces.map(
      ({ name }) => `export const partsOf${name} = (it: library.${name}${ARGUMENTS[name] ?? ''}) => ({ ...it });`,
    ),
  ].join('\n');
}
