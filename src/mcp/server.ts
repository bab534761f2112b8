import {
  createMcpHandler,
  type McpHttpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from '@modelcontextprotocol/server';
import { createSlots, type Slots } from '../access/slots.ts';
import { attempt } from './attempt.ts';
import type { Surroundings } from './call-context.ts';
import { callTool } from './call-tool.ts';
import type { Catalogue } from './catalogue.ts';
import type { CursorOptions } from './cursors.ts';
import type { Exchange } from './exchange.ts';

export interface ServerOptions extends Surroundings, CursorOptions {
  catalogue: Catalogue;
  /** How long a call of a tool may take that has no limit of its own, in milliseconds. */
  toolTimeLimitMs: number;
}

interface Serving extends ServerOptions {
  /** Of the tools that limit how many calls one person has under way, by their names. */
  slots: ReadonlyMap<string, Slots>;
}

/** No list changes while the server runs, so nothing is ever announced, and nobody need hold a stream open. */
const CAPABILITIES = {
  tools: { listChanged: false },
  resources: { listChanged: false },
  prompts: { listChanged: false },
  completions: {},
  logging: {},
};

/** The library's handler for both eras. Its requests bring their {@link Exchange} as `authInfo.extra.exchange`. */
export function createHandler(options: ServerOptions): McpHttpHandler {
  const { name, version, title, websiteUrl, icons, instructions } = options.server;
  // The newest revision repeats this in each answer: no more than it has to be where nobody looks at it.
  const least = { name, version };
  const whole = {
    ...least,
    ...(title && { title }),
    ...(websiteUrl && { websiteUrl }),
    ...(icons && { icons: [...icons] }),
  };
  const limited = [...options.catalogue.tools.values()].flatMap(({ name, callsAtOnce: each }) =>
    each === undefined ? [] : [[name, createSlots({ each })] as const],
  );
  const serving = { ...options, slots: new Map(limited) };
  const about = { capabilities: CAPABILITIES, ...(instructions && { instructions }) };
  return createMcpHandler(({ authInfo }) => {
    const exchange = authInfo?.extra?.exchange as Exchange;
    const server = new Server(exchange.onlyToolCalls ? least : whole, about);
    return serve(server, serving, exchange);
  });
}

/**
 * Has a server answer the messages of one HTTP request. The library's
 * `McpServer` would register all tools anew each time and cannot page, so it is
 * its plain `Server`, and what a call of a tool does not need is neither loaded
 * nor registered for one.
 */
function serve(server: Server, options: Serving, exchange: Exchange): Server | Promise<Server> {
  const { context, onlyToolCalls } = exchange;
  // Only what the library says, up to where it begins to quote what came.
  server.onerror = error =>
    context.log.debug('MCP message not served', { error: error.message.split(':', 1)[0] ?? '' });

  server.setRequestHandler('tools/call', ({ params }, { mcpReq }) => {
    const tool = options.catalogue.tools.get(params.name);
    if (!tool) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${params.name}.`);
    const log = context.log.with({ tool: tool.name });
    const { timeLimitMs = options.toolTimeLimitMs } = tool;
    const call = {
      exchange,
      tool,
      args: params.arguments,
      request: mcpReq,
      log,
      timeLimitMs,
      slots: options.slots.get(tool.name),
    };
    return attempt(exchange, log, () => callTool(options, call));
  });
  return onlyToolCalls ? server : withOtherMethods(server, options, exchange);
}

async function withOtherMethods(server: Server, options: ServerOptions, exchange: Exchange): Promise<Server> {
  const { registerOtherMethods } = await import('./other-methods.ts');
  registerOtherMethods(server, options, exchange);
  return server;
}
