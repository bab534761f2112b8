/** A scope as an app declares it: what people read that it allows, alone or with the scopes that it brings with it. */
export type ScopeDeclaration = string | { readonly description: string; readonly implies?: readonly string[] };

/** The scopes of an app, by name, in the order in which clients read them. */
export type ScopeDeclarations = Readonly<Record<string, ScopeDeclaration>>;

/** What scopes bring with them, by name: all of it, also by way of others. */
export type ImpliedScopes = ReadonlyMap<string, readonly string[]>;

/**
 * The scopes of our own MCP endpoint, as this project serves it: what a token may do, in the words of the consent page.
 * Who may write notes may read them. Other resources have others, see `resources.ts`, and so do other apps.
 */
export const SCOPES = {
  profile: 'See your name, e-mail address and work profile',
  'notes:read': 'Read the notes that you saved here',
  'notes:write': {
    description: 'Save and delete notes for you, and read them',
    implies: ['notes:read'],
  },
} as const satisfies ScopeDeclarations;

/** The authorization server's alone: it asks for a refresh token and is never in an access token or a challenge. */
export const OFFLINE_ACCESS = 'offline_access';

const NOTHING: ImpliedScopes = new Map();

/** All that is covered by what was granted: the scopes themselves, and those that they bring with them. */
export function coveredBy(granted: readonly string[], implied: ImpliedScopes = NOTHING): ReadonlySet<string> {
  return new Set(granted.flatMap(scope => [scope, ...(implied.get(scope) ?? [])]));
}

/**
 * Whether all is there that is needed. Asked twice in each call, so it makes nothing.
 * @param covered what {@link coveredBy} gives
 */
export function covers(covered: ReadonlySet<string>, needed: Iterable<string>): boolean {
  for (const scope of needed) if (!covered.has(scope)) return false;
  return true;
}
