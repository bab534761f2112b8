import { expect, test } from 'vitest';
import { healthEndpoint, probeKeys, readinessEndpoint } from '../../src/health.ts';
import type { RequestContext } from '../../src/http/endpoint.ts';
import { createLogger } from '../../src/log.ts';

const context: RequestContext = { correlationId: 'a'.repeat(32), log: createLogger('error', () => {}) };
const request = new Request('https://mcp.example/health/ready');
const read = async (response: Response) => [response.status, await response.json()];

test('alive asks nobody', async () => {
  expect(await read(await healthEndpoint('1.2.3')(request, context))).toEqual([
    200,
    { status: 'ok', version: '1.2.3' },
  ]);
});

test('ready when every part answers', async () => {
  const ready = readinessEndpoint({
    parts: { storage: async () => true, keys: async () => true },
    version: '1.2.3',
    now: () => 0,
  });
  const body = { status: 'ready', version: '1.2.3', storage: 'ok', keys: 'ok' };
  expect(await read(await ready(request, context))).toEqual([200, body]);
});

test('a part that says no, fails or takes too long is named, with no reason', async () => {
  const ready = readinessEndpoint({
    parts: {
      storage: async () => false,
      keys: async () => {
        throw new Error('a secret of the operator');
      },
      entra: () => new Promise<boolean>(() => {}),
      other: async () => true,
    },
    version: '1.2.3',
    now: () => 0,
    timeoutMs: 5,
  });
  const response = await ready(request, context);
  expect(response.headers.get('retry-after')).toBe('10');
  expect(await read(response)).toEqual([
    503,
    {
      status: 'not ready',
      version: '1.2.3',
      storage: 'unavailable',
      keys: 'unavailable',
      entra: 'unavailable',
      other: 'ok',
    },
  ]);
});

test('however many ask, the parts are asked once in ten seconds', async () => {
  let asked = 0;
  let works = false;
  let now = 1_000_000;
  const parts = {
    storage: async () => {
      asked += 1;
      return works;
    },
  };
  const ready = readinessEndpoint({ parts, version: '1', now: () => now });
  const ask = () => ready(request, context);
  const first = await Promise.all(Array.from({ length: 20 }, ask));
  expect(first.map(({ status }) => status)).toEqual(Array(20).fill(503));
  works = true;
  now += 9_999;
  expect((await ask()).status).toBe(503);
  expect(asked).toBe(1);
  now += 1;
  expect((await ask()).status).toBe(200);
  expect(asked).toBe(2);
});

test('keys are there when they can be read, and no redirect is followed', async () => {
  const asked: RequestInit[] = [];
  const answering =
    (status: number, body = '{"keys":[]}'): typeof fetch =>
    async (_url, init) => {
      asked.push(init ?? {});
      return new Response(body, { status });
    };
  expect(await probeKeys('https://login.example/keys', answering(200))()).toBe(true);
  expect(await probeKeys('https://login.example/keys', answering(404))()).toBe(false);
  expect(await probeKeys('https://login.example/keys', answering(200, '{}'))()).toBe(false);
  expect(asked.every(({ redirect, signal }) => redirect === 'error' && signal)).toBe(true);
});
