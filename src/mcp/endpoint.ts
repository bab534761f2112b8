import type { McpHttpHandler } from '@modelcontextprotocol/server';
import { createDoor, type MessageLimit, unavailable } from '../access/door.ts';
import { createGuard, type GuardOptions } from '../access/guard.ts';
import type { OriginRule } from '../access/origin.ts';
import type { RecordCall } from '../access/record-call.ts';
import type { VerifiedToken } from '../access/token-cache.ts';
import { readJson } from '../http/body.ts';
import type { Endpoint, RequestContext } from '../http/endpoint.ts';
import { jsonRpcError, METHOD_NOT_FOUND, messagesOf, requestId } from '../http/json-rpc.ts';
import type { RandomBytes } from '../keys/random.ts';
import type { UsedNames } from '../storage/assertions.ts';
import { createCatalogue, type Definitions } from './catalogue.ts';
import type { ServerFacts, Services } from './define-tool.ts';
import { holdFirstEvent } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import { neededScopes } from './needed-scopes.ts';
import { factsOf } from './span-facts.ts';

export interface McpEndpointOptions extends GuardOptions, Definitions {
  isOriginAllowed: OriginRule;
  services: Services;
  server: ServerFacts;
  /** Gives the nonces of sealed cursors and states. */
  random: RandomBytes;
  /** The states of requests that have confirmed something. */
  usedStates: UsedNames;
  /** Told of what is refused for want of a role. */
  record: RecordCall;
  /** Counts people's messages. */
  limit?: MessageLimit | undefined;
  /** How long a call of a tool may take that has no limit of its own, in milliseconds; 30 seconds unless given. */
  toolTimeLimitMs?: number;
}

/** In bytes. The longest note takes 192,000 with every character escaped. */
const BODY_LIMIT = 1024 * 1024;
const TOOL_TIME_LIMIT_MS = 30_000;

/**
 * The MCP endpoint (Streamable HTTP), without sessions, for the clients of both
 * eras. Nothing about it is told before the token is known to be good.
 */
export function createMcpEndpoint(options: McpEndpointOptions): Endpoint {
  const guard = createGuard(options);
  const catalogue = createCatalogue(options);
  const toolTimeLimitMs = options.toolTimeLimitMs ?? TOOL_TIME_LIMIT_MS;
  const serverOptions = { ...options, catalogue, toolTimeLimitMs };
  // Ends a stream whose answer never comes, such as that of a call cancelled in its own batch.
  const streamLimitMs = 1.1 * Math.max(toolTimeLimitMs, ...options.tools.map(tool => tool.timeLimitMs ?? 0));
  let handler: Promise<McpHttpHandler> | undefined;
  /** The library is most of the code, and the first answer of a new instance is often a 401, which needs none of it. */
  const loadHandler = () => {
    handler ??= import('./server.ts').then(({ createHandler }) => createHandler(serverOptions));
    return handler;
  };

  async function admitted(request: Request, token: VerifiedToken, context: RequestContext): Promise<Response> {
    const body = await readJson(request, BODY_LIMIT);
    context.span?.tell(factsOf(body, catalogue.tools));
    // The first message of a batch is counted already.
    const tooLong =
      Array.isArray(body) && body.length > 1 ? options.limit?.refuse(token, body.length - 1, context) : undefined;
    if (tooLong) return tooLong;
    // The library would hold this stream open for ever, and nothing would come over it.
    if (!Array.isArray(body) && messagesOf(body)[0]?.method === 'subscriptions/listen') {
      return jsonRpcError(404, METHOD_NOT_FOUND, 'Nothing here changes that one could listen for.', requestId(body));
    }
    const refused = guard.refuseScopes(token, await neededScopes(body, catalogue, token.covered), context.log);
    if (refused) return refused;
    const onlyToolCalls = messagesOf(body).every(({ method }) => method === 'tools/call');
    return serve(request, { token, context, body, onlyToolCalls });
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

  return createDoor(
    {
      ...options,
      guard,
      methods: ['POST'],
      otherMethods: 'Send messages by POST; there are no sessions and no streams to open here.',
    },
    admitted,
  );
}
