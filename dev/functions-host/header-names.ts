/** How header names come out of the real host: the standard ones as they are usually written, all others in lower case. */

const standard = new Map(
  `Accept-Ranges Access-Control-Allow-Credentials Access-Control-Allow-Headers Access-Control-Allow-Methods
  Access-Control-Allow-Origin Access-Control-Expose-Headers Access-Control-Max-Age Age Allow Alt-Svc Cache-Control
  Content-Disposition Content-Encoding Content-Language Content-Length Content-Location Content-MD5 Content-Range
  Content-Security-Policy Content-Type Date ETag Expires Last-Modified Link Location Pragma Referrer-Policy Retry-After
  Server Set-Cookie Strict-Transport-Security Vary Via Warning WWW-Authenticate X-Content-Type-Options X-Frame-Options
  X-Powered-By X-Request-ID X-UA-Compatible X-XSS-Protection`
    .split(/\s+/)
    .map(name => [name.toLowerCase(), name]),
);

/** Those of one connection, which are not passed on (RFC 9110 section 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Names and values, alternating, with names as the host writes them and those of the connection left out. */
export function outgoing(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (const [name, value] of pairs(rawHeaders)) {
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower)) kept.push(standard.get(lower) ?? lower, value);
  }
  return kept;
}

/**
 * A request's headers by name: names ignore case and are spelled as the first one is, several values are joined by
 * commas. Values are UTF-8, as the real host's web server reads them.
 * @returns undefined when a value is not UTF-8, which that server refuses
 */
export function incoming(rawHeaders: readonly string[]): Record<string, string> | undefined {
  const found = new Map<string, { name: string; values: string[] }>();
  for (const [name, value] of pairs(rawHeaders)) {
    const entry = found.get(name.toLowerCase()) ?? { name, values: [] };
    entry.values.push(value);
    found.set(name.toLowerCase(), entry);
  }
  try {
    return Object.fromEntries([...found.values()].map(({ name, values }) => [name, values.map(utf8).join(',')]));
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Node reads a header's bytes as Latin-1. */
function utf8(value: string): string {
  return decoder.decode(Buffer.from(value, 'latin1'));
}

function* pairs(rawHeaders: readonly string[]): Generator<[string, string]> {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) yield [rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''];
}
