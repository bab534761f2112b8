/** What leaves has the form that Azure's own exporter gives it. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test, vi } from 'vitest';
import { createMetricExporter, createSpanExporter } from '../../../src/telemetry/exporters.ts';
import type { Send } from '../../../src/telemetry/sender.ts';

// Else Azure's exporter would tell its maker about itself.
vi.stubEnv('APPLICATION_INSIGHTS_NO_STATSBEAT', '1');
// And add an item on the resource to every batch.
vi.stubEnv('APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED', 'true');
const { AzureMonitorMetricExporter, AzureMonitorTraceExporter } = await import('@azure/monitor-opentelemetry-exporter');

const KEY = '11111111-2222-3333-4444-555555555555';
const resource = resourceFromAttributes({
  'service.name': 'mcp-test',
  'service.version': '1.2.3',
  'service.instance.id': 'one',
});

type Json = Record<string, unknown> & { tags: Record<string, string> };

/** Runs one of our exporters, and gives what it would send. */
async function ours<T>(exporter: (send: Send) => Exporter<T>, items: T): Promise<Json[]> {
  let sent = '[]';
  const send: Send = async envelopes => {
    sent = JSON.stringify(envelopes);
    return true;
  };
  await exported(exporter(send), items);
  return comparable(sent);
}

/** The same for Azure's. */
async function azures<T>(exporter: (options: object) => Exporter<T> & { shutdown(): Promise<void> }, items: T) {
  const bodies: string[] = [];
  const httpClient = {
    sendRequest: async (request: { body?: unknown; headers: unknown }) => {
      bodies.push(await plainText(request.body));
      return { request, status: 200, headers: request.headers, bodyAsText: '{"itemsReceived":1,"itemsAccepted":1}' };
    },
  };
  const made = exporter({
    connectionString: `InstrumentationKey=${KEY};IngestionEndpoint=https://insights.invalid`,
    disableOfflineStorage: true,
    httpClient,
  });
  await exported(made, items);
  await made.shutdown();
  return comparable(bodies[0] ?? '[]');
}

interface Exporter<T> {
  export(items: T, done: (result: { code: number }) => void): void;
}

const exported = <T>(exporter: Exporter<T>, items: T) =>
  new Promise<void>((resolve, reject) =>
    exporter.export(items, ({ code }) => (code === 0 ? resolve() : reject(new Error('not exported')))),
  );

async function plainText(body: unknown): Promise<string> {
  if (typeof body === 'string') return body;
  const { gunzipSync } = await import('node:zlib');
  return gunzipSync(body as Uint8Array).toString();
}

/** Without the library's own name, which differs, and without a counter's time, which is now. */
function comparable(text: string): Json[] {
  return (JSON.parse(text) as Json[]).map(({ time, ...item }) => {
    const { 'ai.internal.sdkVersion': _library, ...tags } = item.tags;
    return { ...item, tags, ...(String(item.name).endsWith('Metric') ? {} : { time }) } as Json;
  });
}

test('a span', async () => {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(memory)] });
  const tracer = provider.getTracer('test');
  const parent = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    traceFlags: TraceFlags.SAMPLED,
  });
  const start = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  const span = (ms: number, context = ROOT_CONTEXT, attributes = {}) =>
    tracer.startSpan(`after ${ms}`, { kind: SpanKind.INTERNAL, startTime: start, attributes }, context);
  for (const ms of [0, 1, 12, 999, 59_999, 61_000, 3_723_456, 90_000_000]) span(ms).end(start + ms);
  span(7, parent, { tool: 'calculate_sum', storage_trips: 2, 'microsoft.sample_rate': 25 }).end(start + 7);
  const failed = span(8, parent, { status: 503 });
  failed.setStatus({ code: SpanStatusCode.ERROR });
  failed.end(start + 8);
  await provider.forceFlush();
  const spans = memory.getFinishedSpans();

  const own = await ours(send => createSpanExporter(send, KEY), spans);
  expect(own).toHaveLength(10);
  expect(own).toEqual(await azures(options => new AzureMonitorTraceExporter(options), spans));
});

test('a counter', async () => {
  const memory = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const reader = new PeriodicExportingMetricReader({ exporter: memory });
  const meter = new MeterProvider({ resource, readers: [reader] }).getMeter('test');
  meter.createCounter('sign_ins').add(2, { kind: 'client' });
  meter.createCounter('sign_ins').add(3);
  meter.createCounter('purges').add(1);
  await reader.forceFlush();
  const [metrics] = memory.getMetrics();
  if (!metrics) throw new Error('Nothing was counted.');
  await reader.shutdown();

  const own = await ours(send => createMetricExporter(send, KEY), metrics);
  expect(own).toHaveLength(3);
  expect(own).toEqual(await azures(options => new AzureMonitorMetricExporter(options), metrics));
});
