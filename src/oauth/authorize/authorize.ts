import { type Person, personKey } from '../../access/person.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { redirectTo } from '../clients/redirect-uri.ts';
import { expiredSignin, failure, tooManyRequests } from '../failure.ts';
import { type BrowserSession, currentSession } from '../people/session.ts';
import type { OAuthServices } from '../services.ts';
import { ask } from './ask.ts';
import {
  type AuthorizationRequest,
  AuthorizationRequestError,
  readAuthorizationRequest,
} from './authorization-request.ts';
import { type BrowserBinding, beginBinding } from './browser-binding.ts';
import { canBeRemembered, type RememberedApproval, rememberedApproval } from './remembered-approval.ts';
import { toEntra } from './to-entra.ts';
import { startSignin } from './transaction.ts';

/**
 * The authorization endpoint (OAuth 2.1 section 4.1.1): checks the request,
 * binds it to the browser and asks the person. Nothing goes to Entra, and
 * nothing is stored, before the person has approved, now or earlier.
 */
export function authorizeEndpoint(services: OAuthServices): Endpoint {
  const { cookies, keys, limits, random, now, signins, origin } = services;

  return async (request, context) => {
    try {
      const asked = await readAuthorizationRequest(request, context, services);
      const ring = await keys();
      const binding = beginBinding(request, cookies.binding, ring, random);
      const session = await sessionFor(request, asked);
      const approved = session && !asked.alwaysAsk && (await rememberedApproval(services, session.person, asked));
      if (approved) return goOn(request, context, ring, binding, asked, approved);
      if (asked.prompt === 'none') return await refuseToAsk(asked, session?.person);
      context.log.debug('authorization requested', { client: asked.clientId, scopes: asked.scopes });
      const page = ask(services, context, ring, asked, { binding: binding.hash });
      page.headers.append('set-cookie', binding.setCookie);
      return page;
    } catch (error) {
      if (!(error instanceof AuthorizationRequestError)) throw error;
      return failure(request, context, { status: 400, error: error.error, what: error.message, todo: error.todo });
    }
  };

  /** The browser's session, where it could make a difference: nobody is remembered for other redirect URIs. */
  async function sessionFor(request: Request, asked: AuthorizationRequest): Promise<BrowserSession | undefined> {
    return canBeRemembered(asked.redirectUri) ? currentSession(services, request) : undefined;
  }

  /** On to Entra without a page. */
  async function goOn(
    request: Request,
    context: RequestContext,
    ring: KeyRing,
    binding: BrowserBinding,
    asked: AuthorizationRequest,
    { scope, by: person, grantId }: RememberedApproval,
  ): Promise<Response> {
    const taken = limits.signins.take(request);
    if (!taken.ok) return failure(request, context, tooManyRequests(taken.retryAfterSeconds));
    const id = signins.newId(random(16), now());
    const signin = startSignin(ring, random, {
      id,
      binding: binding.hash,
      now: now(),
      request: { ...asked, approvedScope: scope },
      approver: personKey(person),
      reliesOn: grantId,
    });
    await signins.insert(id, signin);
    services.audit.record(context, 'consent remembered', {
      person,
      client: asked.clientId,
      clientName: asked.clientName,
      resource: asked.resource,
      scopes: asked.scopes,
      signin: id,
    });
    const location = await toEntra(services, ring, id, signin);
    return location ? redirect(location, [binding.setCookie]) : failure(request, context, expiredSignin());
  }

  /**
   * `prompt=none` where the page would have to be shown (OpenID Connect Core
   * section 3.1.2.6). A client that nobody here has ever signed in to gets no
   * redirect (RFC 9700 section 4.11.2); of one with a document only this browser's
   * person can tell.
   */
  async function refuseToAsk(asked: AuthorizationRequest, person: Person | undefined): Promise<Response> {
    const what = 'The application asked for a sign-in without questions, but your approval is needed.';
    const isKnown = asked.known || (person && (await services.grants.newest(person, asked, now())) !== undefined);
    if (!isKnown) throw new AuthorizationRequestError('interaction_required', what);
    return redirect(
      redirectTo(asked.redirectUri, {
        error: 'interaction_required',
        error_description: 'The approval of the person is needed.',
        state: asked.state,
        iss: origin,
      }),
    );
  }
}
