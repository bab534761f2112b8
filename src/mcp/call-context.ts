import type { Logger } from '../log.ts';
import { type AskBackOptions, askBack } from './ask-back.ts';
import type { ServerFacts, Services, ToolContext } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import { clientLogOf, type McpRequest, progressOf } from './notify-client.ts';

/** What every call has, whoever makes it. */
export interface Surroundings extends AskBackOptions {
  services: Services;
  server: ServerFacts;
}

/**
 * What the handler of a tool, a resource or a prompt is given.
 *
 * @param signal ends the call: that of the request, or one that fires earlier too
 */
export function callContext(
  surroundings: Surroundings,
  exchange: Exchange,
  request: McpRequest,
  log: Logger,
  signal: AbortSignal = request.signal,
): ToolContext {
  const { services, server, now } = surroundings;
  const { token } = exchange;
  const { person, scopes, grantId } = token;
  return {
    person,
    scopes,
    token,
    services,
    tokenFor: (wanted, { claims } = {}) =>
      services.tokenFor({ person, grantId, scopes: wanted, ...(claims ? { claims } : {}) }),
    graph: services.graph,
    server,
    log,
    signal,
    progress: progressOf(request, signal),
    clientLog: clientLogOf(request, server.name, signal),
    ...askBack(surroundings, exchange, request),
    now,
  };
}
