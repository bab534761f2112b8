/** The path and the query of a request, as the real host's web server reads them. */
import { MAX_QUERY, MAX_URL } from './limits.ts';

export interface Target {
  /** Decoded but for `%2F`, its `.` and `..` segments resolved; begins with a slash. */
  path: string;
  /** As it came, with its `?`; or empty. */
  query: string;
  /** Path and query as they are passed on: encoded anew. */
  url: string;
}

/**
 * @param target the request line's
 * @returns or the status of the refusal
 */
export function readTarget(target: string): Target | 400 | 404 | 414 {
  if (target.length > MAX_URL) return 414;
  const origin = target.replace(/^https?:\/\/[^/?]*(?=\/)/i, '');
  if (!origin.startsWith('/') || /[^\x21-\x7e]/.test(origin)) return 400;
  const mark = origin.indexOf('?');
  const query = mark < 0 ? '' : origin.slice(mark);
  if (query.length - 1 > MAX_QUERY) return 404;
  const path = removeDotSegments(decode(mark < 0 ? origin : origin.slice(0, mark)));
  if (path.includes('\0')) return 400;
  return { path, query, url: encode(path) + query };
}

/** A slash that is percent-encoded stays so: it is no separator. */
function decode(path: string): string {
  return path.replace(/(?:%(?!2f)[0-9a-f]{2})+/gi, escaped => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped;
    }
  });
}

/** RFC 3986 section 5.2.4, after decoding: `%2e%2e` is `..`. */
function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..';
    if (segment === '..') kept.pop();
    if (!isDots) kept.push(segment);
    else if (index === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

function encode(path: string): string {
  return path.replace(/%[0-9a-f]{2}|[^\w\-.~!$&'()*+,;=:@/]/giu, found =>
    found.length === 3 && found.startsWith('%') ? found : encodeURIComponent(found),
  );
}
