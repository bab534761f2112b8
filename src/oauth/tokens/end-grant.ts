import type { EndReason, GrantKey } from '../../storage/grants.ts';
import type { OAuthServices } from '../services.ts';

type Services = Pick<OAuthServices, 'grants' | 'revocations' | 'now'>;

/** A verifier's clock may be behind ours by this much. */
const SKEW_MS = 120_000;

/**
 * Ends a grant: its refresh tokens at once, its access tokens as soon as each
 * instance has read the list of revocations. Cut off between the two writes, it
 * is completed by whoever asks again: the grant says when it ended and until
 * when tokens of it live.
 */
export async function endGrant(
  { grants, revocations, now }: Services,
  key: GrantKey,
  reason: EndReason,
  detail?: string,
): Promise<void> {
  for (;;) {
    const grant = await grants.read(key);
    if (!grant) return;
    // "Changed": it was renewed meanwhile, or this write's answer was lost. The next read tells.
    if (grant.endedAt === undefined && (await grants.end(grant, now(), reason, detail)) !== 'written') continue;
    const until = grant.tokensExpireAt + SKEW_MS;
    if (until > now()) await revocations.add(key.grantId, until);
    return;
  }
}
