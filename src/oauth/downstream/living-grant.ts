import type { Grant, GrantKey } from '../../storage/grants.ts';
import type { Stored } from '../../storage/tables.ts';
import type { OAuthServices } from '../services.ts';

/** A grant, unless it has ended or expired, or its person or client was ended as a whole. */
export async function livingGrant(
  { grants, revocations, now }: Pick<OAuthServices, 'grants' | 'revocations' | 'now'>,
  key: GrantKey,
): Promise<Stored<Grant> | undefined> {
  const grant = await grants.read(key);
  if (!grant || grant.endedAt !== undefined || grant.expiresAt <= now()) return undefined;
  const { clientId, signedInAt } = grant;
  const ended = await revocations.endedAt({ person: key.person, clientId, since: signedInAt });
  return ended === undefined ? grant : undefined;
}
