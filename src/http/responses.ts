/** Answers that are the same for every room: JSON, redirects, CORS. */

const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** A JSON answer that nobody may keep, unless `headers` says otherwise. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...NO_STORE, 'content-type': 'application/json', ...headers },
  });
}

/**
 * An OAuth error (RFC 6749 section 5.2; its descriptions hold printable ASCII
 * without quotes and backslashes only).
 */
export function oauthError(
  status: number,
  error: string,
  description: string,
  headers: Record<string, string> = {},
): Response {
  return json(status, { error, error_description: plainAscii(description).slice(0, 300) }, headers);
}

/** The characters of an `error_description` (RFC 6749 section 5.2): printable ASCII without quotes and backslashes. */
export function plainAscii(text: string): string {
  return text.replace(/[’"]/g, "'").replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?');
}

/** 503 for an OAuth client: nothing was consumed, the same request works later. */
export function temporarilyUnavailable(retryAfterSeconds: number): Response {
  return oauthError(503, 'temporarily_unavailable', 'A service behind this server is down. Try again.', {
    'retry-after': String(retryAfterSeconds),
  });
}

/** 429 for an OAuth client: nothing was consumed, the same request works later. */
export function tooManyRequests(what: string, retryAfterSeconds: number): Response {
  return oauthError(429, 'temporarily_unavailable', `${what} Try again in ${seconds(retryAfterSeconds)}.`, {
    'retry-after': String(retryAfterSeconds),
  });
}

/** A time to wait, in words. */
export function seconds(count: number): string {
  return count === 1 ? '1 second' : `${count} seconds`;
}

/** Nothing is there; the same wherever that is said. */
export const notFound = async (): Promise<Response> => new Response(null, { status: 404 });

/** 303: after a form's post too the next request is a GET (RFC 9700 section 4.12). */
export function redirect(location: string, cookies: readonly string[] = []): Response {
  const headers = new Headers({ ...NO_STORE, location, 'referrer-policy': 'no-referrer' });
  for (const cookie of cookies) headers.append('set-cookie', cookie);
  return new Response(null, { status: 303, headers });
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate, Retry-After, DPoP-Nonce, MCP-Protocol-Version, Mcp-Session-Id',
};

/** Lets any site read the answer, which must be one of our own making. Only for endpoints that read no cookie. */
export function withCors(response: Response): Response {
  for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
  return response;
}

/** The answer to a preflight (Fetch standard, "CORS-preflight fetch"). */
export function preflight(methods: readonly string[]): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...CORS,
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers':
        'Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID',
      'access-control-max-age': '7200',
    },
  });
}
