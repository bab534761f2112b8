/** A cookie jar, as far as sign-ins need one: by host (all ports of a host share it, RFC 6265 section 8.5), path and age. */
export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * The `Cookie` header for a URL; empty when there is nothing to send.
   * @param crossSite whether another site leads there: that keeps SameSite=Strict back, and Lax where it is a post
   */
  header(url: URL, crossSite: boolean, post = false): string {
    return [...this.#cookies.values()]
      .filter(cookie => cookie.host === url.hostname && pathMatches(url.pathname, cookie.path))
      .filter(cookie => !cookie.secure || isTrustworthy(url))
      .filter(({ sameSite }) => !crossSite || sameSite === 'none' || (sameSite === 'lax' && !post))
      .filter(cookie => cookie.expiresAt > this.#now())
      .map(cookie => `${cookie.name}=${cookie.value}`)
      .join('; ');
  }

  /** Takes an answer's `Set-Cookie` headers. */
  store(url: URL, headers: readonly string[]): void {
    for (const header of headers) {
      const cookie = parse(url, header, this.#now());
      if (cookie) this.#cookies.set(`${cookie.host} ${cookie.path} ${cookie.name}`, cookie);
    }
  }

  /** The names of all cookies that live. */
  names(): string[] {
    return [...this.#cookies.values()].filter(cookie => cookie.expiresAt > this.#now()).map(cookie => cookie.name);
  }

  /** Forgets a cookie, as a person can. */
  forget(name: string): void {
    for (const [key, cookie] of this.#cookies) if (cookie.name === name) this.#cookies.delete(key);
  }
}

interface Cookie {
  name: string;
  value: string;
  host: string;
  path: string;
  secure: boolean;
  sameSite: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

function parse(url: URL, header: string, now: number): Cookie | undefined {
  const [pair = '', ...rest] = header.split(';').map(part => part.trim());
  const equals = pair.indexOf('=');
  if (equals < 1) return undefined;
  const attributes = new Map(
    rest.map(attribute => {
      const [name = '', value = ''] = attribute.split('=', 2);
      return [name.toLowerCase(), value];
    }),
  );
  const cookie: Cookie = {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    host: url.hostname,
    path: attributes.get('path')?.startsWith('/') ? (attributes.get('path') ?? '/') : directoryOf(url.pathname),
    secure: attributes.has('secure'),
    sameSite: (attributes.get('samesite') ?? 'lax').toLowerCase(),
    expiresAt: expiryOf(attributes, now),
  };
  return isAllowed(cookie, url, attributes.has('domain')) ? cookie : undefined;
}

/** Browsers drop what breaks the rules of Secure, SameSite=None and the prefixes (RFC 6265bis section 5.7). */
function isAllowed({ name, path, secure, sameSite }: Cookie, url: URL, hasDomain: boolean): boolean {
  if (secure && !isTrustworthy(url)) return false;
  if (!secure && (sameSite === 'none' || name.startsWith('__Secure-'))) return false;
  return !name.startsWith('__Host-') || (secure && path === '/' && !hasDomain);
}

function expiryOf(attributes: Map<string, string>, now: number): number {
  const age = attributes.get('max-age');
  if (age !== undefined) return now + Number(age) * 1000;
  const date = attributes.get('expires');
  return date === undefined ? Number.POSITIVE_INFINITY : Date.parse(date);
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function pathMatches(path: string, cookiePath: string): boolean {
  if (path === cookiePath || cookiePath === '/') return true;
  return path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

/** Where Secure cookies go: most browsers count http on loopback in. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
