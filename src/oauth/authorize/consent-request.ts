import type { KeyRing } from '../../keys/key-ring.ts';
import type { RandomBytes } from '../../keys/random.ts';
import type { AuthorizationRequest } from './authorization-request.ts';

/** How long the consent page may stay open, in seconds. */
const CONSENT_SECONDS = 600;
const PURPOSE = 'consent request';

/** What the consent page carries in a hidden field: the checked request, and the name its sign-in will have. */
interface ConsentRequest {
  readonly signinId: string;
  readonly request: AuthorizationRequest;
}

/**
 * Seals a request for the consent page. It opens only with the cookie of the
 * browser that asked, so another site cannot post it, nor another browser.
 */
export function sealConsent(
  keys: KeyRing,
  random: RandomBytes,
  { binding, now, ...consent }: ConsentRequest & { binding: string; now: number },
): string {
  return keys.seal(PURPOSE, binding, JSON.stringify({ ...consent, until: now + CONSENT_SECONDS * 1000 }), random);
}

/** What {@link sealConsent} took; `undefined` when it is not ours, not this browser's, or too old. */
export function openConsent(
  keys: KeyRing,
  sealed: string,
  { binding, now }: { binding: string; now: number },
): ConsentRequest | undefined {
  const text = keys.open(PURPOSE, binding, sealed);
  if (text === undefined) return undefined;
  const { until, ...consent } = JSON.parse(text) as ConsentRequest & { until: number };
  return until > now ? consent : undefined;
}
