import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { tokenExchangeAudience } from '../../../src/entra/managed-identity.ts';
import { createTenantKeys, type TenantKeys } from '../../../src/entra/tenant-keys.ts';
import { issuerOf, isTenantAllowed } from '../../../src/entra/tenants.ts';
import { UnavailableError } from '../../../src/http/errors.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const pair = await generateKeyPair('RS256', { extractable: true });
const key = (kid: string, members: object = {}): Promise<JWK> =>
  exportJWK(pair.publicKey).then(jwk => ({ ...jwk, ...members, kid, alg: 'RS256' }));
const sign = (kid: string) =>
  new SignJWT({ tid: 't' }).setProtectedHeader({ alg: 'RS256', kid }).setExpirationTime(NOW).sign(pair.privateKey);

let published: { keys: unknown[] } | 'down' | 'garbage';
let fetched: number;
let time: number;
let keys: TenantKeys;
beforeEach(async () => {
  published = { keys: [await key('a')] };
  fetched = 0;
  time = NOW;
  const fetch = async () => {
    fetched += 1;
    if (published === 'down') throw new TypeError('fetch failed');
    return new Response(published === 'garbage' ? '<html>' : JSON.stringify(published));
  };
  keys = createTenantKeys('https://entra.example/keys', fetch, () => time);
});

const verify = async (kid: string) => keys.verify(await sign(kid), { currentDate: new Date(NOW - 60_000) });

describe('the keys of a tenant', () => {
  test('are fetched once for all who wait, and again after an hour', async () => {
    await Promise.all([verify('a'), verify('a'), verify('a')]);
    expect(fetched).toBe(1);
    time += 3_600_000;
    await verify('a');
    expect(fetched).toBe(2);
  });

  test('are fetched again for an unknown key, at most once in five minutes, however many come', async () => {
    await verify('a');
    published = { keys: [await key('a'), await key('b')] };
    for (let i = 0; i < 1_000; i += 1) await expect(verify('b')).rejects.toThrow();
    expect(fetched).toBe(1);
    time += 300_000;
    await verify('b');
    for (let i = 0; i < 100; i += 1) await expect(verify(`unknown ${i}`)).rejects.toThrow();
    expect(fetched).toBe(2);
  });

  test.each(['down', 'garbage'] as const)('stay in use while Entra is %s', async state => {
    await verify('a');
    published = state;
    time += 24 * 3_600_000;
    await verify('a');
    expect(fetched).toBe(2);
    await expect(verify('b')).rejects.not.toBeInstanceOf(UnavailableError);
  });

  test.each(['down', 'garbage'] as const)('that were never there are an outage while Entra is %s', async state => {
    published = state;
    await expect(verify('a')).rejects.toBeInstanceOf(UnavailableError);
  });

  test.each([
    ['none', []],
    ['something else', ['hello', null]],
    ['a key of no form', [{ kid: 'a', kty: 'RSA', alg: 'RS256', n: 'hello' }]],
  ])('are an outage while Entra publishes %s', async (_what, garbage) => {
    published = { keys: garbage };
    await expect(verify('a')).rejects.toBeInstanceOf(UnavailableError);
  });

  test.each([
    ['none', []],
    ['something else', ['hello', null]],
  ])('stay in use while Entra publishes %s', async (_what, garbage) => {
    await verify('a');
    published = { keys: garbage };
    time += 3_600_000;
    await verify('a');
    expect(fetched).toBe(2);
  });

  test('tell to which issuer a key is tied', async () => {
    published = { keys: [await key('a', { issuer: 'https://entra.example/{tenantid}/v2.0' })] };
    expect((await verify('a')).keyIssuer).toBe('https://entra.example/{tenantid}/v2.0');
  });
});

test.each([
  ['https://login.microsoftonline.com', 'https://login.microsoftonline.com/tid/v2.0'],
  ['https://login.microsoftonline.us', 'https://login.microsoftonline.us/tid/v2.0'],
  ['https://login.partner.microsoftonline.cn', 'https://login.partner.microsoftonline.cn/tid/v2.0'],
  ['https://contoso.ciamlogin.com', 'https://tid.ciamlogin.com/tid/v2.0'],
])('the issuer under %s', (host, issuer) => {
  expect(issuerOf(host, 'tid')).toBe(issuer);
});

test('nobody is let in where the many tenants are not named', () => {
  expect(isTenantAllowed({ tenantId: 'organizations' }, 'tid')).toBe(false);
});

test.each([
  ['https://login.microsoftonline.com', 'api://AzureADTokenExchange'],
  ['https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov'],
  ['https://login.partner.microsoftonline.cn', 'api://AzureADTokenExchangeChina'],
])('what a federated credential is for under %s', (host, audience) => {
  expect(tokenExchangeAudience(host)).toBe(audience);
});
