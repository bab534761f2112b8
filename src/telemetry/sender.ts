import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { describeError, type Logger } from '../log.ts';
import type { Envelope } from './exporters.ts';

/** Sends items; `false` when they are lost. Never fails. */
export type Send = (items: readonly Envelope[]) => Promise<boolean>;

export interface SenderOptions {
  readonly instrumentationKey: string;
  /** Where Application Insights takes items: an origin. */
  readonly endpoint: string;
  /** A token of this app's identity for it; absent where it takes items from anybody. */
  readonly token?: () => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
  /** Waits, in milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  readonly log: Logger;
}

const TIMEOUT_MS = 8_000;
/** Before the second and third try, in milliseconds. */
const PAUSES_MS = [1_000, 4_000];
/** What may pass by itself: 401 and 403 while a role spreads, 439 the quota of the day in its old form. */
const PASSING = new Set([401, 403, 408, 429, 439, 500, 502, 503, 504]);
const compress = promisify(gzip);

/**
 * Posts items to Application Insights: three tries, then they are lost. The log tells of the first loss and of the end of
 * the losses, and not of each.
 */
export function createSender(options: SenderOptions): Send {
  const { endpoint, token, fetch, wait, log } = options;
  let isLosing = false;

  return async items => {
    if (items.length === 0) return true;
    const body = await compress(JSON.stringify(items));
    let reason = '';
    for (const pause of [0, ...PAUSES_MS]) {
      if (pause > 0) await wait(pause);
      const tried = await post(body).catch(error => ({ ok: false, again: true, reason: describeError(error) }));
      if (tried.ok) {
        if (isLosing) log.info('telemetry is sent again');
        isLosing = false;
        return true;
      }
      reason = tried.reason;
      if (!tried.again) break;
    }
    if (!isLosing) log.warn('telemetry not sent', { items: items.length, reason });
    isLosing = true;
    return false;
  };

  async function post(body: Uint8Array): Promise<{ ok: boolean; again: boolean; reason: string }> {
    const response = await fetch(`${endpoint}/v2.1/track`, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        ...(token ? { authorization: `Bearer ${await token()}` } : {}),
      },
      body: new Uint8Array(body),
    });
    await response.body?.cancel();
    // 206: some of it was refused, and would be again.
    const ok = response.status === 200 || response.status === 206;
    return { ok, again: PASSING.has(response.status), reason: `status ${response.status}` };
  }
}
