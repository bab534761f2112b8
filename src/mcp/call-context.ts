import type { Logger } from '../log.ts';
import type { ServerFacts, Services, ToolContext } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import { clientLogOf, type McpRequest, progressOf } from './notify-client.ts';

/** What every call has, whoever makes it. */
export interface Surroundings {
  services: Services;
  server: ServerFacts;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * What the handler of a tool, a resource or a prompt is given.
 *
 * @param signal ends the call: that of the request, or one that fires earlier too
 */
export function callContext(
  { services, server, now }: Surroundings,
  { token }: Exchange,
  request: McpRequest,
  log: Logger,
  signal: AbortSignal = request.signal,
): ToolContext {
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
    now,
  };
}
