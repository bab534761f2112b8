/**
 * Storage, Entra or another service cannot be reached just now. Every endpoint
 * answers 503 with `Retry-After` for it and changes nothing; it never means that
 * a token, code or person is not valid.
 *
 * @example
 * ```ts
 * import { UnavailableError } from 'entra-mcp-functions';
 *
 * export async function readReport(url: string, signal: AbortSignal): Promise<string> {
 *   const response = await fetch(url, { signal }).catch(error => {
 *     throw new UnavailableError('the reports', error);
 *   });
 *   if (response.status === 503) throw new UnavailableError('the reports', 'they answer 503', 30);
 *   return response.text();
 * }
 * ```
 */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
  readonly retryAfterSeconds: number;
  /** What does not answer. */
  readonly service: string;

  /**
   * @param service what does not answer, as clients read it: `SERVICE cannot be reached just now.`
   * @param cause for the log alone
   */
  constructor(service: string, cause: unknown, retryAfterSeconds = 5) {
    super(`${service} is unavailable: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.service = service;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** More was asked for than a limit of rate allows; nothing was done. */
export class TooManyRequestsError extends Error {
  override readonly name = 'TooManyRequestsError';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('too many requests');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The request cannot be read: the adapter answers with this status and text. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
  readonly status: 400 | 411 | 413 | 415;

  constructor(message: string, status: 400 | 411 | 413 | 415 = 400) {
    super(message);
    this.status = status;
  }
}
