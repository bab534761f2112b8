import type { LoggingLevel, ServerContext } from '@modelcontextprotocol/server';

/** What the library tells of the request that is served. */
export type McpRequest = ServerContext['mcpReq'];

/** Tells the client how far its call is; see `ToolContext.progress`. */
export type Progress = (done: number, total?: number, message?: string) => void;

/** Sends a message to the client's log; see `ToolContext.clientLog`. */
export type ClientLog = (level: LoggingLevel, data: unknown) => void;

/** What a request of revision 2026-07-28 says of its client in `_meta`; absent for older revisions. */
export function envelopeOf(request: McpRequest): Readonly<Record<string, unknown>> | undefined {
  return request.envelope;
}

/** From the least to the most severe (RFC 5424 section 6.2.1). */
const LEVELS: readonly unknown[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const LEVEL_KEY = 'io.modelcontextprotocol/logLevel';

const nothing = () => {};

/**
 * `notifications/progress` for a request that carries a `progressToken`, and nothing for any other.
 *
 * @param signal once it fires, nothing more is sent
 */
export function progressOf(request: McpRequest, signal: AbortSignal): Progress {
  const progressToken = request._meta?.progressToken;
  if (progressToken === undefined) return nothing;
  let last = Number.NEGATIVE_INFINITY;
  return (progress, total, message) => {
    // The protocol wants it to grow each time.
    if (!(progress > last) || signal.aborted) return;
    last = progress;
    const params = {
      progressToken,
      progress,
      ...(total === undefined ? {} : { total }),
      ...(message ? { message } : {}),
    };
    request.notify({ method: 'notifications/progress', params }).catch(nothing);
  };
}

/**
 * `notifications/message` of the level that a request of revision 2026-07-28 asks for in its `_meta`, or above; one that
 * asks for none gets none. Older clients set a level for their session, which does not exist here: they get `info`.
 *
 * @param signal once it fires, nothing more is sent
 */
export function clientLogOf(request: McpRequest, logger: string, signal: AbortSignal): ClientLog {
  const envelope = envelopeOf(request);
  const least = LEVELS.indexOf(envelope ? envelope[LEVEL_KEY] : 'info');
  if (least < 0) return nothing;
  return (level, data) => {
    if (LEVELS.indexOf(level) < least || signal.aborted) return;
    request.notify({ method: 'notifications/message', params: { level, logger, data } }).catch(nothing);
  };
}
