import { oauthError } from '../../http/responses.ts';

/** A refusal of the token or revocation endpoint (RFC 6749 section 5.2). */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly error: string;
  readonly status: 400 | 401;
  readonly #basic: boolean;

  /** @param basic whether the client used HTTP Basic, and so must be told that scheme */
  constructor(error: string, description: string, status: 400 | 401 = 400, basic = false) {
    super(description);
    this.error = error;
    this.status = status;
    this.#basic = basic;
  }

  toResponse(): Response {
    const headers: Record<string, string> = this.#basic ? { 'www-authenticate': 'Basic realm="token"' } : {};
    return oauthError(this.status, this.error, this.message, headers);
  }
}
