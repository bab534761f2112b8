import { expect, test } from 'vitest';
import { type AddressLimit, createLimits } from '../../../src/oauth/limits.ts';

const NOW = 1_800_000_000_000;

function setUp(trustedProxyHops = 1) {
  const clock = { now: NOW };
  return { clock, limits: createLimits({ trustedProxyHops, now: () => clock.now }) };
}

function from(address: string | undefined): Request {
  return new Request('https://app.example/', { headers: address ? { 'x-forwarded-for': address } : {} });
}

/** How many get through of many that ask at once. */
function burst(limit: AddressLimit, address: string | undefined, asked = 5_000): number {
  return Array.from({ length: asked }, () => limit.take(from(address))).filter(taken => taken.ok).length;
}

test('one address gets 30 registrations an hour and 60 sign-ins a minute, and takes them from nobody else', () => {
  const { limits } = setUp();
  expect(burst(limits.registrations, '203.0.113.7')).toBe(30);
  expect(burst(limits.signins, '203.0.113.7')).toBe(60);
  expect(burst(limits.registrations, '203.0.113.8:443')).toBe(30);
  expect(burst(limits.registrations, '203.0.113.8:444')).toBe(0);
});

test('all IPv6 networks of one site together get as much as four addresses, and take it from no other site', () => {
  const { clock, limits } = setUp();
  const site = () => Array.from({ length: 10 }, (_, i) => burst(limits.registrations, `2001:db8:1:${i}::7`, 30));
  expect(site()).toEqual([30, 30, 30, 30, 0, 0, 0, 0, 0, 0]);
  expect(burst(limits.registrations, '[2001:db8:2:4::7]:443')).toBe(30);
  // What the site's limit refuses is not counted of the network.
  clock.now += 3_600_000;
  expect(burst(limits.registrations, '2001:db8:1:9::7')).toBe(30);
});

test('all addresses together get 1,000 registrations an hour', () => {
  const { clock, limits } = setUp();
  const passed = Array.from({ length: 100 }, (_, i) => burst(limits.registrations, `203.0.113.${i}`, 30));
  expect(passed.reduce((sum, each) => sum + each)).toBe(1_000);
  // What the limit over all refuses is not counted of the address.
  clock.now += 3_600_000;
  expect(burst(limits.registrations, '203.0.113.99')).toBe(30);
});

test.each([
  ['no proxy is trusted', '203.0.113.7', 0],
  ['there is no address', undefined, 1],
  ['the address is none', 'unknown', 1],
])('where %s, all share the limit over all and lock no other address out', (_why, address, hops) => {
  const { limits } = setUp(hops);
  expect(burst(limits.registrations, address, 900)).toBe(900);
  expect(burst(limits.signins, address, 2_900)).toBe(2_900);
  if (hops === 1) expect(burst(limits.registrations, '203.0.113.8')).toBe(30);
});

test('what is given back is given back to the address and to all', () => {
  const { limits } = setUp();
  for (let i = 0; i < 2_000; i++) {
    expect(limits.registrations.take(from('203.0.113.7')).ok).toBe(true);
    limits.registrations.giveBack(from('203.0.113.7'));
    expect(limits.registrations.take(from('2001:db8:1:2::7')).ok).toBe(true);
    limits.registrations.giveBack(from('2001:db8:1:2::7'));
  }
});
