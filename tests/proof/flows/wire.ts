import { request } from 'node:http';
import type { Passing } from '../rig/fault-proxy.ts';
import type { Rig } from '../rig/rig.ts';
import { isBehindTheScenes, writeOf } from './storage-writes.ts';

/** What went over the wire to storage while something was done. */
export interface Wire {
  readonly trips: number;
  /** Rows that storage answered with. */
  readonly rows: number;
  /** Bytes of what storage answered. */
  readonly bytes: number;
  readonly requests: readonly Passing[];
}

/**
 * Does `work` and tells what went to storage meanwhile. What instances do behind the scenes for all requests together,
 * the list of revocations and the record of events, is left out.
 */
export async function onTheWire(rig: Rig, work: () => Promise<unknown>): Promise<Wire> {
  const requests: Passing[] = [];
  let rows = 0;
  let bytes = 0;
  const stop = rig.storage.proxy.afterwards((passing, _status, body) => {
    if (isShared(passing)) return;
    requests.push(passing);
    if (passing.method !== 'GET') return;
    rows += rowsOf(body);
    bytes += body.length;
  });
  await work();
  stop();
  return { trips: requests.length, rows, bytes, requests };
}

/** What instances do behind the scenes, or once for all requests: reading what was revoked, and writing behind. */
export function isShared(passing: Passing): boolean {
  const write = writeOf(passing);
  if (!write) return passing.path.includes('/revocations');
  // Sign-ins are emptied behind the scenes, several of an hour in one transaction; requests write one at a time.
  return isBehindTheScenes(write) || write.what === 'transaction signins' || write.what === 'new table';
}

function rowsOf(body: Buffer): number {
  const answer = JSON.parse(body.toString() || '{}') as { value?: unknown[]; PartitionKey?: string };
  return answer.value?.length ?? (answer.PartitionKey === undefined ? 0 : 1);
}

/** Sends a request that reads once more, straight to the emulator; gives how many milliseconds it took. */
export async function readAgain(rig: Rig, { path, headers }: Passing): Promise<number> {
  const port = /TableEndpoint=http:\/\/[^:]+:(\d+)/.exec(rig.storage.connectionString)?.[1];
  const started = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request({ host: '127.0.0.1', port, path, headers }, answer => {
    answer.on('end', resolve).resume();
  })
    .on('error', reject)
    .end();
  await promise;
  return performance.now() - started;
}
