import type { ToolRules, ToolsByRole } from '../resource-settings.ts';
import { folded } from './folded.ts';

/**
 * Whether a person may see and call a tool of an upstream: where tools are
 * allowed, one of the lists that are for them has to name it; and none of those
 * that are denied to them may, which counts more, and which a name in another
 * case or in look-alike characters does not escape. A list is for them if it is
 * everybody's (`*`) or a role's that they have.
 *
 * @param roles the person's, as their token tells
 */
export function isToolAllowed({ allow, deny }: ToolRules, roles: readonly string[], tool: string): boolean {
  const named = (lists: ToolsByRole, isNamed: (pattern: string) => boolean) =>
    ['*', ...roles].some(role => Object.hasOwn(lists, role) && lists[role]?.some(isNamed));
  if (allow && !named(allow, pattern => matches(pattern, tool))) return false;
  const alike = folded(tool);
  return !(deny && named(deny, pattern => matches(folded(pattern), alike)));
}

/** The app roles that such rules ask for. */
export function rolesOf({ allow = {}, deny = {} }: ToolRules): string[] {
  return [...new Set([...Object.keys(allow), ...Object.keys(deny)])].filter(role => role !== '*');
}

function matches(pattern: string, tool: string): boolean {
  return pattern.endsWith('*') ? tool.startsWith(pattern.slice(0, -1)) : tool === pattern;
}
