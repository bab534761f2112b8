import { PATHS } from '../paths.ts';
import type { OAuthServices } from '../services.ts';
import { TokenError } from './token-error.ts';

/**
 * The thumbprint of the key that a token request proves to hold (RFC 9449
 * section 5); `undefined` for a request without a proof.
 *
 * @throws InvalidProofError
 */
export async function provenKey(
  { dpop, origin }: Pick<OAuthServices, 'dpop' | 'origin'>,
  request: Request,
): Promise<string | undefined> {
  const proof = request.headers.get('dpop');
  if (proof === null) return undefined;
  return dpop.check({ proof, method: request.method, url: `${origin}${PATHS.token}` });
}

/**
 * Checks that a request proves the very key that something is bound to, or none
 * where it is bound to none.
 *
 * @throws TokenError `invalid_grant` for another key: who has lost the key must sign in again
 */
export function checkKey(bound: string | undefined, proven: string | undefined): void {
  if (bound === proven) return;
  if (proven === undefined) throw new TokenError('invalid_dpop_proof', 'This is bound to a key: send a proof of it.');
  throw new TokenError('invalid_grant', 'This is not bound to the key that signed the DPoP proof.');
}

/**
 * Asks for a proof where the client has said that all of its tokens are to be
 * bound (RFC 9449 section 5.2, `dpop_bound_access_tokens`).
 *
 * @throws TokenError
 */
export function needKey(proven: string | undefined): void {
  if (proven !== undefined) return;
  throw new TokenError(
    'invalid_dpop_proof',
    'The client has registered that its tokens are bound to a key: send a proof.',
  );
}
