import type { McpHttpHandler } from '@modelcontextprotocol/server';
import type { AccessToken } from '../access/access-token.ts';
import { personKey } from '../access/person.ts';
import { ALL_SCOPES } from '../access/scopes.ts';
import { readJson } from '../http/body.ts';
import type { Endpoint, RequestContext } from '../http/endpoint.ts';
import { BadRequestError, UnavailableError } from '../http/errors.ts';
import { createRateLimiter } from '../http/rate-limit.ts';
import { preflight, withCors } from '../http/responses.ts';
import type { RandomBytes } from '../keys/random.ts';
import { describeError } from '../log.ts';
import type { UsedNames } from '../storage/assertions.ts';
import { createCatalogue, type Definitions } from './catalogue.ts';
import type { ServerFacts, Services } from './define-tool.ts';
import { holdFirstEvent } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import { failureText, outageText } from './failure-texts.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import {
  INTERNAL_ERROR,
  jsonRpcError,
  METHOD_NOT_FOUND,
  messagesOf,
  PARSE_ERROR,
  REFUSED,
  requestId,
} from './json-rpc.ts';
import { neededScopes } from './needed-scopes.ts';
import type { OriginRule } from './origin.ts';
import { factsOf } from './span-facts.ts';

export interface McpEndpointOptions extends Omit<GuardOptions, 'scopes'>, Definitions {
  isOriginAllowed: OriginRule;
  services: Services;
  server: ServerFacts;
  /** Gives the nonces of sealed cursors and states. */
  random: RandomBytes;
  /** The states of requests that have confirmed something. */
  usedStates: UsedNames;
  /** How many messages one person may send in a minute; 0 or absent for no limit. */
  requestsPerMinute?: number;
  /** How long a call of a tool may take that has no limit of its own, in milliseconds; 30 seconds unless given. */
  toolTimeLimitMs?: number;
}

const SERVED = ['POST', 'OPTIONS'];
/** In bytes. The longest note takes 192,000 with every character escaped. */
const BODY_LIMIT = 1024 * 1024;
const TOOL_TIME_LIMIT_MS = 30_000;
/** How many people's requests are counted; who sent least lately begins anew. */
const PEOPLE = 10_000;

/**
 * The MCP endpoint (Streamable HTTP), without sessions, for the clients of both
 * eras. Nothing about it is told before the token is known to be good.
 */
export function createMcpEndpoint(options: McpEndpointOptions): Endpoint {
  const guard = createGuard({ ...options, scopes: ALL_SCOPES });
  const catalogue = createCatalogue(options);
  const toolTimeLimitMs = options.toolTimeLimitMs ?? TOOL_TIME_LIMIT_MS;
  const serverOptions = { ...options, catalogue, toolTimeLimitMs };
  // Ends a stream whose answer never comes, such as that of a call cancelled in its own batch.
  const streamLimitMs = 1.1 * Math.max(toolTimeLimitMs, ...options.tools.map(tool => tool.timeLimitMs ?? 0));
  const { requestsPerMinute: limit = 0, now } = options;
  const limiter = limit > 0 ? createRateLimiter({ limit, perSeconds: 60, now, capacity: PEOPLE }) : undefined;
  let handler: Promise<McpHttpHandler> | undefined;
  /** The library is most of the code, and the first answer of a new instance is often a 401, which needs none of it. */
  const loadHandler = () => {
    handler ??= import('./server.ts').then(({ createHandler }) => createHandler(serverOptions));
    return handler;
  };

  async function respond(request: Request, context: RequestContext): Promise<Response> {
    const origin = request.headers.get('origin');
    if (origin !== null && !options.isOriginAllowed(origin)) {
      return jsonRpcError(403, REFUSED, 'Pages of this origin may not call this server.');
    }
    const token = await guard.authenticate(request, context.log);
    if (token instanceof Response) return token;
    context.span?.person(personKey(token.person));
    context.span?.tell({ client: token.clientId });
    if (request.method !== 'POST') {
      return jsonRpcError(
        405,
        REFUSED,
        'Send messages by POST; there are no sessions and no streams to open here.',
        null,
        {
          allow: SERVED.join(', '),
        },
      );
    }
    const tooOften = refuseTooMany(token, 1, context);
    if (tooOften) return tooOften;
    const body = await readJson(request, BODY_LIMIT);
    context.span?.tell(factsOf(body, catalogue.tools));
    // The first message of a batch is counted already.
    const tooLong = Array.isArray(body) && body.length > 1 ? refuseTooMany(token, body.length - 1, context) : undefined;
    if (tooLong) return tooLong;
    // The library would hold this stream open for ever, and nothing would come over it.
    if (!Array.isArray(body) && messagesOf(body)[0]?.method === 'subscriptions/listen') {
      return jsonRpcError(404, METHOD_NOT_FOUND, 'Nothing here changes that one could listen for.', requestId(body));
    }
    const refused = guard.refuseScopes(token, await neededScopes(body, catalogue, token.scopes), context.log);
    if (refused) return refused;
    const onlyToolCalls = messagesOf(body).every(({ method }) => method === 'tools/call');
    return serve(request, { token, context, body, onlyToolCalls });
  }

  /** The 429 for a person who sends more than the limit; `undefined` when these may pass, which are then counted. */
  function refuseTooMany({ person, clientId }: AccessToken, many: number, { log }: RequestContext) {
    const taken = limiter?.take(personKey(person), many);
    if (!taken || taken.ok) return undefined;
    log.info('MCP request refused: too many', { client: clientId });
    const { retryAfterSeconds } = taken;
    const what = `You may send ${limit} messages a minute. Try again in ${retryAfterSeconds} seconds.`;
    return jsonRpcError(429, REFUSED, what, null, { 'retry-after': String(retryAfterSeconds) });
  }

  async function serve(request: Request, exchange: Exchange): Promise<Response> {
    const { body, token } = exchange;
    const { clientId, scopes } = token;
    // The token itself goes no further than the guard.
    const authInfo = { token: '', clientId, scopes: [...scopes], extra: { exchange } };
    const answer = await (await loadHandler()).fetch(request, { authInfo, parsedBody: body });
    const response = await holdFirstEvent(answer, streamLimitMs);
    if (exchange.outage) exchange.context.span?.tell({ outage: exchange.outage.service });
    // In a batch each message has an outcome of its own, which one status would hide.
    if (!exchange.outage || Array.isArray(body)) return response;
    await response.body?.cancel();
    return unavailable(exchange.outage, requestId(body));
  }

  return async (request, context) => {
    if (request.method === 'OPTIONS') return preflight(SERVED);
    const response = await respond(request, context).catch(error => failure(error, context));
    if (request.headers.has('dpop')) response.headers.set('dpop-nonce', await options.dpop.nonce());
    return withCors(request.method === 'HEAD' ? new Response(null, response) : response);
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
function unavailable(error: UnavailableError, id: string | number | null = null): Response {
  return jsonRpcError(503, INTERNAL_ERROR, outageText(error), id, { 'retry-after': String(error.retryAfterSeconds) });
}
