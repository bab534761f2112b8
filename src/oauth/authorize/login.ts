import { FormParameters } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import { expiredSignin, failure, tooManyRequests, wrongBrowser } from '../failure.ts';
import type { OAuthServices } from '../services.ts';
import { beginBinding, presentedBinding } from './browser-binding.ts';
import { toEntra } from './to-entra.ts';
import { isExpired, pageAfter, startSignin } from './transaction.ts';

/**
 * Sends the browser to Entra. With `signin` it goes on with a client's sign-in
 * that the person has approved in this browser; without, it begins one for a
 * person who has no client, who may ask for another account by
 * `prompt=select_account`, and for another page than the landing page
 * afterwards by `to`. With `prompt=login` Entra lets them show anew who they are,
 * and only then may they do what takes a fresh sign-in; the page for
 * administrators always takes one.
 */
export function loginEndpoint(services: OAuthServices): Endpoint {
  const { cookies, keys, limits, now, random, signins } = services;

  return async (request, context) => {
    const ring = await keys();
    const parameters = FormParameters.ofQuery(request);
    const id = parameters.get('signin');

    if (id === undefined) {
      const taken = limits.signins.take(request);
      if (!taken.ok) return failure(request, context, tooManyRequests(taken.retryAfterSeconds));
      const binding = beginBinding(request, cookies.binding, ring, random);
      const newId = signins.newId(random(16), now());
      const to = PAGES.find(page => page === parameters.get('to'));
      const prompt = to === 'manage' ? 'login' : PROMPTS.find(known => known === parameters.get('prompt'));
      const signin = startSignin(ring, random, {
        id: newId,
        binding: binding.hash,
        now: now(),
        ...(to ? { to } : {}),
        ...(prompt ? { prompt } : {}),
      });
      await signins.insert(newId, signin);
      context.span?.signin(newId);
      context.log.debug('sign-in begins', { signin: newId });
      const location = await toEntra(services, ring, newId, signin);
      return location ? redirect(location, [binding.setCookie]) : failure(request, context, expiredSignin());
    }

    const binding = presentedBinding(request, cookies.binding, ring);
    if (!binding) return failure(request, context, wrongBrowser());
    const signin = await signins.read(id);
    // A person's sign-in that is through already: the page that they came for shows it.
    if (signin && signin.stage !== 'started' && !signin.request) return redirect(pageAfter(services.origin, signin));
    if (signin?.stage !== 'started' || isExpired(signin, now())) {
      return failure(request, context, expiredSignin());
    }
    if (signin.binding !== binding) return failure(request, context, wrongBrowser());
    context.span?.signin(id);
    const location = await toEntra(services, ring, id, signin);
    context.log.debug('sign-in goes to Entra', { signin: id });
    return location ? redirect(location) : failure(request, context, expiredSignin());
  };
}

const PAGES = ['account', 'manage'] as const;
const PROMPTS = ['login', 'select_account'] as const;
