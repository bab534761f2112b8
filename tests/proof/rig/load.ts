import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

/** An HTTP client for load: connections that are kept, whole answers, no redirects. */
export interface LoadClient {
  send(call: Call): Promise<Answer>;
  close(): void;
}

export interface Call {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | URLSearchParams | Uint8Array;
}

/** After so many milliseconds without a byte there is no answer. */
const PATIENCE = 30_000;

export interface Answer {
  /** 0 when there was none: the connection broke. */
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Milliseconds from sending to the end of the answer. */
  ms: number;
}

/** @param connections how many at most; more requests at once wait for one */
export function createLoadClient(connections: number): LoadClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    send: ({ url, method = 'POST', headers = {}, body }) => {
      const started = performance.now();
      const { hostname, port, pathname, search } = new URL(url);
      const text = body instanceof Uint8Array ? body : (body?.toString() ?? '');
      const form = body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const end = (status: number, answerHeaders: Answer['headers'], answerBody: string) =>
        resolve({ status, headers: answerHeaders, body: answerBody, ms: performance.now() - started });
      const sent = request(
        {
          agent,
          timeout: PATIENCE,
          host: hostname === 'localhost' ? '127.0.0.1' : hostname,
          port,
          path: pathname + search,
          method,
          headers: {
            host: `${hostname}:${port}`,
            ...form,
            ...headers,
            ...(method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
          },
        },
        answer => {
          let whole = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => {
            whole += chunk;
          });
          answer.on('end', () => end(answer.statusCode ?? 0, answer.headers, whole));
          answer.on('error', () => end(0, {}, ''));
        },
      );
      sent.on('timeout', () => sent.destroy());
      sent.on('error', () => end(0, {}, ''));
      sent.end(text);
      return promise;
    },
    close: () => agent.destroy(),
  };
}

/** Times of requests, in milliseconds. */
export interface Times {
  add(ms: number): void;
  readonly count: number;
  /** @param share 0.99 for p99; NaN when there is none */
  quantile(share: number): number;
}

export function createTimes(): Times {
  const all: number[] = [];
  let sorted = true;
  return {
    add: ms => {
      all.push(ms);
      sorted = false;
    },
    get count() {
      return all.length;
    },
    quantile: share => {
      if (!sorted) all.sort((a, b) => a - b);
      sorted = true;
      return all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN;
    },
  };
}

/** Keeps `workers` pieces of work going for that long, one after the other each; gives how many were done and the seconds it took. */
export async function keepBusy(options: {
  workers: number;
  seconds: number;
  signal: AbortSignal;
  work: (worker: number) => Promise<void>;
}): Promise<{ done: number; seconds: number }> {
  const started = performance.now();
  const until = started + options.seconds * 1000;
  let done = 0;
  await Promise.all(
    Array.from({ length: options.workers }, async (_, worker) => {
      while (performance.now() < until && !options.signal.aborted) {
        await options.work(worker);
        done++;
      }
    }),
  );
  return { done, seconds: (performance.now() - started) / 1000 };
}

/** Begins `perSecond` pieces of work each second for that long, however long they take, and waits for the last. */
export async function keepPace(options: {
  perSecond: number;
  seconds: number;
  signal: AbortSignal;
  work: (n: number) => Promise<void>;
}): Promise<void> {
  const started = performance.now();
  const total = Math.floor(options.perSecond * options.seconds);
  const running = new Set<Promise<void>>();
  for (let n = 0; n < total && !options.signal.aborted; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * options.perSecond) + 1);
    for (; n < due; n++) {
      const piece: Promise<void> = options.work(n).finally(() => running.delete(piece));
      running.add(piece);
    }
    await setTimeout(5);
  }
  await Promise.all(running);
}
