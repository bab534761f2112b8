import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { UnavailableError } from '../http/errors.ts';
import { failureText, outageText } from '../http/failure-texts.ts';
import { describeError, type Logger } from '../log.ts';
import { InputNeeded } from './ask-back.ts';
import type { Exchange } from './exchange.ts';

/**
 * Keeps an outage for the endpoint and a fault of ours for the log; the client learns neither's details.
 * @throws ProtocolError; InputNeeded
 */
export async function attempt<T>(exchange: Exchange, log: Logger, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof InputNeeded) throw error;
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
