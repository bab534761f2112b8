import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { AggregationTemporality, type PushMetricExporter, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Send } from './sender.ts';

/**
 * OpenTelemetry's spans and counters in the form that Application Insights takes. A test holds them against what Azure's
 * own exporter makes of the same.
 *
 * That exporter is not used: it sends figures about itself to its maker, lets a server of theirs switch its features, and
 * writes what it could not send to disk.
 */

/** One item as Application Insights takes it (`/v2.1/track`). */
export interface Envelope {
  readonly name: string;
  readonly time: string;
  /** In percent. */
  readonly sampleRate: number;
  readonly iKey: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly ver: 1;
  readonly data: { readonly baseType: string; readonly baseData: Readonly<Record<string, unknown>> };
}

type Result = Parameters<SpanExporter['export']>[1];

const SDK = 'node:otel-entra-mcp';
/** Kept out of what is shown with an item: the envelope has it. */
const SAMPLE_RATE = 'microsoft.sample_rate';

export function createSpanExporter(send: Send, iKey: string): SpanExporter {
  return {
    export: (spans, done) => report(send(spans.map(span => spanEnvelope(span, iKey))), done),
    shutdown: async () => {},
  };
}

export function createMetricExporter(send: Send, iKey: string): PushMetricExporter {
  return {
    export: (metrics, done) => report(send(metricEnvelopes(metrics, iKey)), done),
    // What came since the last time, so that sums over any time are right.
    selectAggregationTemporality: () => AggregationTemporality.DELTA,
    forceFlush: async () => {},
    shutdown: async () => {},
  };
}

/** Sending says itself what went wrong. */
function report(sent: Promise<boolean>, done: Result): void {
  void sent.then(ok => done({ code: ok ? 0 : 1 }));
}

function spanEnvelope(span: ReadableSpan, iKey: string): Envelope {
  const { traceId, spanId } = span.spanContext();
  const parent = span.parentSpanContext?.spanId;
  return {
    name: 'Microsoft.ApplicationInsights.RemoteDependency',
    time: new Date(milliseconds(span.startTime)).toISOString(),
    sampleRate: Number(span.attributes[SAMPLE_RATE] ?? 100),
    iKey,
    tags: {
      ...tagsOf(span.resource),
      'ai.operation.id': traceId,
      ...(parent ? { 'ai.operation.parentId': parent } : {}),
    },
    ver: 1,
    data: {
      baseType: 'RemoteDependencyData',
      baseData: {
        ver: 2,
        name: span.name,
        id: spanId,
        success: span.status.code !== SpanStatusCode.ERROR,
        resultCode: '0',
        type: parent && span.kind === SpanKind.INTERNAL ? 'InProc' : 'Dependency',
        duration: timeSpan(milliseconds(span.duration)),
        properties: texts(span.attributes),
        measurements: {},
      },
    },
  };
}

function metricEnvelopes({ resource, scopeMetrics }: ResourceMetrics, iKey: string): Envelope[] {
  const time = new Date().toISOString();
  const metrics = scopeMetrics.flatMap(scope => scope.metrics);
  return metrics.flatMap(({ descriptor, dataPoints }) =>
    dataPoints.map(({ attributes, value }) => ({
      name: 'Microsoft.ApplicationInsights.Metric',
      time,
      sampleRate: 100,
      iKey,
      tags: tagsOf(resource),
      ver: 1 as const,
      data: {
        baseType: 'MetricData',
        baseData: {
          ver: 2,
          metrics: [{ name: descriptor.name, kind: 'Aggregation', value, count: 1 }],
          properties: texts(attributes),
        },
      },
    })),
  );
}

function tagsOf({ attributes }: Resource): Record<string, string> {
  return {
    'ai.internal.sdkVersion': SDK,
    'ai.cloud.role': String(attributes['service.name']),
    'ai.cloud.roleInstance': String(attributes['service.instance.id']),
    'ai.application.ver': String(attributes['service.version']),
  };
}

/** All values are text there. */
function texts(attributes: Attributes): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => name !== SAMPLE_RATE)
      .map(([name, value]) => [name, String(value)]),
  );
}

const milliseconds = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1e3 + nanoseconds / 1e6;

/** `[d.]hh:mm:ss.fffffff`, with three decimals at least. */
function timeSpan(ms: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(ms / 86_400_000);
  const seconds = ((ms / 1000) % 60).toFixed(7).replace(/0{0,4}$/, '');
  const clock = `${two(Math.floor(ms / 3_600_000) % 24)}:${two(Math.floor(ms / 60_000) % 60)}`;
  return `${days > 0 ? `${days}.` : ''}${clock}:${seconds.indexOf('.') < 2 ? `0${seconds}` : seconds}`;
}
