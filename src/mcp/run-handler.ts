import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { DownstreamRefusedError } from '../access/downstream.ts';
import { covers } from '../access/scopes.ts';
import { attempt } from './attempt.ts';
import { callContext, type Surroundings } from './call-context.ts';
import { type ToolContext, ToolError } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import type { McpRequest } from './notify-client.ts';
import { recordDenial } from './record-denial.ts';
import { TimeLimitError, withTimeLimit } from './time-limit.ts';

/** What a resource and a prompt have in common. */
export interface Guarded {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

/** Whether the token at hand may see it at all. */
export function isOpenTo({ scopes, roles }: Guarded, { token }: Exchange): boolean {
  return covers(token.covered, scopes) && (roles.length === 0 || roles.some(role => token.roles.includes(role)));
}

/**
 * Runs a handler of a resource or a prompt, within the time that a tool has.
 * What its caller can mend becomes a JSON-RPC error: unlike tools, these have
 * no result that tells of an error.
 *
 * @throws ProtocolError
 */
export function runHandler<T>(
  options: Surroundings & { toolTimeLimitMs: number },
  exchange: Exchange,
  request: McpRequest,
  what: Guarded,
  work: (context: ToolContext) => Promise<T>,
): Promise<T> {
  const { name, scopes, roles } = what;
  const { token, context } = exchange;
  const log = context.log.with({ handler: name });
  const refuse = (error: string, text: string, code = ProtocolErrorCode.InvalidParams) => {
    context.span?.tell({ error });
    return new ProtocolError(code, text);
  };
  return attempt(exchange, log, async () => {
    // Refused with a 403 before; nothing runs without its scopes even if that were passed by.
    if (!covers(token.covered, scopes)) throw new Error('a call got past the check of its scopes');
    if (!isOpenTo(what, exchange)) {
      await recordDenial(options, exchange, name);
      log.info('refused: the person lacks its role', { needed: roles });
      const text = `${name} needs the role ${roles.join(' or ')}. Ask an administrator for it, then sign in again.`;
      throw refuse('role', text, ProtocolErrorCode.InvalidRequest);
    }
    try {
      return await withTimeLimit(options.toolTimeLimitMs, request.signal, signal =>
        work(callContext(options, exchange, request, log, signal)),
      );
    } catch (error) {
      if (error instanceof ToolError) throw refuse('handler', error.message);
      if (error instanceof DownstreamRefusedError) {
        log.info('more is needed of Entra', { code: error.code });
        throw refuse('consent', await error.withLink(), ProtocolErrorCode.InvalidRequest);
      }
      if (!(error instanceof TimeLimitError)) throw error;
      log.warn('handler stopped: it took too long');
      const text = `${name} took longer than ${options.toolTimeLimitMs / 1000} seconds and was stopped.`;
      throw refuse('time limit', text, ProtocolErrorCode.InternalError);
    }
  });
}
