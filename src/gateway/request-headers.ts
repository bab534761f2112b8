import type { RequestContext } from '../http/endpoint.ts';
import type { RandomBytes } from '../keys/random.ts';
import type { Message } from './message.ts';
import { Refusal } from './refusal.ts';

/** MCP's own code for headers that say something else than the body. */
const HEADER_MISMATCH = -32020;
/** What goes on as it came, where it says what the message says. Others could tell of a call that was not checked. */
const COPIED = ['accept', 'mcp-protocol-version', 'mcp-method', 'mcp-name'];
/** What the headers that repeat an argument of a tool begin with (MCP 2026-07-28, `x-mcp-header`). */
const PARAM = 'mcp-param-';

/**
 * What an upstream is told in headers: MCP's own that are known, and what we make. Nothing else
 * of the client's goes on: not its token, its cookies, nor where it comes from.
 *
 * @param message what a POST sends; `undefined` for the other methods
 * @throws Refusal when the headers that repeat the message (MCP 2026-07-28) do not say the same
 */
export function upstreamHeaders(
  { headers, method }: Request,
  message: Message | undefined,
  made: { token: string; sessionId: string | undefined; context: RequestContext; random: RandomBytes },
): Record<string, string> {
  const sent: Record<string, string> = {
    authorization: `Bearer ${made.token}`,
    // Compressed answers would be held back until there is enough to compress.
    'accept-encoding': 'identity',
  };
  const copy = (name: string) => {
    const value = headers.get(name);
    if (value !== null) sent[name] = value;
  };
  for (const name of COPIED) copy(name);
  if (made.sessionId !== undefined) sent['mcp-session-id'] = made.sessionId;
  if (message) {
    sent['content-type'] = 'application/json';
    checkRepeated(sent, message);
    Object.assign(sent, repeatedArguments(headers, message));
  } else {
    delete sent['mcp-method'];
    delete sent['mcp-name'];
  }
  if (method === 'GET') copy('last-event-id');
  const { correlationId } = made.context;
  if (/^[0-9a-f]{32}$/.test(correlationId)) {
    sent.traceparent = `00-${correlationId}-${Buffer.from(made.random(8)).toString('hex')}-01`;
  }
  return sent;
}

/** A server, or a proxy before it, may go by these headers alone. */
function checkRepeated(sent: Record<string, string>, { method, subject }: Message): void {
  const { 'mcp-method': said, 'mcp-name': name } = sent;
  const isSame = (said ?? method) === method && (name === undefined || decoded(name) === subject);
  if (!isSame) throw new Refusal(400, 'Mcp-Method or Mcp-Name says something else than the message.', HEADER_MISMATCH);
}

/**
 * The headers that repeat an argument. Which one it is, only the server knows, who has to check that;
 * what is no argument of the call at all stays here.
 */
function repeatedArguments(headers: Headers, { method, args }: Message): Record<string, string> {
  const params = [...headers].filter(([name]) => name.startsWith(PARAM));
  if (method !== 'tools/call' || params.length === 0) return {};
  const values = primitives(args);
  return Object.fromEntries(params.filter(([, value]) => values.has(decoded(value))));
}

/** All texts, numbers and truth values in a value of JSON, as texts; without recursion, for it may be deep. */
function primitives(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) open.push(inner);
    else if (next !== null && next !== undefined) found.add(String(next));
  }
  return found;
}

/** Texts that are not plain ASCII travel as base64 of their UTF-8 (MCP 2026-07-28). */
function decoded(text: string): string {
  const [, base64] = /^=\?base64\?([\w+/]*=*)\?=$/.exec(text) ?? [];
  return base64 === undefined ? text : Buffer.from(base64, 'base64').toString('utf8');
}
