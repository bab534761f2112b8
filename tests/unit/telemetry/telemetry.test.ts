import { expect, test } from 'vitest';
import type { Endpoint } from '../../../src/http/endpoint.ts';
import { UnavailableError } from '../../../src/http/errors.ts';
import { createLogger } from '../../../src/log.ts';
import {
  createTelemetry,
  type SpanRecord,
  type TelemetryOptions,
  type TelemetrySink,
} from '../../../src/telemetry/telemetry.ts';
import { testKeys } from '../../support/protected-resource.ts';

const keys = await testKeys();
const lines: string[] = [];
const log = createLogger('debug', (_level, line) => lines.push(line));
const SIGNIN = '480000.c2lnbi1pbi1uYW1l';

/** Telemetry with a sink that keeps what it is given. */
function start(options: Partial<TelemetryOptions> = {}) {
  const spans: SpanRecord[] = [];
  const counts: string[] = [];
  const clock = { now: 1_000_000 };
  let opened = 0;
  const sink: TelemetrySink = {
    span: record => spans.push(record),
    count: (counter, kind) => counts.push([counter, kind].filter(Boolean).join(' ')),
    flush: async () => {},
  };
  const telemetry = createTelemetry({
    open: async () => {
      opened += 1;
      return sink;
    },
    sampling: 1,
    keys: async () => keys,
    now: () => clock.now,
    log,
    ...options,
  });
  /** Serves one request, and gives its spans. */
  async function serve(endpoint: Endpoint, { correlationId = 'a'.repeat(32), method = 'POST' } = {}) {
    spans.length = 0;
    const request = new Request('https://mcp.example/mcp', { method });
    const served = await telemetry
      .traced('mcp', endpoint)(request, { correlationId, log })
      .catch((error: unknown) => error);
    await telemetry.flush();
    return { spans: [...spans], served };
  }
  return { telemetry, serve, spans, counts, clock, opened: () => opened };
}

const ok: Endpoint = async () => new Response('done');

test('a span tells of its request what it was told, and when it was', async () => {
  const { serve, telemetry, clock } = start();
  const { spans } = await serve(async (_request, { span }) => {
    span?.tell({ client: 'pc.one' });
    span?.tell({ method: 'tools/call', tool: 'calculate_sum' });
    telemetry.storageTrip();
    await Promise.resolve();
    telemetry.storageTrip();
    clock.now += 250;
    return new Response('', { status: 202 });
  });
  expect(spans).toEqual([
    {
      name: 'mcp tools/call calculate_sum',
      traceId: 'a'.repeat(32),
      startedAt: 1_000_000,
      endedAt: 1_000_250,
      failed: false,
      sampleRate: 100,
      attributes: {
        status: 202,
        storage_trips: 2,
        correlation_id: 'a'.repeat(32),
        client: 'pc.one',
        method: 'tools/call',
        tool: 'calculate_sum',
      },
    },
  ]);
});

test('requests at once do not count each other’s trips to storage', async () => {
  const { telemetry, spans } = start();
  let go = () => {};
  const gate = new Promise<void>(resolve => {
    go = resolve;
  });
  const endpoint = telemetry.traced('mcp', async request => {
    await gate;
    const trips = Number(new URL(request.url).searchParams.get('trips'));
    for (let n = 0; n < trips; n++) telemetry.storageTrip();
    return new Response('');
  });
  const context = { correlationId: 'b'.repeat(32), log };
  const all = [0, 3, 1].map(trips => endpoint(new Request(`https://mcp.example/?trips=${trips}`), context));
  telemetry.storageTrip();
  go();
  await Promise.all(all);
  await telemetry.flush();
  expect(spans.map(({ attributes }) => attributes.storage_trips)).toEqual([0, 3, 1]);
});

test('a person is a keyed hash, the same each time', async () => {
  const { serve } = start();
  const by = async (person: string) => {
    const { spans } = await serve(async (_request, { span }) => {
      span?.person(person);
      return new Response('');
    });
    return spans[0]?.attributes.person;
  };
  const ada = await by('tenant.ada');
  expect(ada).toMatch(/^[\w-]{22}$/);
  expect(await by('tenant.ada')).toBe(ada);
  expect(await by('tenant.grace')).not.toBe(ada);
  const other = start({ keys: () => testKeys('others') });
  const { spans } = await other.serve(async (_request, { span }) => {
    span?.person('tenant.ada');
    return new Response('');
  });
  expect(spans[0]?.attributes.person).not.toBe(ada);
});

test('the steps of a sign-in are one trace on any instance, and its last step tells how long it took', async () => {
  const step =
    (startedAt?: number): Endpoint =>
    async (_request, { span }) => {
      span?.tell({ client: 'pc.one' });
      span?.signin(SIGNIN, startedAt);
      return new Response('');
    };
  const [first] = (await start().serve(step(), { correlationId: 'a'.repeat(32) })).spans;
  const { spans } = await start().serve(step(900_000), { correlationId: 'b'.repeat(32) });
  const [last, whole] = spans;
  expect(last?.traceId).toBe(first?.traceId);
  expect(first?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(whole).toEqual({
    name: 'sign-in',
    traceId: first?.traceId,
    spanId: first?.parentSpanId,
    startedAt: 900_000,
    endedAt: 1_000_000,
    failed: false,
    sampleRate: 100,
    attributes: { client: 'pc.one' },
  });
  expect(last?.parentSpanId).toBe(whole?.spanId);
  expect(last?.attributes.correlation_id).toBe('b'.repeat(32));
  expect(JSON.stringify([first, last, whole])).not.toContain(SIGNIN.split('.')[1]);
});

test('an outage is told by its service and thrown on', async () => {
  const outage = new UnavailableError('storage', new Error('down'));
  const { spans, served } = await start().serve(async () => {
    throw outage;
  });
  expect(served).toBe(outage);
  expect(spans[0]).toMatchObject({ failed: true, attributes: { status: 503, outage: 'storage' } });
  const fault = await start().serve(async () => {
    throw new Error('a fault');
  });
  expect(fault.spans[0]).toMatchObject({ failed: true, attributes: { status: 500 } });
});

test('preflights are not told of', async () => {
  expect((await start().serve(ok, { method: 'OPTIONS' })).spans).toEqual([]);
});

test('an event stream ends its span when it ends, or when its reader goes away', async () => {
  const { telemetry, spans, clock } = start();
  const streamed = telemetry.traced('mcp', async () => {
    const body = new ReadableStream({
      pull(controller) {
        clock.now += 1000;
        controller.enqueue(new TextEncoder().encode('data: 1\n\n'));
        if (clock.now >= 1_003_000) controller.close();
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  const ask = () => streamed(new Request('https://mcp.example'), { correlationId: 'c'.repeat(32), log });
  const response = await ask();
  await telemetry.flush();
  expect(spans).toEqual([]);
  expect(await response.text()).toBe('data: 1\n\n'.repeat(3));
  await telemetry.flush();
  expect(spans[0]).toMatchObject({ startedAt: 1_000_000, endedAt: 1_003_000 });

  const left = await ask();
  await left.body?.cancel();
  await telemetry.flush();
  expect(spans).toHaveLength(2);
});

test('of what did not fail a part is kept, all spans of a trace or none, and it says how much it stands for', async () => {
  const { serve } = start({ sampling: 0.25 });
  const ids = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0').repeat(16));
  let kept = 0;
  for (const correlationId of ids) {
    const { spans } = await serve(ok, { correlationId });
    kept += spans.length;
    expect((await serve(ok, { correlationId })).spans).toHaveLength(spans.length);
    if (spans[0]) expect(spans[0].sampleRate).toBe(25);
    const failed = await serve(async () => new Response('', { status: 500 }), { correlationId });
    expect(failed.spans[0]?.sampleRate).toBe(100);
  }
  expect(kept).toBe(64);
  expect((await start({ sampling: 0 }).serve(ok)).spans).toEqual([]);
});

test('nothing is loaded before it is asked for, and what came before is not lost', async () => {
  const { telemetry, spans, counts, opened } = start();
  await telemetry.traced('mcp', ok)(new Request('https://mcp.example'), { correlationId: 'd'.repeat(32), log });
  telemetry.count('purges');
  telemetry.count('denials', 'person');
  expect(opened()).toBe(0);
  await telemetry.flush();
  await telemetry.preload();
  expect(opened()).toBe(1);
  expect(spans).toHaveLength(1);
  expect(counts).toEqual(['purges', 'denials person']);
});

test('what cannot be loaded or sent is logged and disturbs nobody; memory stays bounded', async () => {
  let works = false;
  const counts: string[] = [];
  const { telemetry } = start({
    open: async () => {
      if (!works) throw new Error('no such chunk');
      return {
        span: () => {},
        count: counter => counts.push(counter),
        flush: async () => {
          throw new Error('not sent');
        },
      };
    },
  });
  for (let n = 0; n < 1500; n++) telemetry.count('renewals');
  await telemetry.flush();
  expect(lines.at(-1)).toContain('no such chunk');
  works = true;
  await telemetry.flush();
  expect(counts).toHaveLength(1000);
  expect(lines.at(-1)).toContain('not sent');
});

test('without keys a request is served all the same', async () => {
  const { serve } = start({
    keys: async () => {
      throw new UnavailableError('storage', new Error('down'));
    },
  });
  const { spans, served } = await serve(ok);
  expect(served).toBeInstanceOf(Response);
  expect(spans).toEqual([]);
});
