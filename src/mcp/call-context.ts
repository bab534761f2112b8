import type { RecordCall } from '../access/record-call.ts';
import type { Logger } from '../log.ts';
import { type AskBackOptions, askBack } from './ask-back.ts';
import type { ServerFacts, Services, ToolContext } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import { type ClientLog, clientLogOf, type McpRequest, type Progress, progressOf } from './notify-client.ts';
import type { AskBack } from './questions.ts';

/** What every call has, whoever makes it. */
export interface Surroundings extends AskBackOptions {
  services: Services;
  server: ServerFacts;
  record: RecordCall;
}

/**
 * What the handler of a tool, a resource or a prompt is given. What few handlers
 * use is made when it is asked for.
 */
class CallContext implements ToolContext {
  readonly person: ToolContext['person'];
  readonly scopes: ToolContext['scopes'];
  readonly token: ToolContext['token'];
  readonly services: Services;
  readonly graph: ToolContext['graph'];
  readonly server: ServerFacts;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly #surroundings: Surroundings;
  readonly #exchange: Exchange;
  readonly #request: McpRequest;
  #progress: Progress | undefined;
  #askBack: AskBack | undefined;

  constructor(surroundings: Surroundings, exchange: Exchange, request: McpRequest, log: Logger, signal: AbortSignal) {
    const { token } = exchange;
    const { services } = surroundings;
    this.person = token.person;
    this.scopes = token.scopes;
    this.token = token;
    this.services = services;
    this.graph = services.graph;
    this.server = surroundings.server;
    this.log = log;
    this.signal = signal;
    this.now = surroundings.now;
    this.#surroundings = surroundings;
    this.#exchange = exchange;
    this.#request = request;
  }

  get tokenFor(): ToolContext['tokenFor'] {
    const { person, grantId } = this.token;
    return (scopes, { claims } = {}) =>
      this.services.tokenFor({ person, grantId, scopes, ...(claims ? { claims } : {}) });
  }

  get progress(): Progress {
    this.#progress ??= progressOf(this.#request, this.signal);
    return this.#progress;
  }

  get clientLog(): ClientLog {
    return clientLogOf(this.#request, this.server.name, this.signal);
  }

  get canAsk(): AskBack['canAsk'] {
    return this.#asking().canAsk;
  }

  get ask(): AskBack['ask'] {
    return this.#asking().ask;
  }

  get confirm(): AskBack['confirm'] {
    return this.#asking().confirm;
  }

  #asking(): AskBack {
    this.#askBack ??= askBack(this.#surroundings, this.#exchange, this.#request);
    return this.#askBack;
  }
}

/** @param signal ends the call: that of the request, or one that fires earlier too */
export function callContext(
  surroundings: Surroundings,
  exchange: Exchange,
  request: McpRequest,
  log: Logger,
  signal: AbortSignal = request.signal,
): ToolContext {
  return new CallContext(surroundings, exchange, request, log, signal);
}
