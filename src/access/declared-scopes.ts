import { type ScopeWords, scopeWords } from '../resource-settings.ts';

/**
 * The scopes of our own endpoint as an app declares them, each with its words for the consent page.
 *
 * @param served what is served under them
 * @throws Error for what is no scope (RFC 6749 section 3.3), and for one that is needed and not there: it would shut out everybody
 */
export function declaredScopes(
  declared: Readonly<Record<string, string>>,
  served: readonly { readonly name: string; readonly scopes: readonly string[] }[],
): readonly ScopeWords[] {
  const parsed = scopeWords.safeParse(declared);
  if (!parsed.success) {
    throw new Error(
      '`scopes` takes names without spaces and quotes, not offline_access, each with words of 1 to 200 characters; at least one.',
    );
  }
  for (const { name, scopes } of served) {
    const missing = scopes.filter(scope => !Object.hasOwn(declared, scope));
    if (missing.length > 0) throw new Error(`${name} needs ${missing.join(', ')}, which \`scopes\` does not have.`);
  }
  return parsed.data;
}
