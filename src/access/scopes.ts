/**
 * The scopes of our own MCP endpoint: what a token may do, in the words of the
 * consent page. Other resources have others, see `resources.ts`. `offline_access`
 * is the authorization server's alone: it asks for a refresh token and is never in
 * an access token or a challenge.
 */

export const SCOPES = {
  profile: 'See your name, e-mail address and work profile',
  'notes:read': 'Read the notes that you saved here',
  'notes:write': 'Save and delete notes for you, and read them',
} as const;

export type Scope = keyof typeof SCOPES;

/** Every scope, in the order in which challenges and metadata name them. */
export const ALL_SCOPES = Object.keys(SCOPES) as readonly Scope[];

export const OFFLINE_ACCESS = 'offline_access';

/** What a scope brings with it: who may write notes may read them. */
const IMPLIED: ReadonlyMap<string, readonly Scope[]> = new Map([['notes:write', ['notes:read']]]);

/** The known scopes among those of a `scope` parameter (RFC 6749 section 3.3), in our order; the others are dropped. */
export function parseScopes(parameter: string): Scope[] {
  const asked = new Set(parameter.split(' '));
  return ALL_SCOPES.filter(scope => asked.has(scope));
}

/** Whether what was granted covers what is needed, implied scopes included. */
export function covers(granted: Iterable<string>, needed: Iterable<string>): boolean {
  const all = new Set<string>();
  for (const scope of granted) {
    all.add(scope);
    for (const implied of IMPLIED.get(scope) ?? []) all.add(implied);
  }
  for (const scope of needed) if (!all.has(scope)) return false;
  return true;
}
