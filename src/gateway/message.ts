import { folded } from '../access/folded.ts';
import { parseJson, readBytes } from '../http/body.ts';
import { BadRequestError } from '../http/errors.ts';
import { INVALID_REQUEST, isMessage, type Message as JsonObject, requestId } from '../http/json-rpc.ts';
import { Refusal } from './refusal.ts';
import { repeatsKey } from './repeated-keys.ts';

/** One JSON-RPC message of a client, checked as far as the gateway decides by it. */
export interface Message {
  /** As it came: numbers beyond what a double holds go on unharmed. */
  readonly text: string;
  /** Only a request is answered with a message. */
  readonly isRequest: boolean;
  /** That of a request, `null` for all others. */
  readonly id: string | number | null;
  readonly method: string | undefined;
  /** What `Mcp-Name` repeats: the name of a tool or prompt, the URI of a resource, a task. */
  readonly subject: string | undefined;
  /** What it gives a tool or a prompt. */
  readonly args: unknown;
}

const KEYS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
/** The methods that use something of the server by its name: they are on record, and rules may be about it. */
const USES: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);
/** Those that the gateway tells from others. */
const KNOWN: ReadonlySet<string> = new Set([...USES, 'tools/list']);
/** The parameter that `Mcp-Name` repeats (MCP 2026-07-28, standard headers; its extension for tasks). */
const SUBJECTS: readonly (readonly [method: RegExp, key: string])[] = [
  [/^(tools\/call|prompts\/get)$/, 'name'],
  [/^resources\//, 'uri'],
  [/^tasks\//, 'taskId'],
];

/**
 * Reads the one message of a POST. What a server elsewhere could read in another
 * way than this one does is refused: keys that come twice or in another spelling,
 * and batches, which no revision has but 2025-03-26.
 *
 * @param limit in bytes
 * @throws BadRequestError when it is no JSON or too long
 * @throws Refusal
 */
export async function readMessage(request: Request, limit: number): Promise<Message> {
  const bytes = await readBytes(request, limit);
  const body = parseJson(bytes);
  const invalid = (why: string) => new Refusal(400, why, INVALID_REQUEST);
  if (Array.isArray(body)) throw invalid('Batches are not taken here. Send each message by itself.');
  if (!isMessage(body)) throw invalid('This is not a JSON-RPC 2.0 message.');
  const text = Buffer.from(bytes).toString('utf8');
  if (repeatsKey(text)) throw new BadRequestError('The message has a key twice.');
  const unknown = Object.keys(body).find(key => !KEYS.has(key));
  if (unknown !== undefined) throw invalid('The message has a key that JSON-RPC does not have.');
  return { text, ...checked(body, invalid) };
}

function checked(body: JsonObject, invalid: (why: string) => Refusal): Omit<Message, 'text'> {
  const { id, method, params } = body;
  if (method === undefined) {
    if (!('id' in body) || !('result' in body || 'error' in body)) throw invalid('This is no request and no response.');
    return { isRequest: false, id: null, method, subject: undefined, args: undefined };
  }
  if (typeof method !== 'string') throw invalid('The method is not a text.');
  const isRequest = 'id' in body;
  if (isRequest && typeof id !== 'string' && !Number.isFinite(id)) throw invalid('The id is no text and no number.');
  if (!KNOWN.has(method) && KNOWN.has(folded(method))) throw invalid('The method is not spelled so.');
  if (params !== undefined && !isObject(params)) throw invalid('The params are not an object.');
  const [, key = ''] = SUBJECTS.find(([methods]) => methods.test(method)) ?? [];
  const subject = params && typeof params[key] === 'string' ? params[key] : undefined;
  if (USES.has(method)) {
    if (subject === undefined) throw invalid(`The ${key} is not a text.`);
    const twin = Object.keys(params ?? {}).some(other => other !== key && folded(other) === key);
    if (twin) throw invalid(`The ${key} is there twice.`);
  }
  return { isRequest, id: isRequest ? requestId(body) : null, method, subject, args: params?.arguments };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
