import type { PersonId } from '../../access/person.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { UnavailableError } from '../../http/errors.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from '../tokens/end-grant.ts';

const AT_ONCE = 10;

/**
 * Ends several grants of a person. One that storage fails does not keep the
 * others; but when none of ten succeeds storage is down, and the rest is left.
 *
 * @returns how many have ended
 */
export async function endEach(
  services: Pick<OAuthServices, 'grants' | 'revocations' | 'audit' | 'now'>,
  context: RequestContext,
  person: PersonId,
  grantIds: readonly string[],
): Promise<number> {
  let ended = 0;
  for (let start = 0; start < grantIds.length; start += AT_ONCE) {
    const some = grantIds.slice(start, start + AT_ONCE);
    const outcomes = await Promise.allSettled(
      some.map(grantId => endGrant(services, context, { person, grantId }, { reason: 'ended by the person' })),
    );
    const failures = outcomes.filter(outcome => outcome.status === 'rejected');
    for (const { reason } of failures) if (!(reason instanceof UnavailableError)) throw reason;
    ended += some.length - failures.length;
    if (failures.length === some.length) break;
  }
  return ended;
}
