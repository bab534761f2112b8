import { FormParameters, readForm } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { accountPage, accountSignInPage, deletionPage, notesLink } from '../../web/index.ts';
import { failure, invalidForm } from '../failure.ts';
import { PATHS } from '../paths.ts';
import { isSameOriginPost } from '../same-origin.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from '../tokens/end-grant.ts';
import { isGrantId } from '../tokens/refresh-token.ts';
import { appsOf, endAll } from './account-apps.ts';
import { deleteAccount } from './account-deletion.ts';
import { exportAccount } from './account-export.ts';
import { notesPage, placeOf } from './account-notes.ts';
import type { ServerFacts } from './landing.ts';
import { type BrowserSession, csrfToken, currentSession, isCsrfToken, isFresh } from './session.ts';

/**
 * The account page: a signed-in person sees and ends what has access in their
 * name, and sees, takes and deletes what is kept of them. A GET changes nothing.
 */
export function accountEndpoint(services: OAuthServices, server: ServerFacts): Endpoint {
  const { keys, notes, origin } = services;

  return async (request, context) => {
    // The form comes first: a body that is none may have replaced the headers.
    const form = request.method === 'POST' ? await readForm(request) : undefined;
    const session = await currentSession(services, request);
    const ring = await keys();
    if (!form) return session ? show(request, ring, session) : accountSignInPage();
    if (!session || !isSameOriginPost(request, origin) || !isCsrfToken(ring, session, form.get('csrf'))) {
      return failure(request, context, {
        ...invalidForm(),
        todo: 'Open your account page and try again there.',
        action: { href: PATHS.account, label: 'To your account' },
      });
    }
    return act(request, context, session, form);
  };

  async function act(
    request: Request,
    context: RequestContext,
    session: BrowserSession,
    form: FormParameters,
  ): Promise<Response> {
    const { person } = session;
    switch (form.get('action')) {
      case 'end-grant': {
        const grantId = form.get('grant_id') ?? '';
        if (isGrantId(grantId)) {
          await endGrant(services, context, { person, grantId }, { reason: 'ended by the person' });
        }
        return redirect(`${origin}${PATHS.account}`);
      }
      case 'end-all': {
        const { ended, left } = await endAll(services, context, person);
        return left === 0 ? redirect(`${origin}${PATHS.account}`) : failure(request, context, notAllEnded(ended, left));
      }
      case 'delete-note':
        await notes.remove({ person, id: form.get('note_id') ?? '' });
        return redirect(`${origin}${notesLink(placeOf(form))}`);
      case 'export':
        services.audit.record(context, 'data exported', { person });
        return exportAccount(services, session);
      case 'delete-everything':
        return deleteAccount(services, request, context, session);
      default:
        return redirect(`${origin}${PATHS.account}`);
    }
  }

  async function show(request: Request, ring: KeyRing, session: BrowserSession): Promise<Response> {
    const query = FormParameters.ofQuery(request);
    const csrf = csrfToken(ring, session);
    if (query.get('show') === 'delete') return deletionPage({ csrf, canDelete: isFresh(services, session) });
    const [apps, found] = await Promise.all([
      appsOf(services, session.person),
      notesPage(notes, session.person, placeOf(query)),
    ]);
    return accountPage({
      serverName: server.name,
      version: server.version,
      person: session.person,
      isAdministrator: session.isAdministrator,
      csrf,
      ...apps,
      notes: found,
    });
  }
}

function notAllEnded(ended: number, left: number) {
  return {
    status: 503,
    error: 'temporarily_unavailable',
    what: `Storage did not answer each time. ${ended} ended; ${left} still have access.`,
    todo: 'Wait a few seconds, then end all again.',
    retryAfterSeconds: 5,
    action: { href: PATHS.account, label: 'To your account' },
  };
}
