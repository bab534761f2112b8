/**
 * Whether a post comes from one of our own pages. Browsers send `Origin` with
 * every post and most send `Sec-Fetch-Site`; what they say must fit, and one of
 * them must be there. Together with SameSite cookies this keeps other sites out.
 */
export function isSameOriginPost(request: Request, origin: string): boolean {
  const from = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  if (from === null && site === null) return false;
  return (from === null || from === origin) && (site === null || site === 'same-origin');
}
