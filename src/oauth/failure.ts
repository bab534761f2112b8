import type { EntraRefusal } from '../entra/errors.ts';
import type { Endpoint, RequestContext } from '../http/endpoint.ts';
import { TooManyRequestsError, UnavailableError } from '../http/errors.ts';
import { toFault } from '../http/faults.ts';
import { oauthError, seconds } from '../http/responses.ts';
import { errorPage } from '../web/index.ts';
import { PATHS } from './paths.ts';

const TITLES = new Map([
  [429, 'Too many requests'],
  [503, 'Try again in a moment'],
]);

/** What went wrong, for a person and for a program. */
export interface Failure {
  readonly status: number;
  /** RFC 6749's word for it, for programs that ask for JSON. */
  readonly error: string;
  readonly what: string;
  readonly todo: string;
  /** A code that an administrator can look up, such as AADSTS50105. */
  readonly code?: string;
  readonly retryAfterSeconds?: number;
  readonly action?: { href: string; label: string };
  readonly links?: readonly { href: string; label: string }[];
}

/**
 * Answers a browser's request that failed and cannot be redirected: a page with
 * what happened, what to do and the correlation id, or JSON where it was asked for.
 */
export function failure(request: Request, context: RequestContext, fault: Failure): Response {
  context.span?.tell({ error: fault.error, ...(fault.code ? { code: fault.code } : {}) });
  context.log.warn('request refused', { error: fault.error, what: fault.what, code: fault.code });
  const retry = fault.retryAfterSeconds === undefined ? {} : { retryAfter: fault.retryAfterSeconds };
  if (wantsJson(request)) {
    const headers = fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
    return oauthError(fault.status, fault.error, `${fault.what} ${fault.todo}`, headers);
  }
  return errorPage({
    status: fault.status,
    title: TITLES.get(fault.status) ?? 'This did not work',
    what: fault.what,
    todo: fault.todo,
    correlationId: context.correlationId,
    ...(fault.code ? { detail: fault.code } : {}),
    ...(fault.action ? { action: fault.action } : {}),
    ...(fault.links ? { links: fault.links } : {}),
    ...retry,
  });
}

/** For an endpoint that people see: what it throws becomes a page too. */
export function withFailurePages(endpoint: Endpoint): Endpoint {
  return async (request, context) => {
    try {
      return await endpoint(request, context);
    } catch (error) {
      if (error instanceof TooManyRequestsError) {
        return failure(request, context, tooManyRequests(error.retryAfterSeconds));
      }
      if (error instanceof UnavailableError) context.span?.tell({ outage: error.service });
      const { status, what, retryAfterSeconds } = toFault(error, context.log);
      const wait = retryAfterSeconds === undefined ? 'a few seconds' : seconds(retryAfterSeconds);
      const again = status === 503 ? `Wait ${wait}, then load this page again. Nothing is lost.` : undefined;
      return failure(request, context, {
        status,
        error: status === 503 ? 'temporarily_unavailable' : status >= 500 ? 'server_error' : 'invalid_request',
        what,
        todo: again ?? 'Go back and try again. If it happens again, tell whoever runs this server the number below.',
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      });
    }
  };
}

function wantsJson(request: Request): boolean {
  const accept = request.headers.get('accept') ?? '';
  return accept.includes('application/json') && !accept.includes('text/html');
}

/** Entra has refused a person, and there is no client to tell. */
export function refusedByEntra({ error, what, todo, code, helpUrl }: EntraRefusal): Failure {
  const isBusy = error === 'temporarily_unavailable';
  // Entra would take the same account again without a word.
  const mayChoose = error === 'access_denied' || error === 'account_selection_required';
  return {
    status: isBusy ? 503 : 403,
    error,
    what,
    todo,
    ...(code ? { code } : {}),
    ...(isBusy ? { retryAfterSeconds: 60 } : {}),
    ...(helpUrl ? { links: [{ href: helpUrl, label: 'Whom to ask' }] } : {}),
    action: mayChoose
      ? { href: `${PATHS.login}?prompt=select_account`, label: 'Sign in with another account' }
      : { href: PATHS.login, label: 'Sign in again' },
  };
}

/** An administrator does not let the application in any more. */
export function blocked(): Failure {
  return {
    status: 403,
    error: 'unauthorized_client',
    what: 'An administrator of this server has blocked this application.',
    todo: 'Ask whoever runs this server.',
  };
}

/** More came from one address than its limit allows. */
export function tooManyRequests(retryAfterSeconds: number): Failure {
  return {
    status: 429,
    error: 'temporarily_unavailable',
    what: 'Too many requests came from your network.',
    todo: `Wait ${seconds(retryAfterSeconds)}, then load this page again. Nothing is lost.`,
    retryAfterSeconds,
  };
}

/** The same sign-in cannot go on in this browser. */
export function wrongBrowser(): Failure {
  return {
    status: 403,
    error: 'access_denied',
    what: 'This sign-in did not begin in this browser, or its cookie is gone.',
    todo: 'Go back to the application and sign in again, in one browser from beginning to end, with cookies allowed.',
  };
}

/** The sign-in is over, too old, or was never one of ours. */
export function expiredSignin(): Failure {
  return {
    status: 400,
    error: 'invalid_request',
    what: 'This sign-in has expired or was already used.',
    todo: 'Go back to the application and sign in again.',
  };
}

/** A form of the landing page that did not come from it, or from a session that is over. */
export function invalidForm(): Failure {
  return {
    status: 403,
    error: 'access_denied',
    what: 'This form is not valid any more: you are signed out, or it came from another page. Nothing was done.',
    todo: 'Open the landing page and try again there.',
    action: { href: '/', label: 'To the landing page' },
  };
}
