import type { Grant, GrantKey } from '../../storage/grants.ts';
import type { Stored } from '../../storage/tables.ts';
import type { OAuthServices } from '../services.ts';

/** A grant, unless it has ended or expired. */
export async function livingGrant(
  { grants, now }: Pick<OAuthServices, 'grants' | 'now'>,
  key: GrantKey,
): Promise<Stored<Grant> | undefined> {
  const grant = await grants.read(key);
  if (!grant || grant.endedAt !== undefined || grant.expiresAt <= now()) return undefined;
  return grant;
}
