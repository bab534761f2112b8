import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/server';
import { DownstreamRefusedError } from '../access/downstream.ts';
import { personKey } from '../access/person.ts';
import { covers } from '../access/scopes.ts';
import type { Slots } from '../access/slots.ts';
import type { RequestContext } from '../http/endpoint.ts';
import type { Logger } from '../log.ts';
import { InputNeeded } from './ask-back.ts';
import { callContext, type Surroundings } from './call-context.ts';
import { type Tool, ToolError } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import type { McpRequest } from './notify-client.ts';
import { recordDenial } from './record-denial.ts';
import { TimeLimitError, withTimeLimit } from './time-limit.ts';

export interface ToolCall {
  exchange: Exchange;
  tool: Tool;
  args: unknown;
  log: Logger;
  /** Its signal fires when the client is gone. */
  request: McpRequest;
  /** In milliseconds. */
  timeLimitMs: number;
  /** Where the tool limits how many calls of a person are under way. */
  slots: Slots | undefined;
}

/** Runs a tool; what its caller can mend becomes a result with `isError`, what it has to ask one with the questions. */
export async function callTool(
  surroundings: Surroundings,
  call: ToolCall,
): Promise<CallToolResult | InputRequiredResult> {
  const { exchange, tool, request, log } = call;
  const { token, context } = exchange;
  // Refused with a 403 before; no tool runs without its scopes even if that were passed by.
  if (!covers(token.covered, tool.scopes)) throw new Error('a call got past the check of its scopes');
  if (tool.roles.length > 0 && !tool.roles.some(role => token.roles.includes(role))) {
    await recordDenial(surroundings, exchange, tool.name);
    log.info('tool refused: the person lacks its role', { needed: tool.roles });
    return toolError(
      context,
      'role',
      `${tool.name} needs the role ${tool.roles.join(' or ')}. Ask an administrator for it, then sign in again.`,
    );
  }
  const leave = call.slots?.take(personKey(token.person));
  if (call.slots && !leave) {
    const often = tool.callsAtOnce === 1 ? 'already' : `${tool.callsAtOnce} times already`;
    return toolError(context, 'busy', `${tool.name} is under way for you ${often}. Wait until that is done.`);
  }
  try {
    return await withTimeLimit(call.timeLimitMs, request.signal, signal =>
      tool.call(call.args, callContext(surroundings, exchange, request, log, signal)),
    );
  } catch (error) {
    if (error instanceof InputNeeded) return error.result;
    if (error instanceof ToolError) return toolError(context, 'tool', error.message);
    if (error instanceof DownstreamRefusedError) {
      log.info('tool needs more of Entra', { code: error.code });
      return toolError(context, 'consent', await error.withLink());
    }
    if (!(error instanceof TimeLimitError)) throw error;
    log.warn('tool stopped: it took too long');
    const seconds = call.timeLimitMs / 1000;
    const what = `${tool.name} took longer than ${seconds} seconds and was stopped. It may have taken effect.`;
    return toolError(context, 'time limit', what);
  } finally {
    leave?.();
  }
}

function toolError({ span }: RequestContext, error: string, text: string): CallToolResult {
  span?.tell({ error });
  return { content: [{ type: 'text', text }], isError: true };
}
