import { type PersonId, personKey } from '../access/person.ts';
import { mayComeAgain, openGrants } from './grants.ts';
import { readAll } from './read-all.ts';
import { removeMatching } from './remove-rows.ts';
import type { Signin, StoredSignin } from './signins.ts';
import { odata, type Tables } from './tables.ts';
import { takeBack } from './take-back.ts';

/**
 * Deletes what is kept of a person, their grants aside, which have to be ended
 * first. Sign-ins and sessions are not kept by person: there it is a query over
 * the whole table, which holds those of two hours and of eight.
 */
export interface Erasure {
  /**
   * Sign-ins that the person has come back from Entra with, and so every code of
   * theirs; and those that rely on an approval of theirs. A code that was claimed
   * just now makes no grant any more.
   */
  signins(person: PersonId, now: number): Promise<void>;
  /**
   * Codes of theirs that are out: none makes a grant any more, not even one that was claimed just now. What became of
   * the others stays on record.
   */
  codes(person: PersonId, now: number): Promise<void>;
  notes(person: PersonId): Promise<void>;
  /** Every browser's session. */
  sessions(person: PersonId): Promise<void>;
}

export function openErasure(tables: Tables): Erasure {
  const signins = tables.table('signins');
  const grants = openGrants(tables);

  async function removeSignins(filter: string, now: number): Promise<void> {
    for (;;) {
      const { rows } = await signins.page<Signin>(filter, ROUND);
      if (rows.length === 0) return;
      for (const row of rows) {
        if (row.stage === 'redeemed' && mayComeAgain(row.redeemedAt, now)) {
          await grants.bar({ person: JSON.parse(row.person) as PersonId, grantId: row.grantId }, now);
        }
        // One that is claimed in this moment is "changed", and read again in the next round.
        await signins.write({ type: 'delete', keys: row, etag: row.etag });
      }
    }
  }

  return {
    signins: async (person, now) => {
      await removeSignins(isPerson(person), now);
      await removeSignins(odata`approver eq ${personKey(person)}`, now);
    },
    codes: async (person, now) => {
      const rows = await readAll<Signin>(signins, `${isPerson(person)} and codeHash ge ''`);
      for (const row of rows) await takeBack(signins, grants, row as StoredSignin, now);
    },
    notes: async person => {
      await removeMatching(tables.table('notes'), odata`PartitionKey eq ${personKey(person)}`);
    },
    sessions: async person => {
      await removeMatching(tables.table('sessions'), isPerson(person));
    },
  };
}

/** Sign-ins that one round reads. */
const ROUND = 100;

/** The column `person` is JSON that begins with the two ids; a name or an address may follow. */
function isPerson({ tid, oid }: PersonId): string {
  const beginning = JSON.stringify({ tid, oid }).slice(0, -1);
  return odata`person ge ${beginning} and person lt ${`${beginning}~`}`;
}
