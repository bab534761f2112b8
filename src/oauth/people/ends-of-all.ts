import type { PersonId } from '../../access/person.ts';
import type { ListedGrant } from '../../storage/grants.ts';
import type { OAuthServices } from '../services.ts';

/**
 * A person's grants as they are: when an administrator has ended all that the
 * person or a client had, the grants' own rows do not say so before they are renewed.
 *
 * @throws UnavailableError
 */
export function withEndsOfAll(
  { revocations }: Pick<OAuthServices, 'revocations'>,
  person: PersonId,
  grants: readonly ListedGrant[],
): Promise<ListedGrant[]> {
  return Promise.all(
    grants.map(async grant => {
      if (grant.endedAt !== undefined) return grant;
      const endedAt = await revocations.endedAt({ person, clientId: grant.clientId, since: grant.signedInAt });
      return endedAt === undefined ? grant : { ...grant, endedAt, endReason: 'ended by an administrator' };
    }),
  );
}
