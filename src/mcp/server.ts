import {
  type CallToolResult,
  createMcpHandler,
  type McpHttpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from '@modelcontextprotocol/server';
import { DownstreamRefusedError } from '../access/downstream.ts';
import { covers } from '../access/scopes.ts';
import type { RequestContext } from '../http/endpoint.ts';
import { UnavailableError } from '../http/errors.ts';
import { describeError, type Logger } from '../log.ts';
import { type ServerFacts, type Services, type Tool, type ToolContext, ToolError } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import { failureText, outageText } from './failure-texts.ts';
import { listNotes, NOTE_TEMPLATES, readNote } from './note-resources.ts';
import { TimeLimitError, withTimeLimit } from './time-limit.ts';

export interface ServerOptions {
  services: Services;
  tools: ReadonlyMap<string, Tool>;
  server: ServerFacts;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** How long a call of a tool may take, in milliseconds. */
  toolTimeLimitMs: number;
}

/** Neither list changes while the server runs, so nothing is ever announced, and nobody need hold a stream open. */
const CAPABILITIES = { tools: { listChanged: false }, resources: { listChanged: false } };

/** The library's handler for both eras. Its requests bring their {@link Exchange} as `authInfo.extra.exchange`. */
export function createHandler(options: ServerOptions): McpHttpHandler {
  return createMcpHandler(({ authInfo }) => createServer(options, authInfo?.extra?.exchange as Exchange));
}

/**
 * A server for the messages of one HTTP request. The library's `McpServer`
 * would register all tools anew each time and cannot page resources, so this is
 * its plain `Server`.
 */
function createServer(options: ServerOptions, exchange: Exchange): Server {
  const { services, tools } = options;
  const { token, context } = exchange;
  const { name, version } = options.server;
  const server = new Server({ name, version }, { capabilities: CAPABILITIES });
  // Only what the library says, up to where it begins to quote what came.
  server.onerror = error =>
    context.log.debug('MCP message not served', { error: error.message.split(':', 1)[0] ?? '' });

  server.setRequestHandler('tools/list', () => ({ tools: [...tools.values()].map(tool => tool.listing) }));
  server.setRequestHandler('tools/call', ({ params }, { mcpReq }) => {
    const tool = tools.get(params.name);
    if (!tool) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${params.name}.`);
    const log = context.log.with({ tool: tool.name });
    return attempt(exchange, log, () => callTool(options, exchange, tool, params.arguments, log, mcpReq.signal));
  });
  server.setRequestHandler('resources/list', ({ params }) =>
    attempt(exchange, context.log, () => listNotes(services.notes, token.person, params?.cursor)),
  );
  server.setRequestHandler('resources/templates/list', () => NOTE_TEMPLATES);
  server.setRequestHandler('resources/read', ({ params }) =>
    attempt(exchange, context.log, () => readNote(services.notes, token.person, params.uri)),
  );
  return server;
}

/** Runs a tool; what its caller can mend becomes a result with `isError`. */
async function callTool(
  options: ServerOptions,
  { token, context }: Exchange,
  tool: Tool,
  args: unknown,
  log: Logger,
  gone: AbortSignal,
): Promise<CallToolResult> {
  // Refused with a 403 before; no tool runs without its scopes even if that were passed by.
  if (!covers(token.scopes, tool.scopes)) throw new Error('a call got past the check of its scopes');
  if (tool.roles.length > 0 && !tool.roles.some(role => token.roles.includes(role))) {
    log.info('tool refused: the person lacks its role', { needed: tool.roles });
    return toolError(
      context,
      'role',
      `${tool.name} needs the role ${tool.roles.join(' or ')}. Ask an administrator for it, then sign in again.`,
    );
  }
  const { services, server, now } = options;
  const { person, scopes, grantId } = token;
  const { graph } = services;
  const tokenFor: ToolContext['tokenFor'] = (wanted, { claims } = {}) =>
    services.tokenFor({ person, grantId, scopes: wanted, ...(claims ? { claims } : {}) });
  try {
    return await withTimeLimit(options.toolTimeLimitMs, gone, signal =>
      tool.call(args, { person, scopes, token, services, tokenFor, graph, server, log, signal, now }),
    );
  } catch (error) {
    if (error instanceof ToolError) return toolError(context, 'tool', error.message);
    if (error instanceof DownstreamRefusedError) {
      log.info('tool needs more of Entra', { code: error.code });
      return toolError(context, 'consent', await error.withLink());
    }
    if (!(error instanceof TimeLimitError)) throw error;
    log.warn('tool stopped: it took too long');
    const seconds = options.toolTimeLimitMs / 1000;
    const what = `${tool.name} took longer than ${seconds} seconds and was stopped. It may have taken effect.`;
    return toolError(context, 'time limit', what);
  }
}

function toolError({ span }: RequestContext, error: string, text: string): CallToolResult {
  span?.tell({ error });
  return { content: [{ type: 'text', text }], isError: true };
}

/** Keeps an outage for the endpoint and a fault of ours for the log; the client learns neither's details. */
async function attempt<T>(exchange: Exchange, log: Logger, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (error instanceof UnavailableError) {
      log.warn('MCP request met an outage', { service: error.service, error: error.message });
      exchange.outage = error;
      throw new ProtocolError(ProtocolErrorCode.InternalError, outageText(error));
    }
    exchange.context.span?.tell({ error: 'fault' });
    log.error('MCP request failed', { error: describeError(error) });
    throw new ProtocolError(ProtocolErrorCode.InternalError, failureText(exchange.context.correlationId));
  }
}
