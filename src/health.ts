import { setTimeout as wait } from 'node:timers/promises';
import type { Endpoint } from './http/endpoint.ts';
import { json } from './http/responses.ts';

/** Whether this instance is alive: it answers. It asks nobody, so that no outage elsewhere makes a platform restart it. */
export function healthEndpoint(version: string): Endpoint {
  return async () => json(200, { status: 'ok', version });
}

/** Asks whether something works. A failure counts as a no. */
export type Probe = () => Promise<boolean>;

export interface ReadinessOptions {
  /** What has to work, by the name that is told. */
  readonly parts: Readonly<Record<string, Probe>>;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How long a part may take, in milliseconds. */
  readonly timeoutMs?: number;
}

/** How long an answer is given again, in milliseconds: however many ask, the parts are asked once in that time. */
const KEPT_MS = 10_000;

/**
 * Whether this instance can sign people in and serve them: 200, or 503 with the
 * parts that do not answer. For monitors. It tells no reason and no address.
 */
export function readinessEndpoint({ parts, version, now, timeoutMs = 3_000 }: ReadinessOptions): Endpoint {
  let checking: Promise<Record<string, 'ok' | 'unavailable'>> | undefined;
  let checkedAt = 0;

  async function check() {
    const answers = Object.entries(parts).map(async ([name, probe]) => {
      const works = await inTime(probe, timeoutMs);
      return [name, works ? 'ok' : 'unavailable'] as const;
    });
    return Object.fromEntries(await Promise.all(answers));
  }

  return async () => {
    if (!checking || now() - checkedAt >= KEPT_MS) {
      checkedAt = now();
      checking = check();
    }
    const states = await checking;
    const isReady = Object.values(states).every(state => state === 'ok');
    return isReady
      ? json(200, { status: 'ready', version, ...states })
      : json(503, { status: 'not ready', version, ...states }, { 'retry-after': String(KEPT_MS / 1000) });
  };
}

async function inTime(probe: Probe, timeoutMs: number): Promise<boolean> {
  const late = new AbortController();
  try {
    return await Promise.race([probe(), wait(timeoutMs, false, { signal: late.signal, ref: false })]);
  } catch {
    return false;
  } finally {
    late.abort();
  }
}

/** Whether the keys that somebody signs with can be read. */
export function probeKeys(url: string, fetch: typeof globalThis.fetch, timeoutMs = 3_000): Probe {
  return async () => {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    const { keys } = (await response.json()) as { keys?: unknown };
    return response.status === 200 && Array.isArray(keys);
  };
}
