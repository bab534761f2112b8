import { setTimeout } from 'node:timers/promises';
import type { StoredEvent } from '../../../src/storage/audit.ts';
import type { Grant } from '../../../src/storage/grants.ts';
import { readAll } from '../../../src/storage/read-all.ts';
import { odata, type Stored } from '../../../src/storage/tables.ts';
import { claimsOf } from '../../support/flows.ts';
import type { Rig } from '../rig/rig.ts';

/** All grants that a person ever gave to a client, as they are stored; ended ones too. */
export function grantsOf(rig: Rig, person: string, clientId: string): Promise<Stored<Grant>[]> {
  const filter = odata`PartitionKey eq ${person} and RowKey ge 'g.' and RowKey lt 'g/' and clientId eq ${clientId}`;
  return readAll<Grant>(rig.storage.tables.table('grants'), filter);
}

/** The name of the grant that an access token belongs to. */
export const grantOf = (accessToken: string) => String(claimsOf(accessToken).gid);

/** What the audit says. It is written a second after what it tells of. */
export function auditOf(rig: Rig): Promise<Stored<StoredEvent>[]> {
  return readAll<StoredEvent>(rig.storage.tables.table('audit'), "PartitionKey ge '0'");
}

/** How long the audit may take, in milliseconds: after storage has failed it waits 15 s. */
const PATIENCE_MS = 20_000;

/** The audit, once it says what `isWhole` asks for, or as it is when that has not come. */
export async function auditOnce(
  rig: Rig,
  isWhole: (events: readonly StoredEvent[]) => boolean,
): Promise<Stored<StoredEvent>[]> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const events = await auditOf(rig);
    if (isWhole(events) || performance.now() > until) return events;
    await setTimeout(100);
  }
}
