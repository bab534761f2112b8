import type { Columns, Stored, Table } from './tables.ts';

/** What one query reads at the most. */
const PAGE = 1000;

/**
 * All rows that match, a thousand a query, in key order.
 *
 * @param filter OData, its values put in by `odata`
 * @param most how many queries at the most; what lies behind them is left out
 */
export async function readAll<T extends Columns>(
  table: Table,
  filter: string,
  most = Number.POSITIVE_INFINITY,
): Promise<Stored<T>[]> {
  const all: Stored<T>[] = [];
  let continuation: string | undefined;
  for (let query = 0; query < most; query += 1) {
    const page = await table.page<T>(filter, PAGE, continuation);
    all.push(...page.rows);
    continuation = page.continuation;
    if (!continuation) break;
  }
  return all;
}
