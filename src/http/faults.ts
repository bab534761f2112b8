import { describeError, type Logger } from '../log.ts';
import { BadRequestError, TooManyRequestsError, UnavailableError } from './errors.ts';
import { outageText } from './failure-texts.ts';
import { oauthError, temporarilyUnavailable, tooManyRequests } from './responses.ts';

/** What is told of an error that an endpoint let through. */
export interface Fault {
  readonly status: number;
  readonly what: string;
  readonly retryAfterSeconds?: number;
}

/** Sorts an error, and logs what the answer must not tell. */
export function toFault(error: unknown, log: Logger): Fault {
  if (error instanceof BadRequestError) return { status: error.status, what: error.message };
  if (error instanceof TooManyRequestsError) {
    return { status: 429, what: 'Too many requests came.', retryAfterSeconds: error.retryAfterSeconds };
  }
  if (error instanceof UnavailableError) {
    log.error('service unavailable', { service: error.service, reason: describeError(error) });
    return { status: 503, what: DOWN[error.service] ?? outageText(error), retryAfterSeconds: error.retryAfterSeconds };
  }
  log.error('request failed', { reason: describeError(error), at: thrownAt(error) });
  return { status: 500, what: 'This server made a mistake.' };
}

const DOWN: Readonly<Record<string, string>> = {
  storage: 'The storage of this server does not answer.',
  entra: 'Microsoft Entra ID does not answer.',
  'managed identity': 'This server’s own identity cannot be had just now.',
  'client document': 'The application’s description, which its maker publishes, cannot be fetched.',
};

/** A fault in the form that programs read. */
export function programFault({ status, what, retryAfterSeconds }: Fault): Response {
  if (status === 503) return temporarilyUnavailable(retryAfterSeconds ?? 5);
  if (status === 429) return tooManyRequests(what, retryAfterSeconds ?? 5);
  return oauthError(status, status >= 500 ? 'server_error' : 'invalid_request', what);
}

function thrownAt(error: unknown): string | undefined {
  return error instanceof Error ? error.stack?.split('\n').slice(1, 3).join(' ').trim() : undefined;
}
