import { connectedGrant } from './connections.ts';
import { expiryHour } from './expiry.ts';
import { type GrantKey, type Grants, openGrants } from './grants.ts';
import { readAll } from './read-all.ts';
import { odata, type Tables } from './tables.ts';

/** Grants that are ended at the same time. */
const AT_ONCE = 10;
/** Rows that one round reads. */
const ROUND = 500;

/**
 * So long after an entry a code that was out before it may still become a grant: it
 * lives a minute, and an instance may go by a list that is five minutes old.
 */
const LATE_MS = 900_000;

/**
 * What an administrator ends as a whole is one entry in the list of revocations,
 * and the grants know nothing of it. Here each is marked as ended, which takes
 * Entra's tokens out of it. Once nothing can come any more, an entry is not looked
 * at again; until then the sweep can be cut off and repeated.
 *
 * @param now milliseconds since the epoch
 * @returns how many grants were marked
 */
export async function sweepEnded(tables: Tables, now: number): Promise<number> {
  const revocations = tables.table('revocations');
  const due = odata`PartitionKey ge ${expiryHour(now)}`;
  const entries = await readAll<{ at: number; isSwept: boolean }>(revocations, `${due} and isSwept eq false`);
  let count = 0;
  for (const { etag, ...entry } of entries) {
    count += await endReached(tables, entry, now);
    if (now < entry.at + LATE_MS) continue;
    // Ended again meanwhile, it stays for the next time.
    await revocations.write({ type: 'replace', row: { ...entry, isSwept: true }, etag });
  }
  return count;
}

/** @param entry by its name, as in the list of revocations: `p.PERSON` or `c.CLIENT` */
async function endReached(tables: Tables, { rowKey: name, at }: { rowKey: string; at: number }, now: number) {
  const grants = openGrants(tables);
  let count = 0;

  /** Marks one, unless it has ended, or was begun after the entry: as coarse as the list itself is. */
  async function end(key: GrantKey): Promise<void> {
    for (;;) {
      const grant = await grants.read(key);
      const isOver = grant && Math.floor(grant.signedInAt / 1000) <= Math.floor(at / 1000);
      if (!isOver || grant.endedAt !== undefined || grant.expiresAt <= now) return;
      // "Changed": read again.
      if ((await grants.end(grant, at, 'ended by an administrator')) === 'written') {
        count += 1;
        return;
      }
    }
  }

  for await (const keys of name.startsWith('p.') ? ofPerson(grants, name, now) : ofClient(tables, name)) {
    for (let start = 0; start < keys.length; start += AT_ONCE) {
      await Promise.all(keys.slice(start, start + AT_ONCE).map(end));
    }
  }
  return count;
}

async function* ofPerson(grants: Grants, name: string, now: number): AsyncGenerator<GrantKey[], undefined> {
  const [, tid = '', oid = ''] = name.split('.');
  const person = { tid, oid };
  let after: string | undefined;
  do {
    const page = await grants.list(person, { expiringAfter: now, ...(after ? { after } : {}) });
    yield page.grants.map(({ grantId }) => ({ person, grantId }));
    after = page.next;
  } while (after);
}

/** By the index of connections, whose partition of a client is called as the entry is. */
async function* ofClient(tables: Tables, name: string): AsyncGenerator<GrantKey[], undefined> {
  let after: string | undefined;
  do {
    const { rows, continuation } = await tables.table('connections').page(odata`PartitionKey eq ${name}`, ROUND, after);
    yield rows.map(({ rowKey }) => connectedGrant(rowKey));
    after = continuation;
  } while (after);
}
