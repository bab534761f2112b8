import { type PersonId, personKey } from '../access/person.ts';
import type { Config } from '../config.ts';
import { eventsBefore } from './audit.ts';
import { clientRow, isDisposable, type StoredClient, unusedPartition } from './clients.ts';
import { type Began, beganBefore, byClient, connectionRows } from './connections.ts';
import { expiryHour } from './expiry.ts';
import { type Grant, grantRow, indexPartition, isBar, openGrants, spentRow } from './grants.ts';
import { removeMatching, removeRows } from './remove-rows.ts';
import type { Signin } from './signins.ts';
import { sweepEnded } from './sweep.ts';
import { type Columns, odata, type Table, type Tables } from './tables.ts';

/** How many rows went, by table, and how many grants were marked as `ended`. */
export type PurgeReport = Record<
  'ended' | 'signins' | 'sessions' | 'revocations' | 'assertions' | 'grants' | 'connections' | 'clients' | 'audit',
  number
>;

/** How long the longest-lived grants live, and audit events. */
export type Lifetimes = Pick<Config, 'refreshMaxSeconds' | 'auditRetentionDays'>;

/**
 * Deletes what is due and reads nothing else: rows whose hour has passed.
 *
 * A sign-in that became a grant is deleted only after that grant has been
 * filed under its own hour; a grant that was renewed meanwhile is filed anew.
 * Grants that an administrator has ended as a whole are marked as ended first.
 * Each step can be repeated, so a purge that was cut off is simply run again.
 *
 * @param now milliseconds since the epoch
 */
export async function purge(tables: Tables, now: number, lifetimes: Lifetimes): Promise<PurgeReport> {
  return {
    ended: await sweepEnded(tables, now),
    signins: await purgeSignins(tables, now),
    sessions: await removeMatching(tables.table('sessions'), due(now)),
    revocations: await removeMatching(tables.table('revocations'), due(now)),
    assertions: await removeMatching(tables.table('assertions'), due(now)),
    grants: await purgeGrants(tables, now),
    connections: await purgeConnections(tables.table('connections'), now - lifetimes.refreshMaxSeconds * 1000 - DAY_MS),
    clients: await purgeClients(tables.table('clients'), now),
    audit: await removeMatching(tables.table('audit'), eventsBefore(now - lifetimes.auditRetentionDays * DAY_MS)),
  };
}

const DAY_MS = 86_400_000;

/** Rows that one round reads. */
const ROUND = 500;

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
    await removeRows(signins, rows);
    count += rows.length;
  }
}

async function purgeGrants(tables: Tables, now: number): Promise<number> {
  const [table, connections] = [tables.table('grants'), tables.table('connections')];
  let count = 0;
  const filter = odata`PartitionKey ge 'h.' and PartitionKey lt ${indexPartition(now)}`;
  for (;;) {
    const { rows } = await table.page(filter, ROUND);
    if (rows.length === 0) return count;
    for (const row of rows) {
      const [tid = '', oid = '', grantId = ''] = row.rowKey.split('.');
      const person = { tid, oid };
      const grant = await table.read<Grant>({ partitionKey: personKey(person), rowKey: grantRow(grantId) });
      if (grant && grant.expiresAt > now) {
        await table.upsert({ partitionKey: indexPartition(grant.expiresAt), rowKey: row.rowKey });
      } else {
        await removeSpent(table, personKey(person), grantId);
        if (grant) {
          const listed = isBar(grant) ? [] : connectionRows({ person, grantId }, grant);
          for (const row of listed) await connections.remove(row);
          await table.remove(grant);
        }
        count += 1;
      }
      await table.remove(row);
    }
  }
}

/** Takes what lists a grant that can be no more: as a rule it has gone with its grant. */
async function purgeConnections(table: Table, before: number): Promise<number> {
  let count = 0;
  for (;;) {
    const { rows } = await table.page<Pick<Began, 'clientId'>>(beganBefore(before), ROUND);
    if (rows.length === 0) return count;
    await removeRows(table, rows.map(byClient));
    await removeRows(table, rows);
    count += rows.length;
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
    await removeRows(table, rows);
  }
}

async function removeSpent(table: Table, person: string, grantId: string): Promise<void> {
  // `/` is the character after `.`: the end of this grant's spent rows.
  const filter = odata`PartitionKey eq ${person} and RowKey ge ${spentRow(grantId, '')} and RowKey lt ${`s.${grantId}/`}`;
  await removeMatching(table, filter);
}
