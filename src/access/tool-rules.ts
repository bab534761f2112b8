import type { ToolRules, ToolsByRole } from '../resource-settings.ts';

/**
 * Whether a person may see and call a tool of an upstream: where tools are
 * allowed, one of the lists that are for them has to name it; and none of those
 * that are denied to them may, which counts more. A list is for them if it is
 * everybody's (`*`) or a role's that they have.
 *
 * @param roles the person's, as their token tells
 */
export function isToolAllowed({ allow, deny }: ToolRules, roles: readonly string[], tool: string): boolean {
  const named = (lists: ToolsByRole) =>
    ['*', ...roles].some(role => Object.hasOwn(lists, role) && lists[role]?.some(pattern => matches(pattern, tool)));
  return (!allow || named(allow)) && !(deny && named(deny));
}

/** The app roles that such rules ask for. */
export function rolesOf({ allow = {}, deny = {} }: ToolRules): string[] {
  return [...new Set([...Object.keys(allow), ...Object.keys(deny)])].filter(role => role !== '*');
}

function matches(pattern: string, tool: string): boolean {
  return pattern.endsWith('*') ? tool.startsWith(pattern.slice(0, -1)) : tool === pattern;
}
