import {
  type Attributes,
  type Counter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor, type IdGenerator } from '@opentelemetry/sdk-trace-base';
import type { RandomBytes } from '../keys/random.ts';
import { createMetricExporter, createSpanExporter } from './exporters.ts';
import { type InsightsIdentity, identityToken } from './identity.ts';
import { createSender, type SenderOptions } from './sender.ts';
import type { TelemetrySink } from './telemetry.ts';

export interface ApplicationInsightsOptions extends Omit<SenderOptions, 'token'> {
  /** The identity that sends; absent where anybody may. */
  readonly identity?: InsightsIdentity;
  /** What the app is called there (`cloud_RoleName`). */
  readonly role: string;
  readonly version: string;
  readonly random: RandomBytes;
}

const NAME = 'entra-mcp';
/** Spans that wait at the most; then the newest are dropped. Half a megabyte. */
const QUEUE = 2_048;
const SPANS_EVERY_MS = 5_000;
const COUNTERS_EVERY_MS = 60_000;
/** How long a flush may take, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * OpenTelemetry's SDK before Application Insights. It is handed spans that have ended, so that it can be loaded after the
 * first of them, and it takes over what waiting, batching and adding up needs.
 *
 * Nothing here is registered globally, and nothing is instrumented by itself: what leaves is what is handed over.
 */
export function openApplicationInsights(options: ApplicationInsightsOptions): TelemetrySink {
  const { identity } = options;
  const send = createSender(identity ? { ...options, token: identityToken(identity) } : options);
  const hex = (bytes: number) => Buffer.from(options.random(bytes)).toString('hex');
  /** The names of the span that is started next; the SDK makes it at once. */
  let next: { traceId?: string; spanId?: string } = {};
  const idGenerator: IdGenerator = {
    generateTraceId: () => next.traceId ?? hex(16),
    generateSpanId: () => next.spanId ?? hex(8),
  };
  const resource = resourceFromAttributes({
    'service.name': options.role,
    'service.version': options.version,
    'service.instance.id': hex(4),
  });
  const spans = new BatchSpanProcessor(createSpanExporter(send, options.instrumentationKey), {
    maxQueueSize: QUEUE,
    scheduledDelayMillis: SPANS_EVERY_MS,
    exportTimeoutMillis: PATIENCE_MS,
  });
  const tracer = new BasicTracerProvider({ resource, idGenerator, spanProcessors: [spans] }).getTracer(NAME);
  const counters = new PeriodicExportingMetricReader({
    exporter: createMetricExporter(send, options.instrumentationKey),
    exportIntervalMillis: COUNTERS_EVERY_MS,
    exportTimeoutMillis: PATIENCE_MS,
  });
  const meter = new MeterProvider({ resource, readers: [counters] }).getMeter(NAME);
  const made = new Map<string, Counter>();
  const counterOf = (name: string) => {
    const counter = made.get(name) ?? meter.createCounter(name);
    made.set(name, counter);
    return counter;
  };

  return {
    span({ name, traceId, spanId, parentSpanId, startedAt, endedAt, failed, sampleRate, attributes }) {
      next = { traceId, ...(spanId ? { spanId } : {}) };
      const parent = parentSpanId
        ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED })
        : ROOT_CONTEXT;
      const all: Attributes = { ...attributes, ...(sampleRate < 100 ? { 'microsoft.sample_rate': sampleRate } : {}) };
      // Internal: the host tells of the same request itself, and must not count it twice.
      const span = tracer.startSpan(name, { kind: SpanKind.INTERNAL, startTime: startedAt, attributes: all }, parent);
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(endedAt);
    },
    count: (counter, kind) => counterOf(counter).add(1, kind ? { kind } : {}),
    async flush() {
      await Promise.all([spans.forceFlush(), counters.forceFlush({ timeoutMillis: PATIENCE_MS })]);
    },
  };
}
