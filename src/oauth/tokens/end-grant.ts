import type { PersonId } from '../../access/person.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import type { EndReason, GrantKey } from '../../storage/grants.ts';
import { SIGNIN_SECONDS } from '../../storage/signins.ts';
import type { OAuthServices } from '../services.ts';

type Services = Pick<OAuthServices, 'grants' | 'revocations' | 'audit' | 'now'>;

/** A verifier's clock may be behind ours by this much. */
const SKEW_MS = 120_000;

/** Why a grant ends. */
export interface Ending {
  readonly reason: EndReason;
  /** What Entra said, where it was Entra. */
  readonly detail?: string;
  /** The administrator, where it was one. */
  readonly by?: PersonId;
}

/** A sign-in that relies on the approval of a grant takes no longer than this. */
const SIGNIN_MS = SIGNIN_SECONDS * 1000;

/**
 * Ends a grant: its refresh tokens at once, its access tokens as soon as each
 * instance has read the list of revocations. That list comes first: cut off
 * between the two writes, the grant has not ended yet, and whoever asks again
 * completes it. A grant that says it has ended has nothing left that lives.
 */
export async function endGrant(
  { grants, revocations, audit, now }: Services,
  context: RequestContext,
  key: GrantKey,
  { reason, detail, by }: Ending,
): Promise<void> {
  let told = false;
  for (;;) {
    const grant = await grants.read(key);
    if (!grant || grant.endedAt !== undefined) return;
    await revocations.add(key.grantId, Math.max(grant.tokensExpireAt, now() + SIGNIN_MS) + SKEW_MS);
    // By that its access tokens have ended already: an outage at the next write must not hide it.
    if (!told) {
      audit.record(context, 'grant ended', {
        person: key.person,
        client: grant.clientId,
        clientName: grant.clientName,
        grant: key.grantId,
        by,
        reason: detail ? `${reason}: ${detail}` : reason,
      });
    }
    told = true;
    // "Changed": it was renewed meanwhile, or this write's answer was lost. The next read tells.
    if ((await grants.end(grant, now(), reason, detail)) === 'written') return;
  }
}
