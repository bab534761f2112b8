import {
  type InputRequiredResult,
  inputRequired,
  isSpecType,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { hashOf } from '../keys/hash.ts';
import { randomText } from '../keys/random.ts';
import type { UsedNames } from '../storage/assertions.ts';
import { memberOf, readAnswer, readForm, toRequest } from './answers.ts';
import { ToolError } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import { envelopeOf, type McpRequest } from './notify-client.ts';
import type { Answer, Answers, AskBack, Question, QuestionKind, Questions } from './questions.ts';
import { openState, type RequestState, type StateKeys, sealState } from './request-state.ts';

export interface AskBackOptions extends StateKeys {
  /** The states that have confirmed something. */
  usedStates: UsedNames;
}

/** Thrown through a handler that has to ask: the questions are then the answer of the request. */
export class InputNeeded extends Error {
  override readonly name = 'InputNeeded';
  readonly result: InputRequiredResult;

  constructor(result: InputRequiredResult) {
    super('the client has to answer first');
    this.result = result;
  }
}

/** For the `catch` of what may ask: the questions, where it has. @throws every other error again */
export function questionsOf(error: unknown): InputRequiredResult {
  if (error instanceof InputNeeded) return error.result;
  throw error;
}

/**
 * For the `catch` of lists and completion, whose answers cannot ask (MCP 2026-07-28).
 * @throws ProtocolError where something was asked; every other error again
 */
export function refuseQuestions(error: unknown): never {
  if (!(error instanceof InputNeeded)) throw error;
  throw new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    'This has to ask something first, which a list and a completion cannot.',
  );
}

/** What a handler asks its client by; costs next to nothing until it does. */
export function askBack(options: AskBackOptions, exchange: Exchange, request: McpRequest): AskBack {
  let rounds: Rounds | undefined;
  const begin = () => {
    rounds ??= new Rounds(options, exchange, request);
    return rounds;
  };
  return {
    canAsk: kind => canAsk(request, kind),
    ask: questions => begin().ask(questions),
    confirm: async question => {
      if (canAsk(request, 'form')) await begin().confirm(question);
    },
  };
}

const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';

function canAsk(request: McpRequest, kind: QuestionKind): boolean {
  const capabilities = envelopeOf(request)?.[CAPABILITIES_KEY];
  if (!isSpecType.ClientCapabilities(capabilities)) return false;
  if (kind !== 'form') return capabilities[kind] !== undefined;
  const modes = capabilities.elicitation as { form?: unknown; url?: unknown } | null | undefined;
  // Who names no mode has forms.
  return !!modes && (modes.form !== undefined || modes.url === undefined);
}

/** Agreeing is all there is to it. */
const CONFIRMATION = z.object({});
const NOTHING: Pick<RequestState, 'asked' | 'answers'> = { asked: [], answers: {} };

/** One request of several rounds, as its present round sees it. */
class Rounds {
  readonly #options: AskBackOptions;
  readonly #exchange: Exchange;
  readonly #request: McpRequest;
  /** What the handler has got answered so far, to be sealed into the next state. */
  readonly #answered: Record<string, unknown> = {};
  #confirmations = 0;
  #opened: Promise<RequestState | undefined> | undefined;
  #claimed: Promise<void> | undefined;

  constructor(options: AskBackOptions, exchange: Exchange, request: McpRequest) {
    this.#options = options;
    this.#exchange = exchange;
    this.#request = request;
  }

  async ask<Q extends Questions>(questions: Q): Promise<Answers<Q>> {
    const { answers } = (await this.#state()) ?? NOTHING;
    const found: Record<string, Answer<Question>> = {};
    const open: Record<string, Question> = {};
    for (const [name, question] of Object.entries(questions)) {
      const raw = memberOf(answers, name) ?? memberOf(this.#request.inputResponses, name);
      const answer = readAnswer(question, raw);
      if (answer === undefined) open[name] = question;
      else {
        found[name] = answer;
        this.#answered[name] = raw;
      }
    }
    if (Object.keys(open).length > 0) throw await this.#need(open);
    return found as Answers<Q>;
  }

  async confirm(question: Parameters<AskBack['confirm']>[0]): Promise<void> {
    const name = `confirm-${++this.#confirmations}`;
    const form = typeof question === 'string' ? question : await question();
    if (form === undefined) return;
    // An agreement is to these very words: by the next round the handler may have come to another question.
    const words = `${name} ${hashOf('confirmation', form)}`;
    const { asked, answers } = (await this.#state()) ?? NOTHING;
    // Only an answer to what was asked counts: nobody confirms by guessing the name of the question.
    const raw =
      memberOf(answers, words) ?? (asked.includes(words) ? memberOf(this.#request.inputResponses, name) : undefined);
    const answer = readForm(CONFIRMATION, raw);
    if (!answer) throw await this.#need({ [name]: { form, fields: CONFIRMATION } }, [words]);
    if (answer.action === 'decline') throw new ToolError('The person did not agree, so nothing was done.');
    if (answer.action === 'cancel') throw new ToolError('The person closed the question, so nothing was done.');
    await this.#claim();
    this.#answered[words] = raw;
  }

  #state(): Promise<RequestState | undefined> {
    const sealed = this.#request.requestState<unknown>();
    this.#opened ??=
      typeof sealed === 'string' ? openState(this.#options, this.#exchange, sealed) : Promise.resolve(undefined);
    return this.#opened;
  }

  /** Uses the state up, for this request and no other. */
  #claim(): Promise<void> {
    this.#claimed ??= this.#claimOnce();
    return this.#claimed;
  }

  async #claimOnce(): Promise<void> {
    const { usedStates, random } = this.#options;
    const state = await this.#state();
    if (!state) throw new Error('a confirmation without a state');
    const { id, expiresAt } = state;
    if (await usedStates.claim({ name: id, expiresAt }, randomText(random, 16))) return;
    this.#exchange.context.log.info('request state used again', { client: this.#exchange.token.clientId });
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      'This confirmation was used before. See whether it took effect; to ask anew, send the request without requestState.',
    );
  }

  /** @param asked what the state says was asked: the names, or what stands for them */
  async #need(open: Questions, asked = Object.keys(open)): Promise<Error> {
    if (!envelopeOf(this.#request)) {
      return new ToolError(
        'This has to ask you something first, for which your client is too old: use one of MCP 2026-07-28.',
      );
    }
    const requestState = await sealState(this.#options, this.#exchange, { asked, answers: this.#answered });
    const inputRequests = Object.fromEntries(Object.entries(open).map(([name, each]) => [name, toRequest(each)]));
    return new InputNeeded(inputRequired({ inputRequests, requestState }));
  }
}
