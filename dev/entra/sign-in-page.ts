/** The account picker and what follows from a choice there; signing out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { Demands } from './demands.ts';
import { type EntraError, entraErrors } from './errors.ts';
import { consentPage, pageHeaders, pickerPage, signedOutPage } from './pages.ts';
import { type Person, type PersonName, personNames, subjectOf } from './people.ts';
import { REQUESTED_SCOPE } from './scopes.ts';

export interface SignInOptions {
  provider: Provider;
  clientId: string;
  redirectUris: string[];
  people: Record<PersonName, Person>;
  isDisabled(person: Person): boolean;
  demands: Demands;
  now(): number;
}

/** Shows the page that an authorize request has led to, or takes the choice made on it. */
export async function signIn(req: IncomingMessage, res: ServerResponse, form: URLSearchParams, options: SignInOptions) {
  const { provider, clientId, people } = options;
  const { prompt, params, session } = await interactionOf(req, res, provider);
  const signedIn = Object.values(people).find(person => subjectOf(person, clientId) === session?.accountId);
  const scopes = String(params[REQUESTED_SCOPE]).split(' ');

  if (req.method !== 'POST') {
    const hint = typeof params.login_hint === 'string' ? params.login_hint : undefined;
    const page =
      prompt.name === 'consent' && signedIn !== undefined ? consentPage(signedIn, scopes) : pickerPage(people, hint);
    return res.writeHead(200, pageHeaders).end(String(await page));
  }

  if (form.has('cancel')) return goBackWith(entraErrors.cancelled());
  if (form.has('accept')) {
    if (signedIn) options.demands.consent(signedIn, scopes);
    return provider.interactionFinished(req, res, { consent: {} });
  }
  const name = personNames.find(known => known === form.get('person'));
  if (name === undefined) throw entraErrors.malformed('no such person');
  const person = people[name];
  if (options.isDisabled(person)) return goBackWith(entraErrors.disabled('access_denied'));
  if (name === 'unassigned') return goBackWith(entraErrors.unassigned(person.username, clientId));
  const accountId = subjectOf(person, clientId);
  // By the clock of its tokens, which oidc-provider's sessions do not know: so it is carried in a field that nobody reads.
  const login = { accountId, amr: [String(Math.floor(options.now() / 1000))] };
  const result = { login, [prompt.name]: login };
  const location = await provider.interactionResult(req, res, result);
  await leaveToAnother(req, res, accountId, provider);
  return res.writeHead(303, { location }).end();

  function goBackWith(error: EntraError) {
    const { error: code, error_description } = error.describe(options.now());
    return provider.interactionFinished(req, res, { error: code, error_description });
  }
}

/** Ends the browser's session and goes to `post_logout_redirect_uri` if that is one of the application's. */
export async function signOut(req: IncomingMessage, res: ServerResponse, options: SignInOptions) {
  const { provider, redirectUris } = options;
  const session = await provider.Session.get(provider.createContext(req, res));
  await session.destroy();
  const { searchParams } = new URL(req.url ?? '/', provider.issuer);
  const target = searchParams.get('post_logout_redirect_uri');
  if (target === null || !redirectUris.includes(target)) {
    return res.writeHead(200, pageHeaders).end(String(await signedOutPage()));
  }
  const location = new URL(target);
  const state = searchParams.get('state');
  if (state !== null) location.searchParams.set('state', state);
  return res.writeHead(302, { location: location.href }).end();
}

async function interactionOf(req: IncomingMessage, res: ServerResponse, provider: Provider) {
  try {
    return await provider.interactionDetails(req, res);
  } catch {
    throw entraErrors.malformed('this sign-in is over, or was begun in another browser; go back to the application');
  }
}

/**
 * oidc-provider would end the old person's session on a page that needs JavaScript. Only after the choice was taken:
 * oidc-provider refuses one whose session has changed hands since the page was shown.
 */
async function leaveToAnother(req: IncomingMessage, res: ServerResponse, accountId: string, provider: Provider) {
  const session = await provider.Session.get(provider.createContext(req, res));
  if (session.accountId === undefined || session.accountId === accountId) return;
  session.authorizations = {};
  session.loginAccount({ accountId });
  await session.persist();
}
