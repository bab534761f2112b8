import { type PersonId, personKey } from '../../access/person.ts';
import { MOST_REFRESH_MAX_SECONDS } from '../../config.ts';
import { FormParameters, readForm } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { notFound, redirect } from '../../http/responses.ts';
import { manageLink, manageSignInPage } from '../../web/index.ts';
import { failure, invalidForm } from '../failure.ts';
import { PATHS } from '../paths.ts';
import { isSameOriginPost } from '../same-origin.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from '../tokens/end-grant.ts';
import { isGrantId } from '../tokens/refresh-token.ts';
import type { ServerFacts } from './landing.ts';
import { isClientId, personOf, showManage } from './manage-views.ts';
import {
  type BrowserSession,
  csrfToken,
  currentSession,
  isCsrfToken,
  isFresh,
  isFromAdministrator,
} from './session.ts';

/**
 * The page for administrators, who have signed in a moment ago: who has connected
 * what, by person and by client, and what has happened. They end a grant, all of
 * a person's, all of a client's, and block a client; each act is an audit event.
 *
 * To everybody else the page is not there, whatever they send: their cookie alone
 * says so, before anything is read.
 */
export function manageEndpoint(services: OAuthServices, server: ServerFacts): Endpoint {
  const { audit, keys, now, origin, revocations } = services;

  /** Nothing that has begun by now lives longer, whatever REFRESH_MAX_SECONDS is raised to later. */
  const endingNow = () => ({ at: now(), until: now() + MOST_REFRESH_MAX_SECONDS * 1000 });

  return async (request, context) => {
    // The form comes first: a body that is none may have replaced the headers, the cookie too.
    const form = request.method === 'POST' ? await readForm(request).catch(() => 'none' as const) : undefined;
    if (form === 'none' || !(await isFromAdministrator(services, request))) return notFound();
    const session = await currentSession(services, request);
    if (!session || !isFresh(services, session)) {
      return form ? failure(request, context, tooLate()) : manageSignInPage();
    }
    const ring = await keys();
    if (!form) {
      return showManage(services, session.person, FormParameters.ofQuery(request), {
        serverName: server.name,
        version: server.version,
        person: session.person,
        csrf: csrfToken(ring, session),
      });
    }
    if (!isSameOriginPost(request, origin) || !isCsrfToken(ring, session, form.get('csrf'))) {
      return failure(request, context, {
        ...invalidForm(),
        todo: 'Open the page again and try there.',
        action: { href: PATHS.manage, label: 'Back' },
      });
    }
    return redirect(`${origin}${await act(context, session, form)}`);
  };

  /** Does what a form asks, and gives where to go on. What names nothing does nothing. */
  async function act(context: RequestContext, { person: by }: BrowserSession, form: FormParameters): Promise<string> {
    const person = personOf(form.get('person') ?? '');
    const client = form.get('client') ?? '';
    switch (form.get('action')) {
      case 'end-grant': {
        const grantId = form.get('grant_id') ?? '';
        if (!person || !isGrantId(grantId)) return PATHS.manage;
        await endGrant(services, context, { person, grantId }, { reason: 'ended by an administrator', by });
        return manageLink({ person: personKey(person) });
      }
      case 'end-person':
        return person ? endPerson(context, person, by) : PATHS.manage;
      case 'end-client':
        if (!isClientId(client)) return PATHS.manage;
        await revocations.endAll({ clientId: client }, endingNow());
        audit.record(context, 'all of a client ended', { client, by });
        return manageLink({ client });
      case 'block':
        if (!isClientId(client)) return PATHS.manage;
        await revocations.block({ clientId: client, at: now() });
        audit.record(context, 'client blocked', { client, by });
        return manageLink({ client });
      case 'unblock':
        if (!isClientId(client)) return PATHS.manage;
        await revocations.unblock(client);
        audit.record(context, 'client unblocked', { client, by });
        return manageLink({ client });
      default:
        return PATHS.manage;
    }
  }

  async function endPerson(context: RequestContext, person: PersonId, by: PersonId): Promise<string> {
    await revocations.endAll({ person }, endingNow());
    audit.record(context, 'all of a person ended', { person, by });
    return manageLink({ person: personKey(person) });
  }
}

function tooLate() {
  return {
    status: 403,
    error: 'access_denied',
    what: 'This is done only within 15 minutes of signing in. Nothing was done.',
    todo: 'Sign in again, then ask for it once more.',
    action: { href: `${PATHS.login}?to=manage`, label: 'Sign in again' },
  };
}
