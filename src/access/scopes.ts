/**
 * The scopes of our own MCP endpoint, as this project serves it: what a token may
 * do, in the words of the consent page. Other resources have others, see
 * `resources.ts`, and so do other apps. `offline_access`
 * is the authorization server's alone: it asks for a refresh token and is never in
 * an access token or a challenge.
 */

export const SCOPES = {
  profile: 'See your name, e-mail address and work profile',
  'notes:read': 'Read the notes that you saved here',
  'notes:write': 'Save and delete notes for you, and read them',
} as const;

export const OFFLINE_ACCESS = 'offline_access';

/** What a scope brings with it: who may write notes may read them. */
const IMPLIED: ReadonlyMap<string, readonly string[]> = new Map([['notes:write', ['notes:read']]]);

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
