/** What the real host allows, and no more. */

/** Of the path and the query together, in characters. Beyond: 414. */
export const MAX_URL = 8192;
/** Of the query, in characters, its `?` not counted. Beyond: 404. */
export const MAX_QUERY = 4096;
/** Of all header lines together, in bytes. Beyond: 431. */
export const MAX_HEADERS = 32 * 1024;
/** Of a request's body, in bytes. Beyond: 500. */
export const MAX_BODY = 100 * 1024 * 1024;

/** Times that a test wants shorter, in milliseconds. */
export interface TimeLimits {
  /** From a request's arrival to the end of its response; then the connection is cut. */
  answer: number;
  /** For loading the app. */
  load: number;
}

export const timeLimits: TimeLimits = { answer: 230_000, load: 30_000 };

/** How long a connection is kept that nobody uses, in milliseconds: Kestrel's 130 seconds. */
export const MAX_IDLE = 130_000;
