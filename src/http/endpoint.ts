import type { Logger } from '../log.ts';
import type { Span } from './span.ts';

/** What belongs to one request besides the request itself. */
export interface RequestContext {
  /** Names this request in logs and on error pages: 32 hex digits. */
  readonly correlationId: string;
  readonly log: Logger;
  /** Takes what an operator may learn of this request; absent where nobody does. */
  readonly span?: Span;
}

/**
 * An endpoint in the web standard's own types, so that it runs in a test with
 * no host at all. It may throw: the adapter answers for it.
 */
export type Endpoint = (request: Request, context: RequestContext) => Promise<Response>;
