import { AsyncLocalStorage } from 'node:async_hooks';
import type { Endpoint } from '../http/endpoint.ts';
import { UnavailableError } from '../http/errors.ts';
import type { Counter, Span, SpanFacts } from '../http/span.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { describeError, type Logger, safeText } from '../log.ts';
import { bodyEnd } from './body-end.ts';

/**
 * What an operator sees of the app besides its log: a span for each request, counters, and how often storage was asked.
 * Nothing waits for it and nothing fails by it.
 */
export interface Telemetry {
  /** The endpoint, with a span for each of its requests. */
  traced(name: string, endpoint: Endpoint): Endpoint;
  /** Counts what no request does. */
  count(counter: Counter, kind?: string): void;
  /** Storage is asked once more, in the name of the request that is served just now. */
  storageTrip(): void;
  /** Loads what sends. Never fails. */
  preload(): Promise<void>;
  /** Sends what has come so far, in bounded time. Never fails. */
  flush(): Promise<void>;
}

/** Where nothing is sent. It costs a call of an empty function. */
export const noTelemetry: Telemetry = {
  traced: (_name, endpoint) => endpoint,
  count: () => {},
  storageTrip: () => {},
  preload: async () => {},
  flush: async () => {},
};

/** A span that has ended. */
export interface SpanRecord {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits; a random one unless it is given. */
  readonly spanId?: string;
  readonly parentSpanId?: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
  /** In percent: this one stands for all that were left out. */
  readonly sampleRate: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Takes what has ended, and sends it when it likes. */
export interface TelemetrySink {
  span(record: SpanRecord): void;
  count(counter: Counter, kind?: string): void;
  flush(): Promise<void>;
}

export interface TelemetryOptions {
  /** Loads and opens what sends, once. */
  readonly open: () => Promise<TelemetrySink>;
  /** What part of all traces is kept, from 0 to 1. Requests that failed are all kept. */
  readonly sampling: number;
  readonly keys: () => Promise<KeyRing>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Logger;
}

/** What waits until the sink is loaded; then the newest are dropped. */
const WAITING = 1_000;
const SIGNIN = 'telemetry of a sign-in';
const PERSON = 'telemetry of a person';

interface Running extends Span {
  readonly name: string;
  readonly startedAt: number;
  readonly correlationId: string;
  readonly facts: SpanFacts;
  personKey?: string;
  signinName?: string;
  signinStartedAt?: number | undefined;
  trips: number;
}

export function createTelemetry({ open, sampling, keys, now, log }: TelemetryOptions): Telemetry {
  const current = new AsyncLocalStorage<Running>();
  let sink: TelemetrySink | undefined;
  let opening: Promise<void> | undefined;
  let waiting: ((to: TelemetrySink) => void)[] = [];
  /** Spans that have ended and are still being made out. */
  const ending = new Set<Promise<void>>();

  function deliver(give: (to: TelemetrySink) => void): void {
    if (sink) give(sink);
    else if (waiting.length < WAITING) waiting.push(give);
  }

  const count = (counter: Counter, kind?: string) => deliver(to => to.count(counter, kind));

  function preload(): Promise<void> {
    opening ??= open().then(
      opened => {
        sink = opened;
        for (const give of waiting) give(opened);
        waiting = [];
      },
      error => {
        opening = undefined;
        log.warn('telemetry cannot be loaded', { reason: describeError(error) });
      },
    );
    return opening;
  }

  function begin(name: string, correlationId: string): Running {
    return {
      name,
      correlationId,
      startedAt: now(),
      facts: {},
      trips: 0,
      tell(facts) {
        Object.assign(this.facts, facts);
      },
      person(key) {
        this.personKey = key;
      },
      signin(signinName, startedAt) {
        this.signinName = signinName;
        this.signinStartedAt = startedAt ?? this.signinStartedAt;
      },
      count,
    };
  }

  function end(span: Running, status: number): void {
    const endedAt = now();
    const finishing = finish(span, status, endedAt)
      .catch(error => log.debug('span lost', { reason: describeError(error) }))
      .finally(() => ending.delete(finishing));
    ending.add(finishing);
  }

  async function finish(span: Running, status: number, endedAt: number): Promise<void> {
    const ring = await keys();
    const signin = span.signinName && signinTrace(ring, span.signinName);
    const traceId = signin ? signin.traceId : span.correlationId;
    const failed = status >= 500;
    if (!failed && !isKept(traceId, sampling)) return;
    const sampleRate = failed ? 100 : sampling * 100;
    const { startedAt, signinStartedAt } = span;
    const record: SpanRecord = {
      name: nameOf(span),
      traceId,
      ...(signin ? { parentSpanId: signin.rootId } : {}),
      startedAt,
      endedAt,
      failed,
      sampleRate,
      attributes: attributesOf(span, status, ring),
    };
    deliver(to => to.span(record));
    if (!signin || signinStartedAt === undefined) return;
    const { client } = record.attributes;
    const whole: SpanRecord = {
      name: 'sign-in',
      traceId,
      spanId: signin.rootId,
      startedAt: signinStartedAt,
      endedAt,
      failed,
      sampleRate,
      attributes: client === undefined ? {} : { client },
    };
    deliver(to => to.span(whole));
  }

  return {
    traced(name, endpoint) {
      return async (request, context) => {
        if (request.method === 'OPTIONS') return endpoint(request, context);
        const span = begin(name, context.correlationId);
        try {
          const response = await current.run(span, () => endpoint(request, { ...context, span }));
          return bodyEnd(response, () => end(span, response.status));
        } catch (error) {
          if (error instanceof UnavailableError) span.tell({ outage: error.service });
          end(span, error instanceof UnavailableError ? 503 : 500);
          throw error;
        }
      };
    },
    count,
    storageTrip() {
      const span = current.getStore();
      if (span) span.trips += 1;
    },
    preload,
    async flush() {
      await Promise.all(ending);
      await preload();
      await sink?.flush().catch(error => log.warn('telemetry not sent', { reason: describeError(error) }));
    },
  };

  function attributesOf(span: Running, status: number, ring: KeyRing): Record<string, string | number> {
    const attributes: Record<string, string | number> = {
      status,
      storage_trips: span.trips,
      correlation_id: span.correlationId,
    };
    for (const [name, value] of Object.entries(span.facts)) {
      if (value !== undefined) attributes[name] = typeof value === 'string' ? safeText(value) : value;
    }
    if (span.personKey) attributes.person = ring.tag(PERSON, span.personKey).tag.slice(0, 22);
    return attributes;
  }
}

/** For a list of operations: an MCP call by its method, a call of a tool by the tool. */
function nameOf({ name, facts: { method, tool } }: Running): string {
  return [name, method, tool].filter(Boolean).join(' ');
}

/** The trace of a sign-in follows from its name and the server's key: nothing is stored, and the name cannot be found. */
function signinTrace(ring: KeyRing, name: string): { traceId: string; rootId: string } {
  const digits = Buffer.from(ring.tag(SIGNIN, name).tag, 'base64url').toString('hex');
  return { traceId: digits.slice(0, 32), rootId: digits.slice(32, 48) };
}

/** Whether a trace is kept: of one trace all spans or none, on whatever instance they end. */
function isKept(traceId: string, sampling: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < sampling * 2 ** 32;
}
