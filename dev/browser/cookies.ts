/** A cookie jar with as much of RFC 6265bis as sign-ins on loopback show. */

interface Cookie {
  name: string;
  value: string;
  host: string;
  path: string;
  secure: boolean;
  sameSite: 'strict' | 'lax' | 'none';
  /** Milliseconds since 1970; absent: until the browser closes. */
  expires: number | undefined;
}

/** How a request came about, as far as SameSite asks. */
export interface RequestContext {
  method: string;
  /** Whether the page that caused it is of another site. */
  crossSite: boolean;
}

export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes the `Set-Cookie` lines of a response from `url`; malformed ones and those it may not set are dropped. */
  store(url: URL, lines: string[]): void {
    for (const line of lines) {
      const cookie = parse(line, url, this.#now());
      if (cookie === undefined) continue;
      const key = `${cookie.host} ${cookie.path} ${cookie.name}`;
      if (cookie.expires !== undefined && cookie.expires <= this.#now()) this.#cookies.delete(key);
      else this.#cookies.set(key, cookie);
    }
  }

  /** The `Cookie` header for a request to `url`, longest path first; undefined without cookies. */
  header(url: URL, context: RequestContext): string | undefined {
    const sent = [...this.#cookies.values()]
      .filter(cookie => isSent(cookie, url, context, this.#now()))
      .sort((a, b) => b.path.length - a.path.length);
    return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  /** The names of the cookies that a visit to `url` sends. */
  names(url: string): string[] {
    const header = this.header(new URL(url), { method: 'GET', crossSite: false });
    return header?.split('; ').map(pair => pair.slice(0, pair.indexOf('='))) ?? [];
  }

  clear(): void {
    this.#cookies.clear();
  }
}

function isSent(cookie: Cookie, url: URL, { method, crossSite }: RequestContext, now: number): boolean {
  if (cookie.expires !== undefined && cookie.expires <= now) return false;
  // Cookies know no ports: all of localhost shares them, in browsers too.
  if (cookie.host !== url.hostname || !pathMatches(url.pathname, cookie.path)) return false;
  if (cookie.secure && !isTrustworthy(url)) return false;
  if (!crossSite || cookie.sameSite === 'none') return true;
  // What is sent across sites is a visit by a link or redirect, and of Lax cookies only.
  return cookie.sameSite === 'lax' && method === 'GET';
}

function parse(line: string, url: URL, now: number): Cookie | undefined {
  const [pair = '', ...rest] = line.split(';').map(part => part.trim());
  const equals = pair.indexOf('=');
  if (equals < 1) return undefined;
  const name = pair.slice(0, equals);
  const attributes = new Map(
    rest.map(part => {
      const [key = '', value = ''] = part.split(/=(.*)/s);
      return [key.toLowerCase(), value] as const;
    }),
  );
  const secure = attributes.has('secure');
  const path = attributes.get('path');
  const sameSite = attributes.get('samesite')?.toLowerCase();
  const domain = attributes.get('domain');
  if (domain !== undefined && domain.replace(/^\./, '') !== url.hostname) return undefined;
  if (secure && !isTrustworthy(url)) return undefined;
  if (name.startsWith('__Secure-') && !secure) return undefined;
  if (name.startsWith('__Host-') && (!secure || path !== '/' || domain !== undefined)) return undefined;
  if (sameSite === 'none' && !secure) return undefined;
  return {
    name,
    value: pair.slice(equals + 1),
    host: url.hostname,
    path: path?.startsWith('/') ? path : url.pathname.slice(0, Math.max(1, url.pathname.lastIndexOf('/'))),
    secure,
    sameSite: sameSite === 'strict' || sameSite === 'none' ? sameSite : 'lax',
    expires: expiry(attributes.get('max-age'), attributes.get('expires'), now),
  };
}

function expiry(maxAge: string | undefined, expires: string | undefined, now: number): number | undefined {
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return now + Number(maxAge) * 1000;
  const date = Date.parse(expires ?? '');
  return Number.isNaN(date) ? undefined : date;
}

function pathMatches(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

/** Where Chromium and Firefox take and send Secure cookies. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
