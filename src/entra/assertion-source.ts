import { UnavailableError } from '../http/errors.ts';

/** A managed identity's token, and when it expires in milliseconds. */
export interface IdentityToken {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

/** A token within this time of its end is not used any more, in milliseconds. */
const MARGIN_MS = 300_000;

/**
 * The client assertions of a federated credential (RFC 7523): the managed
 * identity's own tokens. Each is used until five minutes before it expires; a new
 * one is asked for once, however many sign-ins wait for it.
 *
 * @param getToken asks the platform for a token
 * @returns gives an assertion; throws UnavailableError when the platform gives none
 */
export function createAssertionSource(
  getToken: () => Promise<IdentityToken>,
  now: () => number,
): () => Promise<string> {
  let current: IdentityToken | undefined;
  let asking: Promise<IdentityToken> | undefined;

  return async () => {
    if (current && current.expiresOnTimestamp - MARGIN_MS > now()) return current.token;
    asking ??= getToken()
      .catch(error => {
        // One that still lives is better than none.
        if (current && current.expiresOnTimestamp > now()) return current;
        throw new UnavailableError('managed identity', error);
      })
      .finally(() => {
        asking = undefined;
      });
    current = await asking;
    return current.token;
  };
}
