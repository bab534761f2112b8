import { isLoopbackHost } from '../../http/loopback.ts';

/** Redirect URIs: which may be registered, and which of a request match (RFC 8252, RFC 9700 section 4.1). */

/** Schemes of native clients that people use; others are refused. */
const PRIVATE_USE_SCHEMES = new Set([
  'cursor:',
  'vscode:',
  'vscode-insiders:',
  'vscodium:',
  'windsurf:',
  'zed:',
  'claude:',
  'raycast:',
  'warp:',
]);

const LONGEST = 2_000;

/** Why a redirect URI may not be registered; `undefined` when it may. */
export function redirectUriProblem(uri: string): string | undefined {
  if (uri.length > LONGEST) return `is longer than ${LONGEST} characters`;
  // What a parser would repair is not compared as it was written: refuse it.
  if (!/^[\x21-\x7e]+$/.test(uri) || /[\\"<>^`{|}]/.test(uri) || !URL.canParse(uri)) return 'is not an absolute URI';
  const url = new URL(uri);
  if (uri.includes('#')) return 'has a fragment';
  if (url.username || url.password) return 'has user information';
  if (/%2e/i.test(uri.split('?')[0] ?? '') || /\/\.\.?(\/|$)/.test(uri.split('?')[0] ?? '')) return 'has dot segments';
  if (PRIVATE_USE_SCHEMES.has(url.protocol)) return undefined;
  if (url.protocol === 'https:')
    return uri.startsWith(`https://${url.host}`) ? undefined : 'is not written canonically';
  if (url.protocol !== 'http:') return `has the scheme ${url.protocol.slice(0, -1)}, which is not known here`;
  if (!isLoopbackHost(url.hostname)) return 'is http on another host than this machine';
  return uri.startsWith(`http://${url.hostname}`) ? undefined : 'is not written canonically';
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
  if (redirectUriProblem(uri)) return false;
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
