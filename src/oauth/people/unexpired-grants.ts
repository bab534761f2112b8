import type { PersonId } from '../../access/person.ts';
import type { GrantQuery, ListedGrant } from '../../storage/grants.ts';
import type { OAuthServices } from '../services.ts';
import { withEndsOfAll } from './ends-of-all.ts';

/**
 * All grants of a person that have not expired, as they are; some may have ended.
 *
 * @param kind of this kind only
 * @throws UnavailableError
 */
export async function unexpiredGrants(
  services: Pick<OAuthServices, 'grants' | 'revocations' | 'now'>,
  person: PersonId,
  kind?: GrantQuery['kind'],
): Promise<ListedGrant[]> {
  const query = { expiringAfter: services.now(), ...(kind ? { kind } : {}) };
  const all: ListedGrant[] = [];
  let after: string | undefined;
  do {
    const page = await services.grants.list(person, { ...query, ...(after ? { after } : {}) });
    all.push(...page.grants);
    after = page.next;
  } while (after);
  return withEndsOfAll(services, person, all);
}
