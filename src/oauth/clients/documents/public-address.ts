import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Ranges of IPv4 that no public host has (IANA's special-purpose registry), and one of Azure's own. */
const NOT_PUBLIC: readonly [network: string, prefix: number][] = [
  ['0.0.0.0', 8], // this host
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // Azure's platform, as each of its machines sees it
  ['169.254.0.0', 16], // link-local, with the clouds' metadata services
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
];

/**
 * The one range of IPv6 that public hosts have. Outside of it lie loopback,
 * unspecified, IPv4-mapped and -compatible, both NAT64 prefixes, unique-local,
 * link-local, site-local, discard-only and multicast addresses.
 */
const GLOBAL_UNICAST: [network: string, prefix: number] = ['2000::', 3];

/** What of it is not public. */
const NOT_PUBLIC_6: readonly [network: string, prefix: number][] = [
  ['2001::', 23], // protocol assignments: Teredo, benchmarks, ORCHID
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation
];

const refused4 = new BlockList();
for (const [network, prefix] of NOT_PUBLIC) refused4.addSubnet(network, prefix, 'ipv4');
const unicast6 = new BlockList();
unicast6.addSubnet(...GLOBAL_UNICAST, 'ipv6');
const refused6 = new BlockList();
for (const [network, prefix] of NOT_PUBLIC_6) refused6.addSubnet(network, prefix, 'ipv6');

/** Whether an IP address is one of the public internet; what is no address is not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refused4.check(address, 'ipv4');
  // A zone (`%eth0`) names an interface of this machine.
  if (!isIPv6(address) || address.includes('%')) return false;
  return unicast6.check(address, 'ipv6') && !refused6.check(address, 'ipv6');
}
