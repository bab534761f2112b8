import { isIPv4 } from 'node:net';

/** Longer ids are refused: they are shown, stored and logged. */
const LONGEST = 500;

/** Names that resolve inside of a network alone (RFC 6762, RFC 8375, ICANN's reserved ones, and habits). */
const PRIVATE_NAMES = /(^|\.)(localhost|localdomain|local|internal|intranet|private|lan|home|corp|home\.arpa|onion)$/;

/**
 * Why this server fetches nothing from a URL; `undefined` when it may. The name
 * alone is looked at here, its addresses when it is fetched. Any port may be
 * named; without one it is 443.
 */
export function publicUrlProblem(text: string): string | undefined {
  if (text.length > LONGEST) return `is longer than ${LONGEST} characters`;
  // As a parser writes it: so no dot segments, decimal or octal hosts, capitals, default ports or unicode.
  if (!URL.canParse(text) || new URL(text).href !== text) return 'is not a URL in its canonical form';
  const url = new URL(text);
  if (url.protocol !== 'https:') return 'is not an https URL';
  if (url.username || url.password) return 'has user information';
  if (text.includes('#')) return 'has a fragment';
  const { hostname } = url;
  if (isIPv4(hostname) || hostname.startsWith('[')) return 'has an IP address as its host';
  if (!hostname.includes('.') || hostname.endsWith('.') || PRIVATE_NAMES.test(hostname)) return 'has no public host';
  return undefined;
}

/**
 * Why a URL is no client id (draft-ietf-oauth-client-id-metadata-document,
 * "Client Identifier URL"). The draft advises against a query; here it is
 * refused, for with one many a site can be made to say what it does not mean.
 */
export function documentUrlProblem(id: string): string | undefined {
  const problem = publicUrlProblem(id);
  if (problem) return problem;
  if (id.includes('?')) return 'has a query';
  return new URL(id).pathname === '/' ? 'has no path' : undefined;
}

/** Whether a client id is meant as a document's URL. */
export function namesDocument(id: string): boolean {
  return /^https?:\/\//i.test(id);
}
