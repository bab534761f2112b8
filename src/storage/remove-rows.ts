import type { RowKeys, Table, TransactionWrite } from './tables.ts';

/** Rows that one transaction may hold. */
const TRANSACTION = 100;
/** Rows that one round of {@link removeMatching} reads. */
const ROUND = 500;

/** Deletes rows, those of one partition together. A row that is already gone is no failure. */
export async function removeRows(table: Table, rows: readonly RowKeys[]): Promise<void> {
  for (const partition of new Set(rows.map(row => row.partitionKey))) {
    const each = rows.filter(row => row.partitionKey === partition);
    for (let start = 0; start < each.length; start += TRANSACTION) {
      const [first, ...rest] = each
        .slice(start, start + TRANSACTION)
        .map(({ partitionKey, rowKey }): TransactionWrite => ({ type: 'delete', keys: { partitionKey, rowKey } }));
      if (first && (await table.transaction([first, ...rest])) !== 'written') {
        for (const row of each.slice(start, start + TRANSACTION)) await table.remove(row);
      }
    }
  }
}

/** Deletes all rows that match, a round at a time. `filter` is OData, its values put in by `odata`. */
export async function removeMatching(table: Table, filter: string): Promise<number> {
  let count = 0;
  for (;;) {
    const { rows } = await table.page(filter, ROUND);
    if (rows.length === 0) return count;
    await removeRows(table, rows);
    count += rows.length;
  }
}
