import { isIPv4, isIPv6 } from 'node:net';

/** What stands for the address where none is known. */
export const UNKNOWN_ADDRESS = 'unknown';

/**
 * The address that a request came from, for rate limits and nothing else: what
 * it says is as good as the proxies that are trusted. Only here is the header
 * `X-Forwarded-For` read.
 *
 * @param trustedHops how many proxies have added an entry at its end; Azure's
 *   front end is one, and adds `address:port`. 0: nobody's word is taken
 * @returns an IPv4 address; an IPv6 network of 64 bits, for one customer has all
 *   of its addresses; {@link UNKNOWN_ADDRESS} when there is none
 */
export function clientAddress(request: Request, trustedHops: number): string {
  if (trustedHops === 0) return UNKNOWN_ADDRESS;
  const entry = request.headers.get('x-forwarded-for')?.split(',').at(-trustedHops)?.trim();
  return entry === undefined ? UNKNOWN_ADDRESS : (group(withoutPort(entry)) ?? UNKNOWN_ADDRESS);
}

/**
 * The wider IPv6 network of 48 bits that an address of {@link clientAddress} lies
 * in: a whole one is given to whoever asks a provider for it, 65,536 of 64 bits
 * each. `undefined` for any other address.
 */
export function siteOf(address: string): string | undefined {
  const [, site] = /^((?:[0-9a-f]+:){3})[0-9a-f]+::\/64$/.exec(address) ?? [];
  return site && `${site}:/48`;
}

/** `1.2.3.4:5`, `[::1]:5` or either without a port; a bare IPv6 address has none. */
function withoutPort(entry: string): string {
  return /^\[(.+)\](?::\d{1,5})?$/.exec(entry)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry;
}

function group(address: string): string | undefined {
  if (isIPv4(address)) return address;
  // An address with a zone is none that another machine could have.
  if (!isIPv6(address) || address.includes('%')) return undefined;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 5).every(each => each === 0) && groups[5] === 0xffff;
  if (isMapped)
    return groups
      .slice(6)
      .flatMap(each => [each >> 8, each & 255])
      .join('.');
  return `${groups
    .slice(0, 4)
    .map(each => each.toString(16))
    .join(':')}::/64`;
}

/** The eight groups of an IPv6 address, in whichever of its forms it is written. */
function groupsOf(address: string): number[] {
  // A URL's host is written with hexadecimal groups only.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const read = (text: string) => (text === '' ? [] : text.split(':').map(each => Number.parseInt(each, 16)));
  if (tail === undefined) return read(head);
  const [before, after] = [read(head), read(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
