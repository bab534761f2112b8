import { isToolAllowed } from '../access/tool-rules.ts';
import type { Message } from '../http/json-rpc.ts';
import type { ToolRules } from '../resource-settings.ts';

/**
 * Takes from a list of tools those that the person may not use. Whatever the
 * method was: an answer that comes again over another stream does not tell.
 *
 * @returns the message with fewer tools; `undefined` where nothing is to be changed
 */
export function withoutDeniedTools(message: Message, rules: ToolRules, roles: readonly string[]): Message | undefined {
  if (!rules.allow && !rules.deny) return undefined;
  const { result } = message;
  if (typeof result !== 'object' || result === null || !('tools' in result) || !Array.isArray(result.tools)) {
    return undefined;
  }
  const tools = result.tools.filter(tool => isToolAllowed(rules, roles, nameOf(tool)));
  // A list that differs from person to person is not one to be shared (MCP 2026-07-28, caching).
  const cacheScope = 'cacheScope' in result ? { cacheScope: 'private' } : {};
  return { ...message, result: { ...result, ...cacheScope, tools } };
}

function nameOf(tool: unknown): string {
  return typeof tool === 'object' && tool !== null && 'name' in tool ? String(tool.name) : '';
}
