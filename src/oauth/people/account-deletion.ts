import type { RequestContext } from '../../http/endpoint.ts';
import { UnavailableError } from '../../http/errors.ts';
import { deletedPage } from '../../web/index.ts';
import { failure } from '../failure.ts';
import { PATHS } from '../paths.ts';
import type { OAuthServices } from '../services.ts';
import { endEach } from './end-each.ts';
import { type BrowserSession, endSession, isFresh } from './session.ts';

/**
 * Deletes all that is kept of a person. Codes go first, so that nothing new comes
 * of them, claimed ones neither; then each grant is ended, which stops its tokens, and deleted; then the
 * notes, which no token can add to any more; the sessions last, so that a deletion
 * that was cut off can be asked for again.
 */
export async function deleteAccount(
  services: OAuthServices,
  request: Request,
  context: RequestContext,
  session: BrowserSession,
): Promise<Response> {
  const { entra, erasure, grants, origin, records } = services;
  const { person } = session;
  if (!isFresh(services, session)) {
    return failure(request, context, {
      status: 403,
      error: 'access_denied',
      what: 'Everything is deleted only within 15 minutes of signing in. Nothing was done.',
      todo: 'Sign in again, then ask for it once more.',
      action: { href: `${PATHS.login}?to=account&prompt=login`, label: 'Sign in again' },
    });
  }
  try {
    // What lists this person and is still to be written would come back after all else is gone.
    await records.connections.flush();
    await erasure.signins(person, services.now());
    await endAndRemoveGrants();
    await grants.forget(person);
    await erasure.notes(person);
    await erasure.sessions(person);
    const page = deletedPage({ entraLogoutUrl: entra.logoutUrl(`${origin}/`) });
    page.headers.append('set-cookie', await endSession(services, session));
    services.audit.record(context, 'data deleted', { person });
    return page;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    context.log.error('account deleted in part', { service: error.service });
    return failure(request, context, {
      status: 503,
      error: 'temporarily_unavailable',
      what: 'Storage does not answer just now. A part is deleted, the rest is not yet.',
      todo: 'Wait a few seconds, then delete everything again: it goes on where it was.',
      retryAfterSeconds: error.retryAfterSeconds,
      action: { href: `${PATHS.account}?show=delete`, label: 'Go on' },
    });
  }

  async function endAndRemoveGrants(): Promise<void> {
    for (;;) {
      const { grants: found } = await grants.list(person);
      const ids = found.map(({ grantId }) => grantId);
      if (ids.length === 0) return;
      // Those that have ended are ended again: a revocation may be missing that was cut off.
      const left = ids.length - (await endEach(services, context, person, ids));
      if (left > 0) throw new UnavailableError('storage', new Error(`${left} grants could not be ended`));
      await records.connections.remove(person, found);
      await grants.remove(person, found, services.now());
    }
  }
}
