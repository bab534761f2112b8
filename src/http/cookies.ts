/**
 * Cookies of this app: HttpOnly, SameSite=Lax, for the whole origin.
 *
 * Everywhere but on loopback http they are Secure and carry the `__Host-`
 * prefix, so no other host can set them. On loopback Safari drops both; there
 * the name carries the port, because all ports of localhost share one jar.
 */
export interface CookieNames {
  /** Ties a sign-in to the browser in which it began. */
  readonly binding: string;
  /** A person's session with the landing page. */
  readonly session: string;
}

/** The names for a public origin. */
export function cookieNames(origin: string): CookieNames {
  const url = new URL(origin);
  const name = (base: string) => (url.protocol === 'https:' ? `__Host-${base}` : `${base}-${url.port || '80'}`);
  return { binding: name('mcp-signin'), session: name('mcp-session') };
}

/** The value of a cookie; `undefined` when it is absent or comes twice, which no browser of ours sends. */
export function readCookie(request: Request, name: string): string | undefined {
  const values = (request.headers.get('cookie') ?? '')
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
    .map(pair => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/**
 * A `Set-Cookie` value (RFC 6265bis).
 * @param value base64url and dots only: the Functions host encodes all else
 * @param maxAgeSeconds 0 deletes the cookie
 */
export function cookie(name: string, value: string, maxAgeSeconds: number): string {
  const secure = name.startsWith('__Host-') ? '; Secure' : '';
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}
