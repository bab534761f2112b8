/** How long a document may be used, at the least and at the most, whatever its headers say; in milliseconds. */
const LEAST = 30_000;
const MOST = 24 * 3_600_000;
/** Where they say nothing. */
const UNTOLD = 5 * 60_000;

/**
 * How long an answer is fresh by its own headers (RFC 9111 section 4.2), from 30
 * seconds to 24 hours; 5 minutes where they say nothing.
 *
 * @param now milliseconds since the epoch
 * @returns milliseconds
 */
export function freshFor(headers: Headers, now: number): number {
  const told = lifetime(headers, now);
  return told === undefined ? UNTOLD : Math.min(MOST, Math.max(LEAST, told));
}

function lifetime(headers: Headers, now: number): number | undefined {
  const directives = (headers.get('cache-control') ?? '').toLowerCase();
  if (/(^|[\s,])no-(store|cache)\b/.test(directives)) return 0;
  const seconds = (name: string) => new RegExp(`(?:^|[\\s,])${name}="?(\\d{1,9})`).exec(directives)?.[1];
  const maxAge = seconds('s-maxage') ?? seconds('max-age');
  if (maxAge !== undefined) {
    const age = /^\d{1,9}$/.exec(headers.get('age') ?? '')?.[0] ?? 0;
    return (Number(maxAge) - Number(age)) * 1000;
  }
  const expires = headers.get('expires');
  if (expires === null) return undefined;
  // An Expires that is no date has passed (RFC 9111 section 5.3).
  const sent = Date.parse(headers.get('date') ?? '');
  return (Date.parse(expires) || 0) - (Number.isNaN(sent) ? now : sent);
}
