import type { Endpoint, RequestContext } from '../http/endpoint.ts';
import { BadRequestError, UnavailableError } from '../http/errors.ts';
import { failureText, outageText } from '../http/failure-texts.ts';
import { INTERNAL_ERROR, jsonRpcError, PARSE_ERROR, REFUSED } from '../http/json-rpc.ts';
import { createRateLimiter } from '../http/rate-limit.ts';
import { preflight, withCors } from '../http/responses.ts';
import { describeError } from '../log.ts';
import type { AccessToken } from './access-token.ts';
import type { Guard } from './guard.ts';
import type { OriginRule } from './origin.ts';
import { personKey } from './person.ts';
import type { VerifiedToken } from './token-cache.ts';

export interface DoorOptions {
  isOriginAllowed: OriginRule;
  guard: Guard;
  /** Gives the nonces of answers to proofs (RFC 9449 section 9). */
  dpop: { nonce(): Promise<string> };
  /** The methods that are let through. */
  methods: readonly string[];
  /** What is told of the others. */
  otherMethods: string;
  /** Counts people's messages; see {@link createMessageLimit}. */
  limit?: MessageLimit | undefined;
}

/** Answers a request that was let in. What it throws is answered by the door. */
export type Admitted<Token = AccessToken> = (
  request: Request,
  token: Token,
  context: RequestContext,
) => Promise<Response>;

/**
 * What an MCP endpoint (Streamable HTTP) asks of everybody, in this order:
 * preflight, Origin, access token, method, rate. Nothing about what is behind is
 * told before the token is known to be good. What fails is answered in JSON-RPC.
 */
export function createDoor(options: DoorOptions, admitted: Admitted<VerifiedToken>): Endpoint {
  const { guard, limit } = options;
  const served = [...options.methods, 'OPTIONS'];

  async function respond(request: Request, context: RequestContext): Promise<Response> {
    const origin = request.headers.get('origin');
    if (origin !== null && !options.isOriginAllowed(origin)) {
      return jsonRpcError(403, REFUSED, 'Pages of this origin may not call this server.');
    }
    const token = await guard.authenticate(request, context.log);
    if (token instanceof Response) return token;
    context.span?.person(personKey(token.person));
    context.span?.tell({ client: token.clientId });
    if (!options.methods.includes(request.method)) {
      return jsonRpcError(405, REFUSED, options.otherMethods, null, { allow: served.join(', ') });
    }
    const tooOften = limit?.refuse(token, 1, context);
    if (tooOften) return tooOften;
    return admitted(request, token, context);
  }

  return async (request, context) => {
    if (request.method === 'OPTIONS') return preflight(served);
    const response = await respond(request, context).catch(error => failure(error, context));
    if (request.headers.has('dpop')) response.headers.set('dpop-nonce', await options.dpop.nonce());
    return withCors(request.method === 'HEAD' ? new Response(null, response) : response);
  };
}

export interface MessageLimit {
  /** The 429 for a person who sends more than the limit; `undefined` when these may pass, which are then counted. */
  refuse(token: AccessToken, many: number, context: RequestContext): Response | undefined;
}

/** How many people's requests are counted; who sent least lately begins anew. */
const PEOPLE = 10_000;

/**
 * @param perMinute how many messages one person may send in a minute; 0 for no limit, which gives `undefined`
 * @param now milliseconds since the epoch
 */
export function createMessageLimit(perMinute: number, now: () => number): MessageLimit | undefined {
  if (perMinute === 0) return undefined;
  const limiter = createRateLimiter({ limit: perMinute, perSeconds: 60, now, capacity: PEOPLE });
  return {
    refuse({ person, clientId }, many, { log }) {
      const taken = limiter.take(personKey(person), many);
      if (taken.ok) return undefined;
      log.info('MCP request refused: too many', { client: clientId });
      const { retryAfterSeconds } = taken;
      const what = `You may send ${perMinute} messages a minute. Try again in ${retryAfterSeconds} seconds.`;
      return jsonRpcError(429, REFUSED, what, null, { 'retry-after': String(retryAfterSeconds) });
    },
  };
}

function failure(error: unknown, { correlationId, log, span }: RequestContext): Response {
  if (error instanceof BadRequestError) return jsonRpcError(error.status, PARSE_ERROR, error.message);
  if (error instanceof UnavailableError) {
    span?.tell({ outage: error.service });
    log.warn('MCP request met an outage', { service: error.service, error: error.message });
    return unavailable(error);
  }
  span?.tell({ error: 'fault' });
  log.error('MCP request failed', { error: describeError(error) });
  return jsonRpcError(500, INTERNAL_ERROR, failureText(correlationId));
}

/** 503: the same request works later. */
export function unavailable(error: UnavailableError, id: string | number | null = null): Response {
  return jsonRpcError(503, INTERNAL_ERROR, outageText(error), id, { 'retry-after': String(error.retryAfterSeconds) });
}
