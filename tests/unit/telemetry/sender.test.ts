import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../../src/log.ts';
import { openApplicationInsights } from '../../../src/telemetry/application-insights.ts';
import type { Envelope } from '../../../src/telemetry/exporters.ts';
import { createSender, type SenderOptions } from '../../../src/telemetry/sender.ts';

/** A collector: answers with the next of these, then with 200. */
const answers: number[] = [];
const requests: { url: string | undefined; authorization: string | undefined; items: Envelope[] }[] = [];
const collector = createServer(async (incoming: IncomingMessage, outgoing) => {
  const body = await buffer(incoming);
  requests.push({
    url: incoming.url,
    authorization: incoming.headers.authorization,
    items: JSON.parse(gunzipSync(body).toString()),
  });
  const status = answers.shift() ?? 200;
  outgoing.writeHead(status, status === 307 ? { location: '/elsewhere' } : {}).end('{}');
});
await new Promise<void>(resolve => collector.listen(0, '127.0.0.1', resolve));
afterAll(() => collector.close());

const lines: string[] = [];
const pauses: number[] = [];
const options: SenderOptions = {
  instrumentationKey: '11111111-2222-3333-4444-555555555555',
  endpoint: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  fetch: globalThis.fetch,
  wait: async ms => pauses.push(ms),
  log: createLogger('debug', (_level, line) => lines.push(line)),
};
const item: Envelope = {
  name: 'one',
  time: '2026-01-01T00:00:00.000Z',
  sampleRate: 100,
  iKey: options.instrumentationKey,
  tags: {},
  ver: 1,
  data: { baseType: 'MetricData', baseData: {} },
};

beforeEach(() => {
  for (const list of [answers, requests, lines, pauses]) list.length = 0;
});

test('items are posted in one piece, with the identity’s token', async () => {
  const send = createSender({ ...options, token: async () => 'of the identity' });
  expect(await send([item, item])).toBe(true);
  expect(requests).toEqual([{ url: '/v2.1/track', authorization: 'Bearer of the identity', items: [item, item] }]);
  await createSender(options)([item]);
  expect(requests[1]?.authorization).toBeUndefined();
  expect(await createSender(options)([])).toBe(true);
  expect(requests).toHaveLength(2);
});

test.each([401, 403, 408, 429, 439, 500, 502, 503, 504])('after %i it tries again', async status => {
  answers.push(status, status);
  expect(await createSender(options)([item])).toBe(true);
  expect(requests).toHaveLength(3);
  expect(pauses).toEqual([1000, 4000]);
});

test('three tries, then items are lost; the log tells of the first and of the end', async () => {
  const send = createSender(options);
  answers.push(...Array<number>(6).fill(503));
  expect(await send([item])).toBe(false);
  expect(await send([item])).toBe(false);
  expect(requests).toHaveLength(6);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'telemetry not sent', items: 1, reason: 'status 503' });
  expect(await send([item])).toBe(true);
  expect(lines[1]).toContain('telemetry is sent again');
});

test.each([400, 404])('after %i it does not try again', async status => {
  answers.push(status);
  expect(await createSender(options)([item])).toBe(false);
  expect(requests).toHaveLength(1);
});

test('no redirect is followed: the token would go along', async () => {
  answers.push(307, 307, 307);
  expect(await createSender({ ...options, token: async () => 'secret' })([item])).toBe(false);
  expect(requests.map(({ url }) => url)).toEqual(Array(3).fill('/v2.1/track'));
});

test('a collector that does not answer, or a token that cannot be had, fails nothing', async () => {
  const nobody = createSender({ ...options, endpoint: 'http://127.0.0.1:9' });
  expect(await nobody([item])).toBe(false);
  const noToken = createSender({
    ...options,
    token: async () => {
      throw new Error('no identity here');
    },
  });
  expect(await noToken([item])).toBe(false);
  expect(requests).toEqual([]);
});

test('spans and counters arrive with the names they were given', async () => {
  let drawn = 0;
  const sink = openApplicationInsights({
    ...options,
    role: 'mcp-test',
    version: '1.2.3',
    random: length => new Uint8Array(length).fill(++drawn),
  });
  const times = { startedAt: Date.UTC(2026, 0, 1), endedAt: Date.UTC(2026, 0, 1, 0, 0, 2), failed: false };
  const traceId = 'ab'.repeat(16);
  sink.span({ name: 'mcp', traceId, ...times, sampleRate: 25, attributes: { status: 200 } });
  sink.span({ name: 'token', traceId, parentSpanId: 'cd'.repeat(8), ...times, sampleRate: 100, attributes: {} });
  sink.span({ name: 'sign-in', traceId, spanId: 'cd'.repeat(8), ...times, sampleRate: 100, attributes: {} });
  sink.span({ name: 'failed', traceId, ...times, failed: true, sampleRate: 100, attributes: {} });
  sink.count('sign_ins', 'client');
  sink.count('sign_ins', 'client');
  sink.count('purges');
  await sink.flush();
  await sink.flush();

  const items = requests.flatMap(request => request.items);
  const spans = items.filter(({ name }) => name.endsWith('RemoteDependency'));
  expect(spans.map(({ tags, sampleRate, data: { baseData } }) => [baseData.name, sampleRate, tags])).toEqual(
    ['mcp', 'token', 'sign-in', 'failed'].map(name => [
      name,
      name === 'mcp' ? 25 : 100,
      expect.objectContaining({ 'ai.operation.id': traceId, 'ai.cloud.role': 'mcp-test' }),
    ]),
  );
  const [mcp, token, signin, failed] = spans;
  expect(mcp?.data.baseData).toMatchObject({ duration: '00:00:02.000', success: true, properties: { status: '200' } });
  expect(mcp?.tags).not.toHaveProperty(['ai.operation.parentId']);
  expect(token?.tags['ai.operation.parentId']).toBe('cd'.repeat(8));
  expect(signin?.data.baseData.id).toBe('cd'.repeat(8));
  expect(mcp?.data.baseData.id).not.toBe(token?.data.baseData.id);
  expect(failed?.data.baseData.success).toBe(false);
  const counted = items.filter(({ name }) => name.endsWith('Metric')).map(({ data: { baseData } }) => baseData);
  expect(counted.map(({ metrics, properties }) => [metrics, properties])).toEqual([
    [[{ name: 'sign_ins', kind: 'Aggregation', value: 2, count: 1 }], { kind: 'client' }],
    [[{ name: 'purges', kind: 'Aggregation', value: 1, count: 1 }], {}],
  ]);
});
