import { FormParameters } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { Signin } from '../../storage/signins.ts';
import { expiredSignin, failure, wrongBrowser } from '../failure.ts';
import type { OAuthServices } from '../services.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import { beginBinding, presentedBinding } from './browser-binding.ts';
import { challengeOf, isExpired, requestOf, startSignin, upstreamSecrets } from './transaction.ts';

/**
 * Sends the browser to Entra. With `signin` it goes on with a client's sign-in
 * that the person has approved in this browser; without, it begins one for a
 * person who has no client, who may ask for another account by
 * `prompt=select_account`.
 */
export function loginEndpoint(services: OAuthServices): Endpoint {
  const { cookies, entra, keys, now, random, signins } = services;

  async function toEntra(
    ring: KeyRing,
    id: string,
    signin: Signin,
    prompt?: AuthorizationRequest['prompt'],
  ): Promise<string | undefined> {
    const secrets = upstreamSecrets(ring, id, signin);
    if (!secrets) return undefined;
    const asked = requestOf(signin);
    return entra.authorizeUrl({
      state: id,
      nonce: secrets.nonce,
      challenge: challengeOf(secrets.verifier),
      ...(prompt ? { prompt } : {}),
      ...(asked?.loginHint ? { loginHint: asked.loginHint } : {}),
    });
  }

  return async (request, context) => {
    const ring = await keys();
    const parameters = FormParameters.ofQuery(request);
    const id = parameters.get('signin');

    if (id === undefined) {
      const binding = beginBinding(request, cookies.binding, ring, random);
      const newId = signins.newId(random(16), now());
      const signin = startSignin(ring, random, { id: newId, binding: binding.hash, now: now() });
      await signins.insert(newId, signin);
      context.log.debug('sign-in begins', { signin: newId });
      const prompt = parameters.get('prompt') === 'select_account' ? 'select_account' : undefined;
      const location = await toEntra(ring, newId, signin, prompt);
      return location ? redirect(location, [binding.setCookie]) : failure(request, context, expiredSignin());
    }

    const binding = presentedBinding(request, cookies.binding, ring);
    if (!binding) return failure(request, context, wrongBrowser());
    const signin = await signins.read(id);
    // A person's sign-in that is through already: the landing page shows it.
    if (signin && signin.stage !== 'started' && !signin.request) return redirect(`${services.origin}/`);
    if (signin?.stage !== 'started' || isExpired(signin, now())) {
      return failure(request, context, expiredSignin());
    }
    if (signin.binding !== binding) return failure(request, context, wrongBrowser());
    const location = await toEntra(ring, id, signin, requestOf(signin)?.prompt);
    context.log.debug('sign-in goes to Entra', { signin: id });
    return location ? redirect(location) : failure(request, context, expiredSignin());
  };
}
