import { FormParameters } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { failure, tooManyRequests } from '../failure.ts';
import type { OAuthServices } from '../services.ts';
import { entraSessionHash } from './session.ts';

/** The longest `sid` that is looked for, in characters; Entra's have 36. */
const LONGEST_SID = 200;

/**
 * Entra tells, in a hidden frame and with no cookie of ours, that a session of
 * its own is over (OpenID Connect Front-Channel Logout section 2): the sessions
 * here that belong to it end. Who does not know a session's `sid` can end none;
 * the answer is the same whether there was one. The tenant has to be the session's
 * where `iss` names it, which Entra is said to leave out at times.
 */
export function frontChannelLogoutEndpoint(
  services: Pick<OAuthServices, 'entra' | 'sessions' | 'limits' | 'audit' | 'now'>,
): Endpoint {
  const { entra, sessions, limits, audit, now } = services;

  return async (request, context) => {
    const taken = limits.signouts.take(request);
    if (!taken.ok) return failure(request, context, tooManyRequests(taken.retryAfterSeconds));
    const parameters = FormParameters.ofQuery(request);
    const [iss, sid = ''] = [parameters.get('iss'), parameters.get('sid')];
    const tid = iss === undefined ? undefined : entra.tenantOf(iss);
    const isOurs = iss === undefined || tid !== undefined;
    if (isOurs && sid && sid.length <= LONGEST_SID) {
      const ended = await sessions.removeOf({ hash: entraSessionHash(sid), ...(tid ? { tid } : {}) }, now());
      if (ended > 0) audit.record(context, 'signed out by Entra', { reason: `sessions: ${ended}` });
    }
    return new Response('<!doctype html><title>Signed out</title>', {
      status: 200,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `default-src 'none'; frame-ancestors ${entra.origin}`,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      },
    });
  };
}
