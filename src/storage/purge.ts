import { type PersonId, personKey } from '../access/person.ts';
import { clientRow, isDisposable, type StoredClient, unusedPartition } from './clients.ts';
import { expiryHour } from './expiry.ts';
import { type Grant, grantRow, indexPartition, openGrants, spentRow } from './grants.ts';
import type { Signin } from './signins.ts';
import { type Columns, odata, type RowKeys, type Table, type Tables, type TransactionWrite } from './tables.ts';

/** How many rows went, by table. */
export type PurgeReport = Record<'signins' | 'sessions' | 'revocations' | 'grants' | 'clients', number>;

/**
 * Deletes what is due and reads nothing else: rows whose hour has passed.
 *
 * A sign-in that became a grant is deleted only after that grant has been
 * filed under its own hour; a grant that was renewed meanwhile is filed anew.
 * Each step can be repeated, so a purge that was cut off is simply run again.
 *
 * @param now milliseconds since the epoch
 */
export async function purge(tables: Tables, now: number): Promise<PurgeReport> {
  return {
    signins: await purgeSignins(tables, now),
    sessions: await purgeDue(tables.table('sessions'), now),
    revocations: await purgeDue(tables.table('revocations'), now),
    grants: await purgeGrants(tables.table('grants'), now),
    clients: await purgeClients(tables.table('clients'), now),
  };
}

/** Rows that one round reads. */
const ROUND = 500;
/** Rows that one transaction may hold. */
const TRANSACTION = 100;

const due = (now: number) => odata`PartitionKey lt ${expiryHour(now)}`;

async function purgeSignins(tables: Tables, now: number): Promise<number> {
  const signins = tables.table('signins');
  const grants = openGrants(tables);
  let count = 0;
  for (;;) {
    const { rows } = await signins.page<Signin>(due(now), ROUND);
    if (rows.length === 0) return count;
    for (const row of rows) {
      if (row.stage !== 'redeemed') continue;
      const { grantId, person, grantExpiresAt } = row;
      await grants.file({ person: JSON.parse(person) as PersonId, grantId }, grantExpiresAt);
    }
    await removeAll(signins, rows);
    count += rows.length;
  }
}

async function purgeDue(table: Table, now: number): Promise<number> {
  let count = 0;
  for (;;) {
    const { rows } = await table.page(due(now), ROUND);
    if (rows.length === 0) return count;
    await removeAll(table, rows);
    count += rows.length;
  }
}

async function purgeGrants(table: Table, now: number): Promise<number> {
  let count = 0;
  const filter = odata`PartitionKey ge 'h.' and PartitionKey lt ${indexPartition(now)}`;
  for (;;) {
    const { rows } = await table.page(filter, ROUND);
    if (rows.length === 0) return count;
    for (const row of rows) {
      const [tid = '', oid = '', grantId = ''] = row.rowKey.split('.');
      const person = personKey({ tid, oid });
      const grant = await table.read<Grant>({ partitionKey: person, rowKey: grantRow(grantId) });
      if (grant && grant.expiresAt > now) {
        await table.upsert({ partitionKey: indexPartition(grant.expiresAt), rowKey: row.rowKey });
      } else {
        await removeSpent(table, person, grantId);
        if (grant) await table.remove(grant);
        count += 1;
      }
      await table.remove(row);
    }
  }
}

/** Takes clients that never got a token. Of a client that is used, or registered again since, only the filing goes. */
async function purgeClients(table: Table, now: number): Promise<number> {
  let count = 0;
  const filter = odata`PartitionKey ge ${unusedPartition('')} and PartitionKey lt ${unusedPartition(expiryHour(now))}`;
  for (;;) {
    const { rows } = await table.page(filter, ROUND);
    if (rows.length === 0) return count;
    for (const { rowKey: id } of rows) {
      const client = await table.read<StoredClient & Columns>(clientRow(id));
      if (!client || !isDisposable(client, now)) continue;
      // A first use that comes in between changes the ETag, and so wins.
      const outcome = await table.write({ type: 'delete', keys: clientRow(id), etag: client.etag });
      if (outcome === 'written') count += 1;
    }
    await removeAll(table, rows);
  }
}

async function removeSpent(table: Table, person: string, grantId: string): Promise<void> {
  // `/` is the character after `.`: the end of this grant's spent rows.
  const filter = odata`PartitionKey eq ${person} and RowKey ge ${spentRow(grantId, '')} and RowKey lt ${`s.${grantId}/`}`;
  for (;;) {
    const { rows } = await table.page(filter, ROUND);
    if (rows.length === 0) return;
    await removeAll(table, rows);
  }
}

/** Deletes rows, those of one partition together. A row that is already gone is no failure. */
async function removeAll(table: Table, rows: readonly RowKeys[]): Promise<void> {
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
