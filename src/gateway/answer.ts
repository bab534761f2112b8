import type { AccessToken } from '../access/access-token.ts';
import type { GatewayUpstream } from '../config.ts';
import { isMessage, type Message as JsonObject, REFUSED } from '../http/json-rpc.ts';
import { describeError, type Logger } from '../log.ts';
import type { Message } from './message.ts';
import { Refusal } from './refusal.ts';
import { relayEvents } from './relay-events.ts';
import { withoutDeniedTools } from './tool-filter.ts';

/** One call, as its answer is seen. */
export interface Call {
  readonly upstream: GatewayUpstream;
  readonly token: AccessToken;
  readonly method: string;
  /** What a POST sent; `undefined` for the other methods. */
  readonly message: Message | undefined;
  /** Whether it only opens a stream, which may end at any time. */
  readonly isListening: boolean;
  /** Whether the request asked for what it missed of earlier streams. */
  readonly isResuming: boolean;
  readonly maxBytes: number;
  readonly log: Logger;
  /** Ends the upstream's answer soon, for nothing is waited for any more. */
  readonly hurry: () => void;
  /** To be called when the answer is over. */
  readonly done: () => void;
}

const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** How many events of the largest size a stream may bring. */
const STREAM_EVENTS = 16;

/** Refusals of clients' requests that are the client's to know. Not 401 and 403: those are between us and the upstream. */
const CLIENT_ERRORS: ReadonlySet<number> = new Set([400, 404, 405, 406, 409, 413, 415, 422, 429]);

/**
 * What a client gets of an upstream's answer: a message that is what was asked
 * for, or a stream of such; of the headers the content type alone, in our words.
 *
 * @throws Refusal for everything else
 */
export async function answerOf(response: Response, call: Call): Promise<Response> {
  const { status } = response;
  if (status >= 300) return clientError(response, call);
  if (call.method === 'DELETE') return nothing(204, response, call);
  if (call.message && !call.message.isRequest) return nothing(202, response, call);
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type === 'text/event-stream' && status === 200) return eventStream(response, call);
  if (type === 'application/json' && status === 200 && call.message) return oneMessage(response, call);
  throw new Refusal(502, `answered with ${status} and ${type ? 'another content type than MCP has' : 'no content'}`);
}

async function nothing(status: number, { body }: Response, { done }: Call): Promise<Response> {
  await body?.cancel().catch(() => {});
  done();
  return new Response(null, { status, headers: NO_STORE });
}

/** What a client has to know goes on, if it is said in JSON-RPC; in other words nothing does. */
async function clientError(response: Response, call: Call): Promise<Response> {
  const { status } = response;
  const text = CLIENT_ERRORS.has(status) ? await readText(response, call.maxBytes) : undefined;
  call.done();
  await response.body?.cancel().catch(() => {});
  const body = parsed(text);
  if (status === 405 && !call.message)
    throw new Refusal(405, 'This server does not offer that.', REFUSED, { allow: 'POST, OPTIONS' });
  if (!isErrorMessage(body)) throw new Refusal(502, `answered with status ${status}`);
  const { id, error } = body;
  const own = call.message?.id ?? null;
  return new Response(JSON.stringify({ jsonrpc: '2.0', id: id === own ? own : null, error }), {
    status,
    headers: { ...NO_STORE, 'content-type': 'application/json' },
  });
}

async function oneMessage(response: Response, call: Call): Promise<Response> {
  const text = await readText(response, call.maxBytes);
  call.done();
  const { text: checked, isAnswer } = check(text, call);
  if (!isAnswer) throw new Refusal(502, 'answered with something that is no answer');
  return new Response(checked, { status: 200, headers: { ...NO_STORE, 'content-type': 'application/json' } });
}

function eventStream({ body }: Response, call: Call): Response {
  if (!body) throw new Refusal(502, 'answered with no content');
  let isAnswered = false;
  const stream = relayEvents(body, {
    limit: call.maxBytes,
    total: STREAM_EVENTS * call.maxBytes,
    check: data => {
      const { text, isAnswer } = check(data, call);
      if (isAnswer && call.message) {
        if (isAnswered) throw new Refusal(502, 'answered twice');
        isAnswered = true;
        call.hurry();
      }
      return text;
    },
    ended: (failure, isResumable) => {
      call.done();
      if (failure !== undefined && !isAnswered && !call.isListening) {
        call.log.warn('upstream failed in a stream', { upstream: call.upstream.name, reason: describeError(failure) });
      }
      if (isAnswered || call.isListening || (failure === undefined && isResumable)) return undefined;
      return JSON.stringify(errorMessage(call, failure));
    },
  });
  return new Response(stream, { status: 200, headers: { ...NO_STORE, 'content-type': 'text/event-stream' } });
}

/** A failure that comes when the status is already told. */
function errorMessage({ upstream, message }: Call, failure: unknown): JsonObject {
  const why = failure instanceof Refusal ? failure.message : 'ended its answer too early';
  return {
    jsonrpc: '2.0',
    id: message?.id ?? null,
    error: { code: REFUSED, message: `The server ${upstream.name} ${why}.` },
  };
}

/**
 * A message of an upstream's, as it goes on to the client.
 * @throws Refusal
 */
function check(text: string, { upstream, token, message, isResuming }: Call): { text: string; isAnswer: boolean } {
  const body = parsed(text);
  if (!isMessage(body)) throw new Refusal(502, 'answered with something that is no JSON-RPC message');
  const isAnswer = !('method' in body);
  if (isAnswer && 'result' in body === 'error' in body) throw new Refusal(502, 'answered with no result and no error');
  // What a stream brings again belongs to requests of which nothing is known here.
  const isExpected = message ? body.id === message.id : isResuming;
  if (isAnswer && !isExpected) throw new Refusal(502, 'answered another request');
  const fewer = isAnswer ? withoutDeniedTools(body, upstream.tools, token.roles) : undefined;
  return { text: fewer ? JSON.stringify(fewer) : text, isAnswer };
}

function isErrorMessage(body: unknown): body is JsonObject {
  return isMessage(body) && !('method' in body) && typeof body.error === 'object' && body.error !== null;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readText({ body }: Response, limit: number): Promise<string> {
  const reader = body?.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      length += read.value.byteLength;
      if (length > limit) throw new Refusal(502, `answered with more than ${limit} bytes`);
      pieces.push(read.value);
    }
  } catch (error) {
    reader?.cancel().catch(() => {});
    throw error instanceof Refusal ? error : new Refusal(502, 'broke off its answer');
  }
  return Buffer.concat(pieces, length).toString('utf8');
}
