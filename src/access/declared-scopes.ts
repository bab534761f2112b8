import { type ScopeWords, scopeWords } from '../resource-settings.ts';
import type { ImpliedScopes, ScopeDeclaration, ScopeDeclarations } from './scopes.ts';

/**
 * The scopes of our own endpoint as an app declares them, each with its words for the consent page.
 *
 * @param served what is served under them
 * @throws Error for what is no scope (RFC 6749 section 3.3), and for one that is needed or implied and not there: it would
 *   shut out everybody
 */
export function declaredScopes(
  declared: ScopeDeclarations,
  served: readonly { readonly name: string; readonly scopes: readonly string[] }[],
): readonly ScopeWords[] {
  const words = Object.entries(declared).map(([name, declaration]) => [name, wordsOf(declaration)]);
  const parsed = scopeWords.safeParse(Object.fromEntries(words));
  if (
    !parsed.success ||
    Array.isArray(declared) ||
    !Object.values(declared).every(each => Array.isArray(directlyImplied(each)))
  ) {
    throw new Error(
      '`scopes` takes names without spaces and quotes, not offline_access, each with words of 1 to 200 characters, or with { description, implies }; at least one.',
    );
  }
  const missingOf = (scopes: readonly string[]) => scopes.filter(scope => !Object.hasOwn(declared, scope)).join(', ');
  for (const [name, declaration] of Object.entries(declared)) {
    const missing = missingOf(directlyImplied(declaration));
    if (missing) throw new Error(`The scope ${name} implies ${missing}, which \`scopes\` does not have.`);
  }
  for (const { name, scopes } of served) {
    const missing = missingOf(scopes);
    if (missing) throw new Error(`${name} needs ${missing}, which \`scopes\` does not have.`);
  }
  return parsed.data;
}

/** What each scope brings with it, followed to the end: of a that implies b, and b that implies c, also c. */
export function impliedScopes(declared: ScopeDeclarations): ImpliedScopes {
  const all = new Map<string, readonly string[]>();
  for (const name of Object.keys(declared)) {
    const found = new Set([name]);
    // A set hands out what is added while it is walked through.
    for (const each of found) for (const next of directlyImplied(declared[each])) found.add(next);
    found.delete(name);
    if (found.size > 0) all.set(name, [...found]);
  }
  return all;
}

function wordsOf(declaration: ScopeDeclaration): string {
  return typeof declaration === 'string' ? declaration : declaration?.description;
}

function directlyImplied(declaration: ScopeDeclaration | undefined): readonly string[] {
  return typeof declaration === 'object' ? (declaration.implies ?? []) : [];
}
