import type { Block, RevocationRows } from '../access/revocation-list.ts';
import type { RevocationEntry } from '../access/revocations.ts';
import { expiryHour } from './expiry.ts';
import { odata, type Tables } from './tables.ts';

/**
 * The table `revocations`: what ended while tokens or grants of it may still
 * live, by the hour in which the last of them expires; and the clients that are
 * blocked, in a partition that sorts behind every hour, so that one query reads
 * all, a thousand at a time, and the purge takes none of them.
 */
export interface StoredRevocations extends RevocationRows {
  /** The clients that are blocked: a page of them, in no order of time. */
  blocked(after?: string): Promise<{ blocks: Block[]; next?: string }>;
}

const BLOCKED = 'blocked';
const PAGE = 1000;
/** Blocked clients on a page. */
const BLOCKS = 50;

export function openRevocationRows(tables: Tables): StoredRevocations {
  const table = tables.table('revocations');
  return {
    add: ({ name, at }, until) =>
      table.upsert({ partitionKey: expiryHour(until), rowKey: name, ...(at === undefined ? {} : { at }) }),
    block: (name, { clientId, at }) => table.upsert({ partitionKey: BLOCKED, rowKey: name, clientId, at }),
    unblock: async name => {
      await table.remove({ partitionKey: BLOCKED, rowKey: name });
    },
    list: async now => {
      const entries: RevocationEntry[] = [];
      let continuation: string | undefined;
      do {
        const page = await table.page<{ at?: number }>(`PartitionKey ge '${expiryHour(now)}'`, PAGE, continuation);
        for (const { rowKey: name, at } of page.rows) entries.push(at === undefined ? { name } : { name, at });
        continuation = page.continuation;
      } while (continuation);
      return entries;
    },
    blocked: async (after = '') => {
      const filter = odata`PartitionKey eq ${BLOCKED} and RowKey gt ${after}`;
      const { rows, continuation } = await table.page<{ clientId: string; at: number }>(filter, BLOCKS);
      const last = continuation && rows.at(-1);
      const blocks = rows.map(({ clientId, at }) => ({ clientId, at }));
      return last ? { blocks, next: last.rowKey } : { blocks };
    },
  };
}
