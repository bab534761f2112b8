import { type EntraRefusal, EntraRefusedError, entraRefusal } from '../../entra/errors.ts';
import type { SignedIn } from '../../entra/id-token.ts';
import type { Upstream } from '../../entra/sign-in.ts';
import { FormParameters } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { plainAscii, redirect } from '../../http/responses.ts';
import { hashOf } from '../../keys/hash.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { randomText } from '../../keys/random.ts';
import type { CompletedSignin, Signin, StartedSignin, StoredSignin } from '../../storage/signins.ts';
import { redirectTo } from '../clients/redirect-uri.ts';
import { backFromEntra } from '../downstream/back-from-entra.ts';
import { interactionOf } from '../downstream/interaction.ts';
import { blocked, expiredSignin, failure, refusedByEntra, tooManyRequests, wrongBrowser } from '../failure.ts';
import { PATHS } from '../paths.ts';
import { beginSession, isAdministrator } from '../people/session.ts';
import type { OAuthServices } from '../services.ts';
import { sealUpstream, signinSeal } from '../tokens/upstream-tokens.ts';
import { ask } from './ask.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import { presentedBinding } from './browser-binding.ts';
import { codeHash, makeCode, RETRY_MS, remakeCode } from './code.ts';
import { canBeRemembered, needsNoPage } from './remembered-approval.ts';
import { isExpired, pageAfter, requestOf, upstreamSecrets } from './transaction.ts';

/**
 * Where Entra sends the browser back to (OpenID Connect Core section 3.1.2.5):
 * redeems its code, claims the sign-in, and goes on to the client with a code of
 * ours, or to the landing page with a session.
 */
export function callbackEndpoint(services: OAuthServices): Endpoint {
  return async (request, context) => {
    const parameters = FormParameters.ofQuery(request);
    const ring = await services.keys();
    const binding = presentedBinding(request, services.cookies.binding, ring);
    if (!binding) return failure(request, context, wrongBrowser());
    const id = parameters.get('state') ?? '';
    const signin = await services.signins.read(id);
    if (!signin) return failure(request, context, expiredSignin());
    if (signin.binding !== binding) return failure(request, context, wrongBrowser());
    context.span?.signin(id);
    // Entra's word comes through a browser, which can say it as often as it likes.
    const taken = signin.stage === 'started' ? services.limits.callbacks.take(id) : { ok: true as const };
    if (!taken.ok) return failure(request, context, tooManyRequests(taken.retryAfterSeconds));
    const interaction = interactionOf(signin);
    if (interaction) return backFromEntra(services, request, context, { ring, id, signin, interaction });

    const error = parameters.get('error');
    const code = parameters.get('code');
    if (signin.stage !== 'started') {
      const again = answerAgain(ring, id, signin, code);
      return again ? redirect(again) : failure(request, context, expiredSignin());
    }
    if (isExpired(signin, services.now())) return failure(request, context, expiredSignin());
    if (error) {
      return refuse(request, context, requestOf(signin), entraRefusal(error, parameters.get('error_description')));
    }
    const secrets = upstreamSecrets(ring, id, signin);
    if (!code || !secrets) return failure(request, context, expiredSignin());

    let who: SignedIn & Upstream;
    try {
      who = await services.entra.redeem({ code, ...secrets });
    } catch (refused) {
      if (!(refused instanceof EntraRefusedError)) throw refused;
      // The same answer twice at once: Entra refuses the code to the slower of
      // the two. What the faster one has made is theirs alike.
      const now = await services.signins.read(id);
      const again = now && answerAgain(ring, id, now, code);
      if (again) return redirect(again);
      // Redeemed before, and not stored: the faster one is not through yet, or storage
      // failed it. Entra gives a new code to who asks with a sign-in that still stands.
      if (refused.refusal.error === 'invalid_grant') return redirect(`${services.origin}${PATHS.login}?signin=${id}`);
      return refuse(request, context, requestOf(signin), refused.refusal);
    }
    context.log.debug('Entra has signed a person in', { signin: id, tenant: who.person.tid });
    return complete(request, context, { ring, id, signin, code, who });
  };

  /** Claims the sign-in for this answer of Entra's. */
  async function complete(
    request: Request,
    context: RequestContext,
    {
      ring,
      id,
      signin,
      code,
      who,
    }: { ring: KeyRing; id: string; signin: StoredSignin<StartedSignin>; code: string; who: SignedIn & Upstream },
  ): Promise<Response> {
    const { etag: _etag, to, ...begun } = signin;
    // Nobody but an administrator is led to the page for them, nor learns that there is one.
    const row = { ...begun, ...(to && (to !== 'manage' || isAdministrator(services, who)) ? { to } : {}) };
    const claim = randomText(services.random, 16);
    const asked = requestOf(signin);
    if (asked && (await services.revocations.isBlocked(asked.clientId))) {
      const { clientId: client, clientName } = asked;
      services.audit.record(context, 'sign-in refused', {
        person: who.person,
        client,
        clientName,
        reason: 'the client is blocked',
      });
      return failure(request, context, blocked());
    }
    if (asked && !(await needsNoPage(services, signin, asked, who.person))) {
      return askAnew(request, context, ring, signin, asked, who);
    }
    const made = asked && makeCode(ring, id, claim);
    const completed: CompletedSignin = {
      ...row,
      stage: 'completed',
      claim,
      completedAt: services.now(),
      upstreamCodeHash: hashOf('upstream code', code),
      person: JSON.stringify(who.person),
      ...keptOf(ring, id, asked, who),
      ...(made ? { codeHash: codeHash(made.code), codeKid: made.kid } : {}),
    };
    if ((await services.signins.advance(signin, completed)) !== 'written') {
      // Lost to another attempt, or won with the answer lost on the way: the row tells.
      const winner = await services.signins.read(id);
      const bearsOurClaim = winner !== undefined && winner.stage !== 'started' && winner.claim === claim;
      if (!bearsOurClaim) {
        const again = winner && answerAgain(ring, id, winner, code);
        return again ? redirect(again) : failure(request, context, expiredSignin());
      }
    }
    if (asked && made) {
      const { clientId: client, clientName } = asked;
      services.audit.record(context, 'signed in', { person: who.person, client, clientName, signin: id });
      // A session is what an approval is remembered for; who relied on one has it already.
      const newSession = signin.approver === undefined && canBeRemembered(asked.redirectUri);
      return redirect(
        toClient(asked, { code: made.code }),
        newSession ? [await beginSession(services, request, who, signin)] : [],
      );
    }
    services.audit.record(context, 'signed in', { person: who.person, signin: id });
    return redirect(pageAfter(services.origin, row), [await beginSession(services, request, who, signin)]);
  }

  /**
   * Somebody else came back than whose earlier approval was relied on, or it was
   * ended meanwhile: the person is asked before there is any code, by a page that begins a sign-in of
   * its own; the one that ends here leads nowhere.
   */
  async function askAnew(
    request: Request,
    context: RequestContext,
    ring: KeyRing,
    signin: StartedSignin,
    asked: AuthorizationRequest,
    who: SignedIn,
  ): Promise<Response> {
    services.audit.record(context, 'signed in', {
      person: who.person,
      client: asked.clientId,
      clientName: asked.clientName,
      reason: 'no approval of theirs covers it: asked anew',
    });
    if (asked.prompt === 'none') {
      return redirect(
        toClient(asked, {
          error: 'interaction_required',
          error_description: 'The approval of who is signed in is needed.',
        }),
      );
    }
    const { approvedScope: _approvedScope, prompt: _prompt, ...anew } = asked;
    const page = ask(services, context, ring, anew, { binding: signin.binding, person: who.person });
    page.headers.append('set-cookie', await beginSession(services, request, who, signin));
    return page;
  }

  /** What a client's grant will need of Entra's answer. */
  function keptOf(ring: KeyRing, id: string, asked: AuthorizationRequest | undefined, who: SignedIn & Upstream) {
    const roles = asked ? services.keptRoles(asked.resource, who.roles) : '';
    const { refreshToken } = who;
    return {
      ...(roles ? { roles } : {}),
      ...(asked && refreshToken ? sealUpstream(ring, services.random, signinSeal(id), { refreshToken }) : {}),
    };
  }

  /** A refusal of Entra's: to the client that the person approved, else as a page. */
  function refuse(
    request: Request,
    context: RequestContext,
    asked: AuthorizationRequest | undefined,
    refusal: EntraRefusal,
  ): Response {
    context.span?.tell({ error: refusal.error, ...(refusal.code ? { code: refusal.code } : {}) });
    context.log.warn('Entra has refused a sign-in', { error: refusal.error, code: refusal.code });
    services.audit.record(context, 'sign-in refused', {
      ...(asked ? { client: asked.clientId, clientName: asked.clientName } : {}),
      ...(refusal.person ? { person: refusal.person } : {}),
      reason: [refusal.what, refusal.code].filter(Boolean).join(' '),
    });
    const page = refusedByEntra(refusal);
    if (!asked) return failure(request, context, page);
    const description = [refusal.what, refusal.todo, refusal.code].filter(Boolean).join(' ');
    const back = toClient(asked, { error: refusal.error, error_description: plainAscii(description) });
    // What a rule of ours lacks is for the person to read, whom a client might show a code at best.
    if (!refusal.isOurs) return redirect(back);
    const links = [...(page.links ?? []), { href: back, label: 'Back to the application' }];
    return failure(request, context, { ...page, links });
  }

  /** The authorization response (OAuth 2.1 section 4.1.2), always with `iss` (RFC 9207). */
  function toClient(asked: AuthorizationRequest, answer: Record<string, string>): string {
    return redirectTo(asked.redirectUri, { ...answer, state: asked.state, iss: services.origin });
  }

  /**
   * The same answer of Entra's again: the client's redirect as it was, or for a
   * person without a client the landing page, which shows whether they are signed
   * in. `undefined` where it would not be the same.
   */
  function answerAgain(ring: KeyRing, id: string, signin: Signin, upstreamCode?: string): string | undefined {
    if (signin.stage === 'started') return undefined;
    const asked = requestOf(signin);
    if (!asked) return pageAfter(services.origin, signin);
    if (!upstreamCode || signin.upstreamCodeHash !== hashOf('upstream code', upstreamCode)) return undefined;
    if (services.now() >= signin.completedAt + RETRY_MS) return undefined;
    const code = signin.codeKid && remakeCode(ring, id, signin.claim, signin.codeKid);
    return code ? toClient(asked, { code }) : undefined;
  }
}
