import { dirname, posix } from 'node:path';

/** Statements, as the compiler writes them, and what is loaded or named in the midst of others. */
const IMPORT = /^(?:(?:import|export)\b[^;'"]*?\bfrom|import)\s*['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm;

/** All that a compiled module imports, relative or not, in the order of its text. */
export function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].map(([, path, inside]) => path ?? inside ?? '');
}

/**
 * The modules that an entry leads to, itself among them.
 * @param sources all modules by their paths, with `/`
 * @param nameOf the path of a module that is imported by `path`, such as of a declaration where a script is named
 */
export function reachable(
  sources: ReadonlyMap<string, string>,
  entry: string,
  nameOf: (path: string) => string = path => path,
): Set<string> {
  const found = new Set<string>([entry]);
  for (const module of found) {
    const source = sources.get(module);
    if (source === undefined) throw new Error(`${module} is imported and not there.`);
    const own = importsOf(source).filter(path => path.startsWith('.'));
    for (const path of own) found.add(nameOf(posix.join(dirname(module), path)));
  }
  return found;
}
