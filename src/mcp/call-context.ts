import type { Logger } from '../log.ts';
import type { ServerFacts, Services, ToolContext } from './define-tool.ts';
import type { Exchange } from './exchange.ts';

/** What every call has, whoever makes it. */
export interface Surroundings {
  services: Services;
  server: ServerFacts;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What the handler of a tool, a resource or a prompt is given. */
export function callContext(
  { services, server, now }: Surroundings,
  { token }: Exchange,
  log: Logger,
  signal: AbortSignal,
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
    now,
  };
}
