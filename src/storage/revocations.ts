import type { RevocationRows } from '../access/revocation-list.ts';
import { expiryHour } from './expiry.ts';
import type { Tables } from './tables.ts';

/** The table `revocations`: grants that ended while tokens of theirs may still live; a query reads a thousand. */
export function openRevocationRows(tables: Tables): RevocationRows {
  const table = tables.table('revocations');
  return {
    add: (grantId, until) => table.upsert({ partitionKey: expiryHour(until), rowKey: grantId }),
    list: async now => {
      const grants = new Set<string>();
      let continuation: string | undefined;
      do {
        const page = await table.page(`PartitionKey ge '${expiryHour(now)}'`, 1000, continuation);
        for (const row of page.rows) grants.add(row.rowKey);
        continuation = page.continuation;
      } while (continuation);
      return grants;
    },
  };
}
