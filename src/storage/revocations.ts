import type { Block, RevocationRows } from '../access/revocation-list.ts';
import { expiryHour } from './expiry.ts';
import { readAll } from './read-all.ts';
import { odata, type Tables } from './tables.ts';

/**
 * The table `revocations`: what ended while tokens or grants of it may still
 * live, by the hour in which the last of them expires; and the clients that are
 * blocked, in a partition that sorts behind every hour, so that one query reads
 * all, a thousand at a time, and the purge takes none of them.
 */
export interface StoredRevocations extends RevocationRows {
  /** Whether an entry of this name blocks a client, as it is this very moment. */
  isBlocked(name: string): Promise<boolean>;
  /** Clients that are blocked, a hundred at the most, in no order of time. */
  blocked(): Promise<Block[]>;
}

const BLOCKED = 'blocked';
const MOST_BLOCKS = 100;

export function openRevocationRows(tables: Tables): StoredRevocations {
  const table = tables.table('revocations');
  return {
    add: ({ name, at }, until) => {
      // What ends many grants is still to be told to each: see `sweep.ts`.
      const ofMany = at === undefined ? {} : { at, isSwept: false };
      return table.upsert({ partitionKey: expiryHour(until), rowKey: name, ...ofMany });
    },
    block: (name, { clientId, at }) => table.upsert({ partitionKey: BLOCKED, rowKey: name, clientId, at }),
    unblock: async name => {
      await table.remove({ partitionKey: BLOCKED, rowKey: name });
    },
    list: async now => {
      const rows = await readAll<{ at?: number }>(table, `PartitionKey ge '${expiryHour(now)}'`);
      return rows.map(({ rowKey: name, at }) => (at === undefined ? { name } : { name, at }));
    },
    isBlocked: async name => (await table.read({ partitionKey: BLOCKED, rowKey: name })) !== undefined,
    blocked: async () => {
      const { rows } = await table.page<{ clientId: string; at: number }>(
        odata`PartitionKey eq ${BLOCKED}`,
        MOST_BLOCKS,
      );
      return rows.map(({ clientId, at }) => ({ clientId, at }));
    },
  };
}
