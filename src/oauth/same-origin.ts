/**
 * Whether a post comes from one of our own pages, by what the browser itself
 * says: `Sec-Fetch-Site`, or `Origin` where a browser sends no such header. Our
 * pages' `Referrer-Policy: no-referrer` makes their own posts say `Origin: null`
 * (Fetch standard, "append a request Origin header"). Together with SameSite
 * cookies this keeps other sites out.
 */
export function isSameOriginPost(request: Request, origin: string): boolean {
  const from = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  if (site === null) return from === origin;
  return site === 'same-origin' && (from === null || from === 'null' || from === origin);
}
