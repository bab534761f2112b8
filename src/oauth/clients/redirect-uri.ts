import { isLoopbackHost } from '../../http/loopback.ts';
import { BROWSER_SCHEMES } from '../../setting-values.ts';

/** Redirect URIs: which may be registered, and which of a request match (RFC 8252, RFC 9700 section 4.1). */

/** Schemes of native clients that people use, without the colon. */
const PRIVATE_USE_SCHEMES = [
  'cursor',
  'vscode',
  'vscode-insiders',
  'vscodium',
  'windsurf',
  'zed',
  'claude',
  'raycast',
  'warp',
];

/** A domain name turned round, and one slash at least (RFC 8252 section 7.1): nobody else's app takes it by accident. */
const REVERSE_DOMAIN_URI = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:\//;

const LONGEST = 2_000;

/**
 * Why a redirect URI may not be registered; `undefined` when it may.
 *
 * @param furtherSchemes of native clients, without the colon, besides the known
 *   ones and reverse domain names
 */
export function redirectUriProblem(uri: string, furtherSchemes: readonly string[] = []): string | undefined {
  const problem = problemAsWritten(uri);
  if (problem) return problem;
  const scheme = schemeOf(uri);
  if (scheme === 'https' || scheme === 'http' || REVERSE_DOMAIN_URI.test(uri)) return undefined;
  if (PRIVATE_USE_SCHEMES.includes(scheme) || furtherSchemes.includes(scheme)) return undefined;
  return `has the scheme ${scheme}, which is not known here`;
}

/** Why nobody is ever sent to a URI, whoever says that it may be used. */
function problemAsWritten(uri: string): string | undefined {
  if (uri.length > LONGEST) return `is longer than ${LONGEST} characters`;
  // What a parser would repair is not compared as it was written: refuse it.
  if (!/^[\x21-\x7e]+$/.test(uri) || /[\\"<>^`{|}]/.test(uri) || !URL.canParse(uri)) return 'is not an absolute URI';
  const url = new URL(uri);
  if (uri.includes('#')) return 'has a fragment';
  if (url.username || url.password || /^[^/?]*\/\/[^/?]*@/.test(uri)) return 'has user information';
  if (DOT_SEGMENT.test(uri.split('?')[0] ?? '')) return 'has dot segments';
  const scheme = schemeOf(uri);
  if (BROWSER_SCHEMES.has(scheme) && scheme !== 'https' && scheme !== 'http') {
    return `has the scheme ${scheme}, which no client has`;
  }
  if (scheme === 'http' && !isLoopbackHost(url.hostname)) return 'is http on another host than this machine';
  const beginning = scheme === 'https' || scheme === 'http' ? `${scheme}://${url.hostname}` : `${scheme}:`;
  return uri.startsWith(beginning) ? undefined : 'is not written canonically';
}

/** Encoded or not, between slashes that are encoded or not. */
const DOT_SEGMENT = /%2e|(\/|%2f|%5c)\.\.?(\/|%2f|%5c|$)/i;

function schemeOf(uri: string): string {
  return new URL(uri).protocol.slice(0, -1);
}

/** Whether a URI leads back to the very machine of the person, over http. */
export function isLoopbackUri(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const url = new URL(uri);
  return url.protocol === 'http:' && isLoopbackHost(url.hostname);
}

/** Whether a URI leads to the person's own machine, by whatever scheme: any program there could be its client. */
export function leadsToThisMachine(uri: string): boolean {
  const url = new URL(uri);
  return (url.protocol === 'http:' || url.protocol === 'https:') && isLoopbackHost(url.hostname);
}

/** Whether a redirect URI opens a program on the person's own machine, by loopback or a private-use scheme, and no website. */
export function opensProgram(uri: string): boolean {
  return !uri.startsWith('https:') || leadsToThisMachine(uri);
}

/** A loopback URI without its port, which a native client picks anew each time (RFC 8252 section 7.3); others as they are. */
export function withoutLoopbackPort(uri: string): string {
  return isLoopbackUri(uri) ? uri.replace(/^(http:\/\/(?:\[[^\]]*\]|[^/?:[\]]*)):\d*/, '$1') : uri;
}

/** Whether a request's redirect URI is one of the registered ones: the same text, a loopback URI's port aside. */
export function matchesRegistered(uri: string, registered: readonly string[]): boolean {
  if (problemAsWritten(uri)) return false;
  const comparable = withoutLoopbackPort(uri);
  return registered.some(each => withoutLoopbackPort(each) === comparable);
}

/** What the consent page shows as the place that the person is sent back to. */
export function redirectHost(uri: string): string {
  const url = new URL(uri);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.hostname : `${url.protocol.slice(0, -1)} (an app)`;
}

/** Adds parameters to a redirect URI, whose own query stays as it was registered (RFC 6749 section 3.1.2). */
export function redirectTo(uri: string, parameters: Record<string, string | undefined>): string {
  const added = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) added.append(name, value);
  const separator = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&';
  return `${uri}${separator}${added}`;
}
