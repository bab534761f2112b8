import type { PersonId } from './person.ts';

/** An access token of another API, for a person of ours. */
export interface DownstreamToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What is asked for another API. */
export interface DownstreamRequest {
  readonly person: PersonId;
  /** The grant on which the request rests: its sign-in is the one that is used. */
  readonly grantId: string;
  /** Of one API. */
  readonly scopes: readonly string[];
  /** What the API has asked for in a claims challenge: JSON (OpenID Connect Core section 5.5). */
  readonly claims?: string;
}

/**
 * Gets a token of another API, as the person, without asking them.
 *
 * @throws DownstreamRefusedError when Entra gives none
 * @throws UnavailableError when Entra or storage cannot be reached
 */
export type TokenFor = (request: DownstreamRequest) => Promise<DownstreamToken>;

/**
 * Entra gives no token for another API. The message is for the person: what happened and what to do.
 *
 * @example
 * ```ts
 * import { DownstreamRefusedError, type ToolContext } from 'entra-mcp-functions';
 *
 * // Let through, it tells the caller what the person has to do. Catch it where there is something to give without.
 * export async function calendarToken({ tokenFor }: ToolContext): Promise<string | undefined> {
 *   try {
 *     return (await tokenFor(['https://graph.microsoft.com/Calendars.Read'])).token;
 *   } catch (error) {
 *     if (error instanceof DownstreamRefusedError) return undefined;
 *     throw error;
 *   }
 * }
 * ```
 */
export class DownstreamRefusedError extends Error {
  override readonly name = 'DownstreamRefusedError';
  /** Entra's own code, such as AADSTS65001. */
  readonly code: string | undefined;
  readonly #offer: (() => Promise<string>) | undefined;

  /** @param offer makes the address of a page on which the person can mend it; absent where none helps */
  constructor(message: string, { code, offer }: { code?: string | undefined; offer?: () => Promise<string> } = {}) {
    super(message);
    this.code = code;
    this.#offer = offer;
  }

  /**
   * The message, with the address of a page on which the person can mend it. A
   * page is made by each call, and can be used once.
   * @throws UnavailableError
   */
  async withLink(): Promise<string> {
    return this.#offer ? `${this.message} ${await this.#offer()}` : this.message;
  }
}
