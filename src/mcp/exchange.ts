import type { VerifiedToken } from '../access/token-cache.ts';
import type { RequestContext } from '../http/endpoint.ts';
import type { UnavailableError } from '../http/errors.ts';

/** One authorized HTTP request, as those see it who serve its messages. */
export interface Exchange {
  readonly token: VerifiedToken;
  readonly context: RequestContext;
  /** Its message, or its batch of them. */
  readonly body: unknown;
  /** Whether its messages are calls of tools and nothing else: most are. */
  readonly onlyToolCalls: boolean;
  /** Set when a handler found a service down: the endpoint then answers 503, if it still can. */
  outage?: UnavailableError;
}
