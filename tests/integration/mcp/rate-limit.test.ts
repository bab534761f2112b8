import { describe, expect, test } from 'vitest';
import { call, grace, post, RESOURCE, startProtectedResource } from '../../support/protected-resource.ts';

/** No test here needs storage. */
const nowhere = {
  connectionString: 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:1/a;',
};
const sum = call('calculate_sum', { numbers: [1, 2] });
const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' });
const batch = (length: number) => Array.from({ length }, (_, i) => ping(i));
/** The only revision that has batches. */
const old = { 'mcp-protocol-version': '2025-03-26' };

/** An endpoint that one person may send five messages a minute to. */
async function setUp(requestsPerMinute = 5) {
  const resource = await startProtectedResource(nowhere, { requestsPerMinute });
  const token = await resource.token();
  const send = async (body: unknown = sum, as = token, headers: Record<string, string> = {}) => {
    const response = await post(resource, as, body, headers);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const statuses = async (count: number, as = token) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await send(sum, as)).status);
    return all;
  };
  return { resource, token, send, statuses };
}

describe('a limit of five messages a minute', () => {
  test('refuses the sixth, says when to come again, and keeps that word', async () => {
    const { resource, send, statuses } = await setUp();
    expect(await statuses(5)).toEqual([200, 200, 200, 200, 200]);
    const refused = await send(sum, undefined, { origin: 'https://app.example' });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('12');
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
    expect(refused.headers.get('access-control-expose-headers')).toContain('Retry-After');
    expect(JSON.parse(refused.text)).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, message: 'You may send 5 messages a minute. Try again in 12 seconds.' },
    });
    resource.clock.now += 12_000;
    expect(await statuses(2)).toEqual([200, 429]);
  });

  test('is one for all tokens and clients of a person, and another person has their own', async () => {
    const { resource, statuses } = await setUp();
    const mine = await resource.token({ clientId: 'another', grantId: 'another', tokenId: 'another' });
    const hers = await resource.token({ person: grace });
    expect(await statuses(5)).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(1, mine)).toEqual([429]);
    expect(await statuses(1, hers)).toEqual([200]);
  });

  test('counts nobody before their token is known to be good', async () => {
    const { resource, token, statuses } = await setUp();
    const expired = await resource.token({ expiresAt: resource.clock.now / 1000 - 600 });
    for (let i = 0; i < 10; i++) {
      expect((await post(resource, expired, sum)).status).toBe(401);
      expect((await post(resource, `${token.slice(0, -4)}AAAA`, sum)).status).toBe(401);
    }
    expect(await statuses(1)).toEqual([200]);
  });

  test('refuses before the body is read', async () => {
    const { resource, token, statuses } = await setUp();
    await statuses(5);
    let pulled = 0;
    const body = new ReadableStream(
      {
        pull() {
          pulled += 1;
        },
      },
      { highWaterMark: 0 },
    );
    const response = await resource.fetch(RESOURCE, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit);
    expect([response.status, pulled]).toEqual([429, 0]);
  });

  test('counts each message of a batch, and an empty one as one', async () => {
    const { resource, send, statuses } = await setUp();
    expect((await send(batch(4), undefined, old)).status).toBe(200);
    const refused = await send(batch(4), undefined, old);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '36']);
    resource.clock.now += 36_000;
    expect((await send(batch(3), undefined, old)).status).toBe(200);
    resource.clock.now += 60_000;
    for (let i = 0; i < 5; i++) expect((await send([], undefined, old)).status).toBe(400);
    expect(await statuses(1)).toEqual([429]);
  });

  test('does not count what opens nothing', async () => {
    const { resource, token, statuses } = await setUp();
    const headers = { authorization: `Bearer ${token}` };
    for (let i = 0; i < 10; i++) expect((await resource.fetch(RESOURCE, { headers })).status).toBe(405);
    expect(await statuses(1)).toEqual([200]);
  });
});

test('0 is no limit', async () => {
  const { statuses } = await setUp(0);
  expect(new Set(await statuses(200))).toEqual(new Set([200]));
});
