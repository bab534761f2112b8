import { type PersonId, personKey } from '../access/person.ts';
import { removeMatching } from './remove-rows.ts';
import { odata, type Tables } from './tables.ts';

/**
 * Deletes what is kept of a person, their grants aside, which have to be ended
 * first. Sign-ins and sessions are not kept by person: there it is a query over
 * the whole table, which holds those of two hours and of eight.
 */
export interface Erasure {
  /** Sign-ins that the person has come back from Entra with, and so every code of theirs; and those that rely on an approval of theirs. */
  signins(person: PersonId): Promise<void>;
  notes(person: PersonId): Promise<void>;
  /** Every browser's session. */
  sessions(person: PersonId): Promise<void>;
}

export function openErasure(tables: Tables): Erasure {
  return {
    signins: async person => {
      const table = tables.table('signins');
      await removeMatching(table, isPerson(person));
      await removeMatching(table, odata`approver eq ${personKey(person)}`);
    },
    notes: async person => {
      await removeMatching(tables.table('notes'), odata`PartitionKey eq ${personKey(person)}`);
    },
    sessions: async person => {
      await removeMatching(tables.table('sessions'), isPerson(person));
    },
  };
}

/** The column `person` is JSON that begins with the two ids; a name or an address may follow. */
function isPerson({ tid, oid }: PersonId): string {
  const beginning = JSON.stringify({ tid, oid }).slice(0, -1);
  return odata`person ge ${beginning} and person lt ${`${beginning}~`}`;
}
