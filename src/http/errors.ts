/**
 * Storage or Entra cannot be reached just now. Every endpoint answers 503 with
 * `Retry-After` for it and changes nothing; it never means that a token, code
 * or person is not valid.
 */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
  readonly retryAfterSeconds: number;
  readonly service: 'storage' | 'entra' | 'managed identity' | 'client document';

  constructor(service: UnavailableError['service'], cause: unknown, retryAfterSeconds = 5) {
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
