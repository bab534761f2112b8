import { namesResource, type ProtectedResource, type ResourceDirectory, scopesOf } from '../../access/resources.ts';
import { OFFLINE_ACCESS } from '../../access/scopes.ts';
import { FormParameters } from '../../http/body.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { BadRequestError } from '../../http/errors.ts';
import type { Client } from '../clients/client.ts';
import { ClientDocumentError } from '../clients/documents/client-document-error.ts';
import { isLoopbackUri, matchesRegistered, withoutLoopbackPort } from '../clients/redirect-uri.ts';
import { PATHS } from '../paths.ts';
import type { OAuthServices } from '../services.ts';

/** A client's authorization request after every check, fit to be sealed and stored. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly clientName?: string;
  readonly clientSource: Client['source'];
  /** Present for a confidential client: the token endpoint asks for the secret. */
  readonly clientSecretHash?: string;
  /** Present for a client that signs assertions: the token endpoint asks for one. */
  readonly clientAuth?: 'private_key_jwt';
  /** Whether no token was ever issued to this self-registered client. */
  readonly firstUse?: true;
  /** Thumbprint of the key that the tokens are to be bound to (RFC 9449 section 10). */
  readonly dpopJkt?: string;
  /** Whether the client has said that all of its tokens are to be bound (RFC 9449 section 5.2). */
  readonly dpopRequired?: true;
  /** What the person has approved on a page; what is asked now may be less. Absent until they have. */
  readonly approvedScope?: string;
  readonly redirectUri: string;
  readonly state?: string;
  /** Of the resource's. */
  readonly scopes: readonly string[];
  /** Whether a refresh token is to be issued. */
  readonly offline: boolean;
  /** The one that the tokens are for. */
  readonly resource: string;
  readonly codeChallenge: string;
  /** What Entra is asked for; `consent` is our own page's. */
  readonly prompt?: 'none' | 'login' | 'select_account';
  /** How long ago the person may have signed in, in seconds. */
  readonly maxAge?: number;
  readonly loginHint?: string;
  /** The organization whose sign-in page Entra is to show. */
  readonly domainHint?: string;
  /** Whether the consent page is wanted whatever was approved before. */
  readonly alwaysAsk?: true;
  /** Whether somebody here has signed in to this client, or the operator has registered it. */
  readonly known?: true;
}

/**
 * An authorization request that is not answered by a redirect: the client has
 * registered itself, and nobody here has decided anything yet (RFC 9700 section
 * 4.11.2), so the person gets a page.
 */
export class AuthorizationRequestError extends Error {
  override readonly name = 'AuthorizationRequestError';
  readonly error: string;
  readonly todo: string;

  constructor(
    error: string,
    message: string,
    todo = 'Go back to the application. This is a fault of the application, not yours.',
  ) {
    super(message);
    this.error = error;
    this.todo = todo;
  }
}

/**
 * Checks an authorization request (OAuth 2.1 section 4.1.1), one parameter
 * after the other.
 *
 * @throws AuthorizationRequestError
 */
export async function readAuthorizationRequest(
  request: Request,
  context: RequestContext,
  services: OAuthServices,
): Promise<AuthorizationRequest> {
  const parameters = FormParameters.ofQuery(request);
  const get = (name: string) => {
    try {
      return parameters.get(name);
    } catch (error) {
      throw error instanceof BadRequestError ? new AuthorizationRequestError('invalid_request', error.message) : error;
    }
  };
  const client = await checkClientId(get('client_id'), request, context, services);
  const redirectUri = checkRedirectUri(get('redirect_uri'), client);
  checkResponseType(get('response_type'));
  checkResponseMode(get('response_mode'));
  const codeChallenge = checkCodeChallenge(get('code_challenge'), get('code_challenge_method'));
  checkUnused(codeChallenge, services.redeemedChallenges);
  checkRequestObject(get('request'), get('request_uri'));
  const prompt = checkPrompt(get('prompt'));
  const maxAge = checkMaxAge(get('max_age'));
  const dpopJkt = checkDpopJkt(get('dpop_jkt'));
  const resource = checkResource(get('resource'), client, services.resources);
  const scope = get('scope') ?? '';
  const state = checkState(get('state'));
  const loginHint = checkHint(get('login_hint'));
  const domainHint = checkHint(get('domain_hint'));
  return {
    clientId: client.id,
    ...(client.metadata.client_name ? { clientName: client.metadata.client_name } : {}),
    clientSource: client.source,
    ...(client.metadata.token_endpoint_auth_method === 'private_key_jwt'
      ? { clientAuth: 'private_key_jwt' as const }
      : {}),
    ...(client.unused ? { firstUse: true as const } : {}),
    ...(client.secretHash ? { clientSecretHash: client.secretHash } : {}),
    redirectUri,
    ...(state ? { state } : {}),
    scopes: checkScope(scope, resource),
    offline: client.metadata.grant_types.includes('refresh_token') || scope.split(' ').includes(OFFLINE_ACCESS),
    resource: resource.resource,
    codeChallenge,
    ...(isKnown(client) ? { known: true as const } : {}),
    ...(dpopJkt ? { dpopJkt } : {}),
    ...(client.metadata.dpop_bound_access_tokens ? { dpopRequired: true as const } : {}),
    ...prompt,
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(loginHint ? { loginHint } : {}),
    ...(domainHint ? { domainHint } : {}),
  };
}

async function checkClientId(
  id: string | undefined,
  request: Request,
  context: RequestContext,
  { audit, clients, limits, revocations, origin, registration }: OAuthServices,
): Promise<Client> {
  if (!id) throw new AuthorizationRequestError('invalid_request', 'The request names no client_id.');
  if (await revocations.isBlocked(id)) {
    // Anybody can ask this: as many events as sign-ins may begin.
    if (limits.signins.take(request).ok) {
      audit.record(context, 'sign-in refused', { client: id, reason: 'the client is blocked' });
    }
    throw new AuthorizationRequestError(
      'unauthorized_client',
      'An administrator of this server has blocked this application.',
      'Ask whoever runs this server.',
    );
  }
  const countFetch = () => limits.documents.take(request);
  const client = await clients.find(id, context, countFetch).catch(error => {
    throw error instanceof ClientDocumentError
      ? new AuthorizationRequestError('invalid_client', error.message, error.todo)
      : error;
  });
  if (client) return client;
  throw new AuthorizationRequestError(
    'invalid_client',
    'The application is not registered with this server.',
    registration.isOpen
      ? `Remove the server from the application and add it again, so that it registers anew at ${origin}${PATHS.register}.`
      : 'Ask whoever runs this server: it lets in only the applications that it knows.',
  );
}

function checkRedirectUri(uri: string | undefined, client: Client): string {
  const registered = client.metadata.redirect_uris;
  const [only, ...others] = registered;
  if (uri === undefined && only && others.length === 0 && !isLoopbackUri(only)) return only;
  if (uri === undefined) throw new AuthorizationRequestError('invalid_request', 'The request names no redirect_uri.');
  if (matchesRegistered(uri, registered)) return uri;
  throw new AuthorizationRequestError(
    'invalid_request',
    `The redirect_uri is not one that the application registered. It registered ${registered.map(withoutLoopbackPort).join(', ')}.`,
  );
}

function checkResponseType(type: string | undefined): void {
  if (type !== 'code')
    throw new AuthorizationRequestError('unsupported_response_type', 'The response_type is not "code".');
}

function checkResponseMode(mode: string | undefined): void {
  if (mode !== undefined && mode !== 'query') {
    throw new AuthorizationRequestError('invalid_request', 'The response_mode is not "query".');
  }
}

/** RFC 7636 section 4.3, S256 only: "plain" protects from nothing. */
function checkCodeChallenge(challenge: string | undefined, method: string | undefined): string {
  if (!challenge) throw new AuthorizationRequestError('invalid_request', 'The request has no code_challenge (PKCE).');
  if (method !== 'S256')
    throw new AuthorizationRequestError('invalid_request', 'The code_challenge_method is not "S256".');
  if (!/^[\w-]{43}$/.test(challenge))
    throw new AuthorizationRequestError('invalid_request', 'The code_challenge is not a SHA-256 hash.');
  return challenge;
}

/** RFC 9700 section 2.1.1: a challenge is made for one request; one whose code was just redeemed is a copy. */
function checkUnused(challenge: string, redeemed: OAuthServices['redeemedChallenges']): void {
  if (!redeemed.has(challenge)) return;
  throw new AuthorizationRequestError(
    'invalid_request',
    'This request was used for a sign-in a moment ago.',
    'Go back to the application. If it is not connected, begin the sign-in there once more.',
  );
}

/**
 * OpenID Connect Core section 3.1.2.1. `consent`, which most clients send with
 * every sign-in, asks for our own page and is never passed on.
 */
function checkPrompt(prompt: string | undefined): Pick<AuthorizationRequest, 'prompt' | 'alwaysAsk'> {
  const values = prompt?.split(' ').filter(Boolean) ?? [];
  if (values.includes('none') && values.length > 1) {
    throw new AuthorizationRequestError('invalid_request', 'The prompt "none" goes with no other.');
  }
  const passedOn = (['none', 'login', 'select_account'] as const).find(known => values.includes(known));
  return {
    ...(passedOn ? { prompt: passedOn } : {}),
    ...(values.includes('consent') ? { alwaysAsk: true } : {}),
  };
}

/** A hint helps or does not; too much of one is cut. */
function checkHint(hint: string | undefined): string {
  return [...(hint ?? '')].slice(0, 320).join('');
}

/** OpenID Connect Core section 3.1.2.1. */
function checkMaxAge(maxAge: string | undefined): number | undefined {
  if (maxAge === undefined) return undefined;
  if (/^\d{1,9}$/.test(maxAge)) return Number(maxAge);
  throw new AuthorizationRequestError('invalid_request', 'The max_age is not a number of seconds.');
}

/** RFC 9449 section 10: the thumbprint of a key, a SHA-256 hash. */
function checkDpopJkt(jkt: string | undefined): string | undefined {
  if (jkt === undefined || /^[\w-]{43}$/.test(jkt)) return jkt;
  throw new AuthorizationRequestError('invalid_request', 'The dpop_jkt is not a SHA-256 thumbprint.');
}

/** OpenID Connect Core section 6: a request that these hold differs from the one that is read here. */
function checkRequestObject(request: string | undefined, requestUri: string | undefined): void {
  if (request !== undefined) {
    throw new AuthorizationRequestError('request_not_supported', 'Request objects are not served here.');
  }
  if (requestUri !== undefined) {
    throw new AuthorizationRequestError('request_uri_not_supported', 'Request objects are not served here.');
  }
}

/** A document says nothing of who used it: only its host is known. */
function isKnown({ source, unused }: Client): boolean {
  return source === 'preregistered' || (source === 'registered' && !unused);
}

/** Scopes that the resource lacks are dropped; a request that is left with none asks for all (RFC 6749 section 3.3). */
function checkScope(scope: string, resource: ProtectedResource): readonly string[] {
  const known = scopesOf(resource, scope);
  return known.length > 0 ? known : resource.scopes.map(({ name }) => name);
}

function checkState(state: string | undefined): string | undefined {
  if (state && state.length > 2_000)
    throw new AuthorizationRequestError('invalid_request', 'The state is longer than 2000 characters.');
  return state;
}

/**
 * RFC 8707 section 2. Which one is meant is never guessed: where there are several,
 * only a client that is bound to one need not say it.
 */
function checkResource(
  asked: string | undefined,
  client: Client,
  { all, find, get }: ResourceDirectory,
): ProtectedResource {
  const bound = client.resource === undefined ? undefined : get(client.resource);
  const known = client.resource === undefined ? all : all.filter(each => each === bound);
  const [only, another] = known;
  if (asked === undefined && only && !another) return only;
  const found = asked === undefined ? undefined : bound ? known.find(each => namesResource(asked, each)) : find(asked);
  if (found) return found;
  const which = known.map(({ resource }) => resource).join(', ');
  throw new AuthorizationRequestError(
    'invalid_target',
    asked === undefined
      ? `The request names no resource, and there are several: ${which}.`
      : `The resource is none that this application can get access to here. It can to: ${which}.`,
  );
}
