import { createDoor, type MessageLimit } from '../access/door.ts';
import { createGuard, type GuardOptions } from '../access/guard.ts';
import type { OriginRule } from '../access/origin.ts';
import { resourceMetadataUrl } from '../access/resources.ts';
import type { GatewayUpstream } from '../config.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { notFound } from '../http/responses.ts';
import { createForwarder, type ForwardOptions } from './forward.ts';

export interface GatewayOptions
  extends Omit<GuardOptions, 'resource' | 'scopes' | 'resourceMetadataUrl'>,
    ForwardOptions {
  readonly upstreams: readonly GatewayUpstream[];
  readonly isOriginAllowed: OriginRule;
  /** Counts people's messages to all upstreams together, and whatever else it is handed to. */
  readonly limit: MessageLimit | undefined;
  /** Whether answers leave as they come. When they do not, a stream to listen would bring everything at its end. */
  readonly streaming: boolean;
}

/**
 * The MCP servers of others (Streamable HTTP), each at `/NAME/mcp` with the guard
 * that our own endpoint has. Nothing is kept of a call when it is over.
 */
export function createGateway(options: GatewayOptions): Endpoint {
  const methods = options.streaming ? ['GET', 'POST', 'DELETE'] : ['POST', 'DELETE'];
  const doors = new Map(
    options.upstreams.map(upstream => {
      const { resource, scopes } = upstream;
      const guard = createGuard({
        ...options,
        resource,
        scopes: scopes.map(({ name }) => name),
        resourceMetadataUrl: resourceMetadataUrl(resource),
      });
      const door = createDoor(
        { ...options, guard, methods, otherMethods: 'Send messages by POST.' },
        createForwarder(upstream, options),
      );
      return [new URL(resource).pathname, door];
    }),
  );
  return async (request, context) => {
    // As in the host's routes, the case and a slash at the end do not count.
    const path = new URL(request.url).pathname.replace(/\/$/, '').toLowerCase();
    return (await doors.get(path)?.(request, context)) ?? notFound();
  };
}
