import { type FormParameters, readForm } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import type { StartedSignin } from '../../storage/signins.ts';
import { redirectTo } from '../clients/redirect-uri.ts';
import { blocked, expiredSignin, type Failure, failure, tooManyRequests, wrongBrowser } from '../failure.ts';
import { isSameOriginPost } from '../same-origin.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from '../tokens/end-grant.ts';
import { presentedBinding } from './browser-binding.ts';
import { openConsent } from './consent-request.ts';
import { approvalOf } from './remembered-approval.ts';
import { toEntra } from './to-entra.ts';
import { startSignin } from './transaction.ts';

/**
 * The person's decision. Only an approval stores anything: the sign-in, with the
 * scopes that were left ticked, under the name that the page was given. So a
 * form that is posted twice is one sign-in.
 */
export function consentEndpoint(services: OAuthServices): Endpoint {
  const { audit, cookies, keys, limits, now, origin, random, signins } = services;

  return async (request, context) => {
    // The address of a page that answered the form, opened by itself.
    if (request.method !== 'POST') return failure(request, context, expiredSignin());
    const form = await readForm(request);
    const ring = await keys();
    const binding = presentedBinding(request, cookies.binding, ring);
    if (!binding || !isSameOriginPost(request, origin)) return failure(request, context, wrongBrowser());
    const consent = openConsent(ring, form.get('request') ?? '', { binding, now: now() });
    if (!consent) return failure(request, context, expiredSignin());
    const { signinId, request: asked } = consent;
    context.span?.signin(signinId);
    const taken = limits.signins.take(request);
    if (!taken.ok) return failure(request, context, tooManyRequests(taken.retryAfterSeconds));

    if (form.get('decision') !== 'approve') {
      await takeBack(context, signinId);
      audit.record(context, 'consent denied', {
        client: asked.clientId,
        clientName: asked.clientName,
        resource: asked.resource,
      });
      return redirect(
        redirectTo(asked.redirectUri, {
          error: 'access_denied',
          error_description: 'The person did not approve.',
          state: asked.state,
          iss: origin,
        }),
      );
    }
    if (await services.revocations.isBlocked(asked.clientId)) return failure(request, context, blocked());
    const scopes = approvedScopes(form, asked.scopes);
    if (scopes.length === 0) return failure(request, context, nothingTicked());
    const offline = asked.offline && form.all('scope').includes('offline_access');
    const signin = startSignin(ring, random, {
      id: signinId,
      binding,
      now: now(),
      request: { ...asked, scopes, offline, approvedScope: approvalOf({ scopes, offline }) },
    });
    const stored = await store(signinId, signin);
    if (!stored) return failure(request, context, expiredSignin());
    audit.record(context, 'consent given', {
      client: asked.clientId,
      clientName: asked.clientName,
      resource: asked.resource,
      scopes: approvalOf({ scopes, offline }).split(' '),
      signin: signinId,
    });
    const location = await toEntra(services, ring, signinId, stored);
    return location ? redirect(location) : failure(request, context, expiredSignin());
  };

  /**
   * The last word counts: an approval before it, on the same page, is taken back,
   * with the grant that came of it already.
   */
  async function takeBack(context: RequestContext, id: string): Promise<void> {
    const grant = await signins.takeBack(id, now());
    if (grant) await endGrant(services, context, grant, { reason: 'ended by the person' });
  }

  /**
   * Stores the sign-in and gives it as it is stored. The form may have come before:
   * with the same decision, or because an answer of storage was lost, and then what
   * is there will do; with another one, and then the last word counts while nobody
   * is signed in by it.
   */
  async function store(id: string, signin: StartedSignin): Promise<StartedSignin | undefined> {
    if ((await signins.insert(id, signin)) === 'written') return signin;
    const before = await signins.read(id);
    if (before?.stage !== 'started') return undefined;
    if (before.request === signin.request) return before;
    if ((await signins.advance(before, signin)) === 'written') return signin;
    // Signed in meanwhile, or this write's answer was lost.
    const after = await signins.read(id);
    return after?.stage === 'started' && after.request === signin.request ? after : undefined;
  }
}

function nothingTicked(): Failure {
  return {
    status: 400,
    error: 'invalid_scope',
    what: 'Nothing was ticked, so the application could do nothing.',
    todo: 'Go back and tick what it may do, or deny it.',
  };
}

/** What was asked and left ticked. */
function approvedScopes(form: FormParameters, asked: readonly string[]) {
  const ticked = form.all('scope');
  return asked.filter(scope => ticked.includes(scope));
}
