import { type Person, personKey } from '../../access/person.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { redirectTo } from '../clients/redirect-uri.ts';
import { expiredSignin, failure, tooManyRequests } from '../failure.ts';
import { currentSession } from '../people/session.ts';
import type { OAuthServices } from '../services.ts';
import { ask } from './ask.ts';
import {
  type AuthorizationRequest,
  AuthorizationRequestError,
  readAuthorizationRequest,
} from './authorization-request.ts';
import { type BrowserBinding, beginBinding } from './browser-binding.ts';
import { canBeRemembered, rememberedApproval } from './remembered-approval.ts';
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
      const approved = await approvedBefore(request, asked);
      if (approved)
        return goOn(request, context, ring, binding, { ...asked, approvedScope: approved.scope }, approved.by);
      if (asked.prompt === 'none') return refuseToAsk(asked);
      context.log.debug('authorization requested', { client: asked.clientId, scopes: asked.scopes });
      const page = ask(services, ring, asked, { binding: binding.hash });
      page.headers.append('set-cookie', binding.setCookie);
      return page;
    } catch (error) {
      if (!(error instanceof AuthorizationRequestError)) throw error;
      return failure(request, context, { status: 400, error: error.error, what: error.message, todo: error.todo });
    }
  };

  /** What the person of this browser's session has approved, where that covers the request; see {@link rememberedApproval}. */
  async function approvedBefore(
    request: Request,
    asked: AuthorizationRequest,
  ): Promise<{ scope: string; by: string } | undefined> {
    if (asked.alwaysAsk || !canBeRemembered(asked.redirectUri)) return undefined;
    const person: Person | undefined = (await currentSession(services, request))?.person;
    const scope = person && (await rememberedApproval(services, person, asked));
    return scope && person ? { scope, by: personKey(person) } : undefined;
  }

  /** On to Entra without a page. */
  async function goOn(
    request: Request,
    context: RequestContext,
    ring: KeyRing,
    binding: BrowserBinding,
    asked: AuthorizationRequest,
    approver: string,
  ): Promise<Response> {
    const taken = limits.signins.take(request);
    if (!taken.ok) return failure(request, context, tooManyRequests(taken.retryAfterSeconds));
    const id = signins.newId(random(16), now());
    const signin = startSignin(ring, random, { id, binding: binding.hash, now: now(), request: asked, approver });
    await signins.insert(id, signin);
    context.log.info('consent remembered', { client: asked.clientId, scopes: asked.scopes, signin: id });
    const location = await toEntra(services, ring, id, signin);
    return location ? redirect(location, [binding.setCookie]) : failure(request, context, expiredSignin());
  }

  /**
   * `prompt=none` where the page would have to be shown (OpenID Connect Core
   * section 3.1.2.6). A client that registered itself and that nobody has ever
   * signed in to gets no redirect (RFC 9700 section 4.11.2).
   */
  function refuseToAsk(asked: AuthorizationRequest): Response {
    const what = 'The application asked for a sign-in without questions, but your approval is needed.';
    if (!asked.known) throw new AuthorizationRequestError('interaction_required', what);
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
