import { setTimeout as wait } from 'node:timers/promises';
import type { Tables } from './tables.ts';

/** Whether storage answers, asked by a point read that finds nothing. Never throws. */
export type StorageCheck = () => Promise<boolean>;

/** @param timeoutMs how long an answer may take */
export function createStorageCheck(tables: Tables, timeoutMs = 2_000): StorageCheck {
  return async () => {
    const late = new AbortController();
    try {
      return await Promise.race([
        tables
          .table('keys')
          .read({ partitionKey: 'check', rowKey: 'check' })
          .then(() => true),
        wait(timeoutMs, false, { signal: late.signal, ref: false }),
      ]);
    } catch {
      return false;
    } finally {
      late.abort();
    }
  };
}
