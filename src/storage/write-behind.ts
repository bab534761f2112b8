import { UnavailableError } from '../http/errors.ts';
import { describeError, type Logger } from '../log.ts';
import type { Columns, RowKeys, TableName, Tables, TransactionWrite } from './tables.ts';

/**
 * Rows that no request waits for: they are collected and written behind the
 * scenes, those of one partition together. A row lies in memory for a second,
 * longer while storage does not answer, and is lost if the process ends hard
 * meanwhile; so nothing that a decision rests on may be written this way.
 */
export interface WriteBehind {
  /** Takes a row whose keys are its own: it is stored once, however often it is written. */
  add(table: TableName, row: RowKeys & Columns): void;
  /** Takes columns to be set in a row that is there; where it has gone meanwhile nothing is written. */
  merge(table: TableName, row: RowKeys & Columns): void;
  /** Writes what has come so far. Never fails: what storage does not take stays, for the next time. */
  flush(): Promise<void>;
}

/** Calls `run` some time later, in milliseconds. */
export type Defer = (run: () => void, ms: number) => void;

const DELAY_MS = 1_000;
/** After storage has failed. */
const LATER_MS = 15_000;
/** Rows that wait at the most, of some 500 bytes each; then the newest are dropped. */
const CAPACITY = 10_000;
/** Rows that one transaction may hold. */
const TRANSACTION = 100;

type Waiting = { table: TableName; row: RowKeys & Columns; isMerge: boolean };

export function createWriteBehind(tables: Tables, defer: Defer, log: Logger): WriteBehind {
  let waiting: Waiting[] = [];
  let dropped = 0;
  let isDeferred = false;
  let flushing: Promise<void> | undefined;

  function later(ms: number): void {
    if (isDeferred) return;
    isDeferred = true;
    defer(() => {
      isDeferred = false;
      void flush();
    }, ms);
  }

  function flush(): Promise<void> {
    flushing ??= writeAll().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  async function writeAll(): Promise<void> {
    if (dropped > 0) log.error('too many rows wait for storage: some are lost', { rows: dropped });
    dropped = 0;
    while (waiting.length > 0) {
      const batches = batchesOf(waiting);
      waiting = [];
      for (const [index, batch] of batches.entries()) {
        try {
          await write(batch);
        } catch (outage) {
          waiting = [...batches.slice(index).flat(), ...waiting];
          log.warn('rows wait for storage', { rows: waiting.length, reason: describeError(outage) });
          return later(LATER_MS);
        }
      }
    }
  }

  /** @throws UnavailableError, and nothing else */
  async function write(batch: readonly Waiting[]): Promise<void> {
    const [one] = batch;
    if (!one) return;
    const table = tables.table(one.table);
    if (!one.isMerge) {
      const [first, ...rest] = batch.map(({ row }): TransactionWrite => ({ type: 'insert', row }));
      const outcome = first && (await table.transaction([first, ...rest]).catch(unlessOutage));
      if (outcome === 'written') return;
    }
    // Some are there, of an earlier attempt whose answer was lost; or storage refuses one, which must not take the others along.
    const refusals: unknown[] = [];
    for (const { row } of batch) {
      const write = one.isMerge ? table.write({ type: 'merge', row }) : table.upsert(row);
      await write.catch(error => refusals.push(unlessOutage(error)));
    }
    const [refusal] = refusals;
    if (refusal) log.error('rows that storage refuses', { rows: refusals.length, reason: describeError(refusal) });
  }

  function take(each: Waiting): void {
    if (waiting.length >= CAPACITY) dropped += 1;
    else waiting.push(each);
    later(DELAY_MS);
  }

  return {
    add: (table, row) => take({ table, row, isMerge: false }),
    merge: (table, row) => take({ table, row, isMerge: true }),
    flush,
  };
}

/** What storage says of a row that it will never take. */
function unlessOutage(error: unknown): unknown {
  if (error instanceof UnavailableError) throw error;
  return error;
}

/** What may go in one transaction: one partition, no row twice; several merges of a row are one. */
function batchesOf(rows: readonly Waiting[]): Waiting[][] {
  const partitions = new Map<string, Map<string, Waiting>>();
  for (const each of rows) {
    const name = `${each.isMerge} ${each.table} ${each.row.partitionKey}`;
    const partition = partitions.get(name) ?? new Map<string, Waiting>();
    const before = each.isMerge ? partition.get(each.row.rowKey) : undefined;
    partition.set(each.row.rowKey, before ? { ...each, row: { ...before.row, ...each.row } } : each);
    partitions.set(name, partition);
  }
  return [...partitions.values()].flatMap(partition => {
    const all = [...partition.values()];
    return Array.from({ length: Math.ceil(all.length / TRANSACTION) }, (_, index) =>
      all.slice(index * TRANSACTION, (index + 1) * TRANSACTION),
    );
  });
}
