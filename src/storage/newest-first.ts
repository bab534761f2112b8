import { type Columns, odata, type Stored, type Table } from './tables.ts';

/** Partitions to read one after the other, from `from` up to `to` without it. */
export interface Range {
  readonly from: string;
  readonly to: string;
  /** Where the page begins: a former one's `next`. */
  readonly after?: string | undefined;
  readonly size: number;
}

/** The form of a place between two rows: the keys of the last one that was read. */
const PLACE = /^([\w.-]{1,100})~([\w.-]{1,150})$/;

/**
 * A page of rows in the order of their keys, over all partitions of a range.
 * Whatever the size of the table it is two queries at the most: what is left of
 * the partition that the last page ended in, and those behind it.
 */
export async function readOn<T extends Columns>(
  table: Table,
  { from, to, after, size }: Range,
): Promise<{ rows: Stored<T>[]; next?: string }> {
  const [, partition, row = ''] = PLACE.exec(after ?? '') ?? [];
  const rest = partition
    ? await table.page<T>(odata`PartitionKey eq ${partition} and RowKey gt ${row}`, size)
    : undefined;
  const rows = rest?.rows ?? [];
  const isFull = rows.length >= size || rest?.continuation !== undefined;
  const begin = partition ? odata`PartitionKey gt ${partition}` : odata`PartitionKey ge ${from}`;
  const more = isFull
    ? undefined
    : await table.page<T>(`${begin}${odata` and PartitionKey lt ${to}`}`, size - rows.length);
  const all = [...rows, ...(more?.rows ?? [])];
  const last = all.at(-1);
  const hasMore = isFull || more?.continuation !== undefined;
  return hasMore && last ? { rows: all, next: `${last.partitionKey}~${last.rowKey}` } : { rows: all };
}
