import { FormParameters, readForm } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { StartedSignin, StoredSignin } from '../../storage/signins.ts';
import { interactionPage } from '../../web/index.ts';
import { beginBinding, presentedBinding } from '../authorize/browser-binding.ts';
import { toEntra } from '../authorize/to-entra.ts';
import { isExpired } from '../authorize/transaction.ts';
import { failure, wrongBrowser } from '../failure.ts';
import { PATHS } from '../paths.ts';
import { isSameOriginPost } from '../same-origin.ts';
import type { OAuthServices } from '../services.ts';
import { interactionEnded, interactionOver } from './failures.ts';
import { interactionOf, isOpenTo } from './interaction.ts';
import { livingGrant } from './living-grant.ts';

/**
 * The page of an interaction, which tells what is asked and by which application;
 * its form sends the browser to Entra. The first browser that posts it has it: a
 * GET changes nothing, so that what only looks at addresses uses nothing up.
 */
export function interactionEndpoint(services: OAuthServices): Endpoint {
  const { cookies, keys, now, origin, random, signins } = services;

  return async (request, context) => {
    const form = request.method === 'POST' ? await readForm(request) : undefined;
    const query = FormParameters.ofQuery(request);
    const ring = await keys();
    const presented = presentedBinding(request, cookies.binding, ring);
    if (form && (!presented || !isSameOriginPost(request, origin))) return failure(request, context, wrongBrowser());

    const id = (form ?? query).get('id') ?? '';
    const signin = await signins.read(id);
    const wanted = signin && interactionOf(signin);
    if (!wanted || signin.stage !== 'started' || isExpired(signin, now()) || !isOpenTo(signin, presented)) {
      return failure(request, context, interactionOver());
    }
    const grant = await livingGrant(services, wanted);
    if (!grant) return failure(request, context, interactionEnded());

    if (!form) {
      const binding = beginBinding(request, cookies.binding, ring, random);
      const page = interactionPage({
        client: grant.clientName ?? '',
        scopes: wanted.scopes,
        id,
        action: PATHS.interaction,
        otherAccount: query.get('prompt') === 'select_account',
      });
      page.headers.append('set-cookie', binding.setCookie);
      return page;
    }
    const begun = await begin(id, signin, presented ?? '');
    if (!begun) return failure(request, context, interactionOver());
    context.log.info('interaction begins', { grant: wanted.grantId, scopes: wanted.scopes, signin: id });
    const prompt = form.get('prompt') === 'select_account' ? 'select_account' : undefined;
    return leave(request, context, { ring, id, signin: begun, prompt });
  };

  /** Gives an interaction to a browser; who already has it keeps it. `undefined` where another one was faster. */
  async function begin(
    id: string,
    from: StoredSignin<StartedSignin>,
    binding: string,
  ): Promise<StartedSignin | undefined> {
    if (from.binding === binding) return from;
    const { etag: _etag, ...row } = from;
    const to: StartedSignin = { ...row, binding, createdAt: now() };
    if ((await signins.advance(from, to)) === 'written') return to;
    // Another browser's, or our own write, whose answer was lost.
    const after = await signins.read(id);
    return after?.stage === 'started' && after.binding === binding ? after : undefined;
  }

  async function leave(
    request: Request,
    context: RequestContext,
    to: { ring: KeyRing; id: string; signin: StartedSignin; prompt: 'select_account' | undefined },
  ): Promise<Response> {
    const location = await toEntra(services, to.ring, to.id, to.signin, to.prompt);
    return location ? redirect(location) : failure(request, context, interactionOver());
  }
}
