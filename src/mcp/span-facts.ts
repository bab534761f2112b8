import { messagesOf } from '../http/json-rpc.ts';
import type { SpanFacts } from '../http/span.ts';
import type { Tool } from './define-tool.ts';

/** What clients of any revision send here. */
const METHODS = new Set([
  'initialize',
  'notifications/initialized',
  'notifications/cancelled',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
]);

/** What an operator may learn of a body: method and tool of its first message, where they are known by name. */
export function factsOf(body: unknown, tools: ReadonlyMap<string, Tool>): SpanFacts {
  const messages = messagesOf(body);
  const { method, params } = messages[0] ?? {};
  const facts: SpanFacts = { method: typeof method === 'string' && METHODS.has(method) ? method : 'other' };
  if (messages.length > 1) facts.messages = messages.length;
  if (method === 'tools/call') {
    const name = typeof params === 'object' && params !== null && 'name' in params ? params.name : undefined;
    facts.tool = typeof name === 'string' && tools.has(name) ? name : 'unknown';
  }
  return facts;
}
