/**
 * Whether a `resource` parameter (RFC 8707 section 2) names our MCP endpoint.
 * Clients send the endpoint, the origin, or the origin with a slash; scheme and
 * host in any case. A fragment or a query names something else.
 *
 * @param resource the endpoint's own URL
 */
export function isOwnResource(asked: string, resource: string): boolean {
  if (!URL.canParse(asked) || asked.includes('#') || asked.includes('?')) return false;
  const url = new URL(asked);
  const own = new URL(resource);
  if (url.origin !== own.origin || url.username || url.password) return false;
  return ['', '/', own.pathname, `${own.pathname}/`].includes(url.pathname);
}
