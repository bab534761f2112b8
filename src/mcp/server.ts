import {
  createMcpHandler,
  type McpHttpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from '@modelcontextprotocol/server';
import { attempt } from './attempt.ts';
import type { Surroundings } from './call-context.ts';
import { callTool } from './call-tool.ts';
import type { Tool } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import { listNotes, NOTE_TEMPLATES, readNote } from './note-resources.ts';

export interface ServerOptions extends Surroundings {
  tools: ReadonlyMap<string, Tool>;
  /** How long a call of a tool may take that has no limit of its own, in milliseconds. */
  toolTimeLimitMs: number;
}

/** Neither list changes while the server runs, so nothing is ever announced, and nobody need hold a stream open. */
const CAPABILITIES = { tools: { listChanged: false }, resources: { listChanged: false }, logging: {} };

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
    const { timeLimitMs = options.toolTimeLimitMs } = tool;
    const call = { exchange, tool, args: params.arguments, request: mcpReq, log, timeLimitMs };
    return attempt(exchange, log, () => callTool(options, call));
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
