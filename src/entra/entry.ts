import type { PersonId } from '../access/person.ts';
import { EntraRefusedError } from './errors.ts';
import type { SignedIn } from './id-token.ts';

/** Who of a tenant may enter, besides what Entra itself decides. */
export interface EntryRules {
  /** App roles of the registration: one of them is needed, where any is named. */
  readonly requiredRoles: readonly string[];
  /** Object ids of groups: one of them is needed, where any is named. */
  readonly allowedGroups: readonly string[];
  /** Where people learn whom to ask. */
  readonly helpUrl?: string | undefined;
}

/**
 * Checks the rules for who has signed in, or is asked about again.
 *
 * @param lookUp asks which of the allowed groups somebody is in, where the token could not hold them all
 * @throws EntraRefusedError that names what is missing
 */
export async function checkEntry(
  { requiredRoles, allowedGroups, helpUrl }: EntryRules,
  who: Pick<SignedIn, 'person' | 'roles' | 'groups'>,
  lookUp: () => Promise<readonly string[]>,
): Promise<void> {
  if (requiredRoles.length > 0 && !requiredRoles.some(role => who.roles.includes(role))) {
    throw missing(`You need ${oneOf('the role', requiredRoles)} in this application.`, helpUrl, who.person);
  }
  if (allowedGroups.length === 0) return;
  const groups = who.groups === 'too many' ? await lookUp() : who.groups;
  if (!allowedGroups.some(group => groups.includes(group))) {
    throw missing(`You need to be a member of ${oneOf('the group', allowedGroups)}.`, helpUrl, who.person);
  }
}

function missing(what: string, helpUrl: string | undefined, { tid, oid }: PersonId): EntraRefusedError {
  return new EntraRefusedError({
    error: 'access_denied',
    what,
    todo: helpUrl ? 'The page below says whom to ask.' : 'Ask an administrator of your organization for it.',
    ...(helpUrl ? { helpUrl } : {}),
    isOurs: true,
    person: { tid, oid },
  });
}

function oneOf(what: string, names: readonly string[]): string {
  const quoted = names.map(name => `“${name}”`).join(', ');
  return names.length === 1 ? `${what} ${quoted}` : `one of ${what}s ${quoted}`;
}
