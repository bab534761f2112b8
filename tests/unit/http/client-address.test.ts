import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientAddress, siteOf, UNKNOWN_ADDRESS } from '../../../src/http/client-address.ts';

const from = (forwarded: string | undefined, hops: number, headers: Record<string, string> = {}) =>
  clientAddress(
    new Request('https://app.example/', {
      headers: { ...headers, ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }) },
    }),
    hops,
  );

describe('the address that a request came from', () => {
  test.each([
    ['203.0.113.7', 1, '203.0.113.7'],
    ['203.0.113.7:51234', 1, '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7:51234', 1, '203.0.113.7'],
    ['198.51.100.1,203.0.113.7:51234,10.0.0.1:80', 2, '203.0.113.7'],
    ['[2001:db8:1:2:3:4:5:6]:51234', 1, '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::6]', 1, '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', 1, '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::ffff', 1, '2001:db8:1:2::/64'],
    ['2001:db8::1', 1, '2001:db8:0:0::/64'],
    ['::1', 1, '0:0:0:0::/64'],
    ['::ffff:203.0.113.7', 1, '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', 1, '203.0.113.7'],
    ['::ffff:cb00:7107', 1, '203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107', 1, '203.0.113.7'],
  ])('%s counted %i from the end is %s', (forwarded, hops, expected) => {
    expect(from(forwarded, hops)).toBe(expected);
  });

  test.each([
    ['203.0.113.7', 0],
    [undefined, 1],
    ['', 1],
    ['203.0.113.7', 2],
    ['203.0.113.7,', 1],
    ['unknown', 1],
    ['203.0.113', 1],
    ['203.0.113.256', 1],
    ['0x7f.1', 1],
    ['203.0.113.7:', 1],
    ['203.0.113.7:1:2', 1],
    ['fe80::1%eth0', 1],
    ['[::1', 1],
    ['[::1]x', 1],
    ['for=203.0.113.7', 1],
    ['"203.0.113.7"', 1],
  ])('%s counted %i from the end is none', (forwarded, hops) => {
    expect(from(forwarded, hops)).toBe(UNKNOWN_ADDRESS);
  });

  test.each([
    ['2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['0:0:0:0::/64', '0:0:0::/48'],
    ['203.0.113.7', undefined],
    [UNKNOWN_ADDRESS, undefined],
  ])('%s lies in the site %s', (address, site) => {
    expect(siteOf(address)).toBe(site);
  });

  test('what the sender put before the trusted entry, or into other headers, changes nothing', () => {
    const headers = {
      forwarded: 'for=192.0.2.1',
      'x-real-ip': '192.0.2.1',
      'x-client-ip': '192.0.2.1',
      x_forwarded_for: '192.0.2.1',
      'x-azure-clientip': '192.0.2.1',
      'client-ip': '192.0.2.1',
    };
    expect(from('192.0.2.1, 192.0.2.2, 203.0.113.7:1', 1, headers)).toBe('203.0.113.7');
    expect(from(undefined, 1, headers)).toBe(UNKNOWN_ADDRESS);
  });

  test('all addresses of one IPv6 network are one, and nothing makes it throw', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map(value => value.toString(16));
    fc.assert(
      fc.property(fc.array(group, { minLength: 4, maxLength: 4 }), fc.ipV6(), fc.string(), (host, other, text) => {
        expect(from(`2001:db8:a:b:${host.join(':')}`, 1)).toBe('2001:db8:a:b::/64');
        expect(from(other, 1)).toMatch(/^([0-9a-f:]+::\/64|[\d.]+)$/);
        const value = text.replace(/[^\x20-\x7e]/g, '');
        expect(from(value, 1)).toEqual(expect.any(String));
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
