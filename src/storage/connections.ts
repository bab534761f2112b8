import { type PersonId, personKey } from '../access/person.ts';
import { revocationNames } from '../access/revocations.ts';
import { backwardHour, backwardTime } from './expiry.ts';
import type { GrantKey } from './grants.ts';
import { readOn } from './newest-first.ts';
import type { RowKeys, Tables } from './tables.ts';
import type { WriteBehind } from './write-behind.ts';

/**
 * The table `connections`: an index over the grants, for administrators, the
 * newest first.
 *
 * | partition | row | finds |
 * |---|---|---|
 * | `c.CLIENT` | `TIME.PERSON.GRANT` | what a client was granted, by the hash of its id |
 * | `t.HOUR` | the same | what was granted of late, to whomever |
 *
 * Both keys follow from what never changes in a grant, so that they go with it.
 * They are written behind the scenes: a grant may be missing here, and nothing
 * but this list rests on it.
 */
export interface Connections {
  /** Lists a grant that has just begun. */
  add(key: GrantKey, grant: Began): void;
  /** Writes what was added. */
  flush(): Promise<void>;
  /** Takes grants out. */
  remove(person: PersonId, grants: readonly (Began & { grantId: string })[]): Promise<void>;
  /** A page of the grants that began last; of one client's where that is given. Some may be gone. */
  page(query: {
    clientId?: string | undefined;
    after?: string | undefined;
  }): Promise<{ keys: GrantKey[]; next?: string }>;
}

/** What the place of a grant in the index follows from. */
export interface Began {
  readonly clientId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Grants on a page. */
export const CONNECTIONS = 25;

/** Where a grant is listed. */
export function connectionRows({ person, grantId }: GrantKey, { clientId, createdAt }: Began): [RowKeys, RowKeys] {
  const rowKey = `${backwardTime(createdAt)}.${personKey(person)}.${grantId}`;
  return [{ partitionKey: timePartition(createdAt), rowKey }, byClient({ rowKey, clientId })];
}

/** The rows by time of grants that began before `before` (milliseconds), as an OData filter. */
export const beganBefore = (before: number) =>
  `PartitionKey gt '${timePartition(before)}' and PartitionKey lt '${TIMES_END}'`;

/** The same grant's row by client. */
export const byClient = ({ rowKey, clientId }: { rowKey: string; clientId: string }): RowKeys => ({
  partitionKey: revocationNames.party({ clientId }),
  rowKey,
});

/** The grant that a row lists, by its row key. */
export function connectedGrant(rowKey: string): GrantKey {
  const [, tid = '', oid = '', grantId = ''] = rowKey.split('.');
  return { person: { tid, oid }, grantId };
}

const timePartition = (at: number) => `t.${backwardHour(at)}`;
/** `/` is the character after `.`. */
const TIMES_END = 't/';

export function openConnections(tables: Tables, writer: WriteBehind): Connections {
  const table = tables.table('connections');
  return {
    add: (key, grant) => {
      const [byTime, byClient] = connectionRows(key, grant);
      writer.add('connections', { ...byTime, clientId: grant.clientId });
      writer.add('connections', { ...byClient });
    },
    flush: () => writer.flush(),
    remove: async (person, grants) => {
      const rows = grants.flatMap(grant => connectionRows({ person, grantId: grant.grantId }, grant));
      for (let start = 0; start < rows.length; start += AT_ONCE) {
        await Promise.all(rows.slice(start, start + AT_ONCE).map(row => table.remove(row)));
      }
    },
    page: async ({ clientId, after }) => {
      const partition = clientId === undefined ? undefined : revocationNames.party({ clientId });
      const range = partition ? { from: partition, to: `${partition}.` } : { from: 't.', to: TIMES_END };
      const { rows, next } = await readOn(table, { ...range, after, size: CONNECTIONS });
      const keys = rows.map(({ rowKey }) => connectedGrant(rowKey));
      return next ? { keys, next } : { keys };
    },
  };
}

const AT_ONCE = 10;
