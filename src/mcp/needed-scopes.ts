import type { Scope } from '../access/scopes.ts';
import type { Tool } from './define-tool.ts';
import { messagesOf } from './json-rpc.ts';

/** Reading notes as resources: each method of that kind. */
const RESOURCE_SCOPES: readonly Scope[] = ['notes:read'];

/**
 * The scopes that a body's calls need, all messages of a batch together. It
 * looks at the very value that is then served, so the two cannot disagree on
 * what was asked.
 */
export function neededScopes(body: unknown, tools: ReadonlyMap<string, Tool>): Set<Scope> {
  const needed = new Set<Scope>();
  for (const { method, params } of messagesOf(body)) {
    for (const scope of scopesOf(method, params, tools)) needed.add(scope);
  }
  return needed;
}

function scopesOf(method: unknown, params: unknown, tools: ReadonlyMap<string, Tool>): readonly Scope[] {
  if (typeof method !== 'string') return [];
  if (method.startsWith('resources/')) return RESOURCE_SCOPES;
  if (method !== 'tools/call' || typeof params !== 'object' || params === null || !('name' in params)) return [];
  // An unknown tool needs nothing: that it is unknown is the answer.
  return (typeof params.name === 'string' && tools.get(params.name)?.scopes) || [];
}
