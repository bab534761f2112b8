import { readForm } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { signedOutPage } from '../../web/index.ts';
import { failure, invalidForm } from '../failure.ts';
import { isSameOriginPost } from '../same-origin.ts';
import type { OAuthServices } from '../services.ts';
import { currentSession, endSession, isCsrfToken } from './session.ts';

/** Ends the browser's session here, by a form of our own pages; the page then offers to leave Entra too. */
export function logoutEndpoint(services: OAuthServices): Endpoint {
  return async (request, context) => {
    const form = await readForm(request);
    const session = await currentSession(services, request);
    if (session) {
      const ours = isCsrfToken(await services.keys(), session, form.get('csrf'));
      if (!ours || !isSameOriginPost(request, services.origin)) {
        return failure(request, context, invalidForm());
      }
    }
    const page = signedOutPage({ entraLogoutUrl: services.entra.logoutUrl(`${services.origin}/`) });
    if (session) {
      page.headers.append('set-cookie', await endSession(services, session));
      context.log.info('signed out');
    }
    return page;
  };
}
