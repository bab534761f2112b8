import type { Person } from '../../access/person.ts';
import { type FormParameters, readForm } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { signedOutPage } from '../../web/index.ts';
import { failure, invalidForm } from '../failure.ts';
import { isSameOriginPost } from '../same-origin.ts';
import type { OAuthServices } from '../services.ts';
import { endAll } from './account-apps.ts';
import { currentSession, endSession, isCsrfToken } from './session.ts';

/**
 * Ends the browser's session here, by a form of our own pages. The page that
 * follows offers to end the connected applications, and to leave Entra too. By
 * then there is no session any more, so its form carries the person, sealed.
 */
export function logoutEndpoint(services: OAuthServices): Endpoint {
  const { audit, entra, keys, now, origin, random } = services;

  return async (request, context) => {
    const form = await readForm(request);
    const ring = await keys();
    if (form.get('action') === 'end-all') return endApplications(request, context, ring, form);
    const session = await currentSession(services, request);
    if (session) {
      const ours = isCsrfToken(ring, session, form.get('csrf'));
      if (!ours || !isSameOriginPost(request, origin)) {
        return failure(request, context, invalidForm());
      }
    }
    const page = signedOutPage({
      entraLogoutUrl: entra.logoutUrl(`${origin}/`),
      ...(session ? { person: sealPerson(ring, session.person) } : {}),
    });
    if (session) {
      page.headers.append('set-cookie', await endSession(services, session));
      audit.record(context, 'signed out', { person: session.person });
    }
    return page;
  };

  async function endApplications(
    request: Request,
    context: RequestContext,
    ring: KeyRing,
    form: FormParameters,
  ): Promise<Response> {
    const person = openPerson(ring, form.get('person'));
    if (!person || !isSameOriginPost(request, origin)) return failure(request, context, invalidForm());
    const { ended, left } = await endAll(services, context, person);
    if (left === 0) return signedOutPage({ entraLogoutUrl: entra.logoutUrl(`${origin}/`), ended });
    return failure(request, context, {
      status: 503,
      error: 'temporarily_unavailable',
      what: `Storage did not answer each time. ${ended} ended; ${left} still have access.`,
      todo: 'Wait a few seconds, then go back and end them again.',
      retryAfterSeconds: 5,
    });
  }

  function sealPerson(ring: KeyRing, { tid, oid }: Person): string {
    return ring.seal(PURPOSE, '', JSON.stringify({ tid, oid, until: now() + OFFERED_MS }), random);
  }

  function openPerson(ring: KeyRing, sealed: string | undefined): Person | undefined {
    const opened = sealed && ring.open(PURPOSE, '', sealed);
    if (!opened) return undefined;
    const { until, ...person } = JSON.parse(opened) as Person & { until: number };
    return now() < until ? person : undefined;
  }
}

const PURPOSE = 'signed out';
/** How long after signing out the page may be used, in milliseconds. */
const OFFERED_MS = 10 * 60_000;
