import { type AccessToken, signUpstreamToken } from '../access/access-token.ts';
import type { Admitted } from '../access/door.ts';
import type { GuardOptions } from '../access/guard.ts';
import { personKey } from '../access/person.ts';
import type { RecordCall } from '../access/record-call.ts';
import { createSlots, type Slots } from '../access/slots.ts';
import type { GatewayUpstream } from '../config.ts';
import type { RequestContext } from '../http/endpoint.ts';
import { REFUSED } from '../http/json-rpc.ts';
import { type RandomBytes, randomText } from '../keys/random.ts';
import { describeError } from '../log.ts';
import { allowUse } from './allow-use.ts';
import { answerOf } from './answer.ts';
import { type Message, readMessage } from './message.ts';
import { Refusal } from './refusal.ts';
import { upstreamHeaders } from './request-headers.ts';
import { isSessionId, openSessionId, sealSessionId } from './session-id.ts';

export interface ForwardOptions extends Pick<GuardOptions, 'issuer' | 'keys' | 'now'> {
  readonly random: RandomBytes;
  readonly fetch: typeof globalThis.fetch;
  readonly record: RecordCall;
  /** How long an upstream may take until it begins to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a call may take in all, its stream too, in milliseconds; 200 seconds unless given. */
  readonly totalMs?: number;
  /** How large a message to an upstream may be, and its answer; a stream 16 times that, each event of it that. */
  readonly maxBytes: number;
}

/** The Functions host cuts an answer at 230 seconds. */
const TOTAL_MS = 200_000;
/** How long an upstream has to end a stream after the answer, in milliseconds. */
const AFTER_ANSWER_MS = 500;
/** Calls of one upstream and instance under way at once, and of those one person's. Streams to listen are counted apart. */
const CALLS = { all: 64, each: 16 };
const STREAMS = { all: 256, each: 32 };
/** The code that the MCP libraries have for it. */
const SESSION_NOT_FOUND = -32001;

/** Hands requests on to one upstream, and its answers back. */
export function createForwarder(upstream: GatewayUpstream, options: ForwardOptions): Admitted {
  const slots = { calls: createSlots(CALLS), streams: createSlots(STREAMS) };
  return async (request, token, context) => {
    let message: Message | undefined;
    try {
      message = request.method === 'POST' ? await readMessage(request, options.maxBytes) : undefined;
      if (message) await allowUse(message, upstream, token, context, options.record);
      const isListening = request.method === 'GET' || message?.method === 'subscriptions/listen';
      const slot = takeSlot(isListening ? slots.streams : slots.calls, upstream, token);
      return await send(request, { upstream, token, context, message, isListening, slot }, options);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      context.log.info('gateway refused', { upstream: upstream.name, status: error.status, reason: error.message });
      return error.response(message?.id ?? null);
    }
  };
}

function takeSlot(slots: Slots, { name }: GatewayUpstream, { person }: AccessToken): () => void {
  const slot = slots.take(personKey(person));
  if (slot) return slot;
  throw new Refusal(503, `Too many calls of ${name} are under way. Try again in a moment.`, REFUSED, {
    'retry-after': '1',
  });
}

interface Sending {
  readonly upstream: GatewayUpstream;
  readonly token: AccessToken;
  readonly context: RequestContext;
  readonly message: Message | undefined;
  readonly isListening: boolean;
  readonly slot: () => void;
}

async function send(request: Request, sending: Sending, options: ForwardOptions): Promise<Response> {
  const { upstream, token, context, message, isListening, slot } = sending;
  const stop = new AbortController();
  // Its place is free then, even if nobody reads what there is of the answer.
  stop.signal.addEventListener('abort', slot);
  const after = (ms: number, why: string) => setTimeout(() => stop.abort(new Refusal(504, why)), ms).unref();
  const { timeoutMs, totalMs = TOTAL_MS } = options;
  const timers = [after(totalMs, `did not end its answer within ${totalMs / 1000} seconds`)];
  const done = () => {
    for (const timer of timers) clearTimeout(timer);
    slot();
  };
  const session = request.headers.get('mcp-session-id');
  try {
    const keys = await options.keys();
    const sessionId = session === null ? undefined : openSessionId(keys, token.person, upstream, session);
    if (session !== null && sessionId === undefined)
      throw new Refusal(404, 'There is no such session.', SESSION_NOT_FOUND);
    const ask = { upstream: upstream.url, tokenId: randomText(options.random, 16), now: options.now() / 1000 };
    const own = await signUpstreamToken(keys, options.issuer, token, ask);
    const headers = upstreamHeaders(request, message, { token: own, sessionId, context, random: options.random });
    const begin = after(timeoutMs, `did not begin to answer within ${timeoutMs / 1000} seconds`);
    timers.push(begin);
    const response = await options.fetch(upstream.url, {
      method: request.method,
      headers,
      ...(message ? { body: message.text } : {}),
      redirect: 'manual',
      signal: stop.signal,
    });
    clearTimeout(begin);
    if (response.status === 404 && session !== null) {
      await response.body?.cancel().catch(() => {});
      throw new Refusal(404, 'There is no such session any more.', SESSION_NOT_FOUND);
    }
    const answer = await answerOf(response, {
      ...{ upstream, token, message, isListening, done },
      ...{ method: request.method, maxBytes: options.maxBytes, log: context.log },
      isResuming: request.headers.has('last-event-id'),
      hurry: () => timers.push(after(AFTER_ANSWER_MS, 'did not end its answer')),
    });
    const given = response.headers.get('mcp-session-id');
    if (given !== null) {
      if (!isSessionId(given)) throw new Refusal(502, 'gave a session a name that MCP does not allow');
      // The one that the client has stays as it is.
      const isSame = session !== null && given === sessionId;
      const sealed = isSame ? session : sealSessionId(keys, options.random, token.person, upstream, given);
      answer.headers.set('mcp-session-id', sealed);
    }
    return answer;
  } catch (error) {
    done();
    stop.abort();
    throw failureOf(error, upstream, context);
  }
}

/** What a client is told of an upstream that did not answer as it should. */
function failureOf(error: unknown, { name }: GatewayUpstream, { log, span }: RequestContext): unknown {
  if (error instanceof Refusal && error.status < 500) return error;
  span?.tell({ outage: 'upstream' });
  log.warn('upstream failed', { upstream: name, reason: describeError(error) });
  if (error instanceof Refusal) return new Refusal(error.status, `The server ${name} ${error.message}.`, error.code);
  return new Refusal(502, `The server ${name} cannot be reached.`);
}
