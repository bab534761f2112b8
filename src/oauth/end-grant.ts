import type { EndReason, GrantKey } from '../storage/grants.ts';
import type { OAuthServices } from './services.ts';
import { SCRIPT_TOKEN_SECONDS } from './tokens.ts';

type Services = Pick<OAuthServices, 'grants' | 'revocations' | 'now' | 'tokenExpirySeconds'>;

/** A verifier's clock may be behind ours by this much. */
const SKEW_MS = 120_000;

/**
 * Ends a grant: its refresh tokens at once, its access tokens as soon as each
 * instance has read the list of revocations. The list comes first: cut off
 * between the two writes, the next attempt finds a grant that is still to end.
 */
export async function endGrant(
  { grants, revocations, now, tokenExpirySeconds }: Services,
  key: GrantKey,
  reason: EndReason,
): Promise<void> {
  const longest = Math.max(tokenExpirySeconds, SCRIPT_TOKEN_SECONDS) * 1000;
  for (;;) {
    const grant = await grants.read(key);
    if (!grant || grant.endedAt !== undefined) return;
    await revocations.add(key.grantId, now() + longest + SKEW_MS);
    // "Changed": it was renewed meanwhile, or this write's answer was lost. The next read tells.
    if ((await grants.end(grant, now(), reason)) === 'written') return;
  }
}
