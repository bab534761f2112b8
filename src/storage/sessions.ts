import { expiryHour, isExpiryHour } from './expiry.ts';
import { removeRows } from './remove-rows.ts';
import { type Outcome, odata, type Tables, type TransactionWrite } from './tables.ts';

/**
 * The table `sessions`: people signed in with a browser. Beside a session lies
 * what finds it by Entra's own session; both are in its hour's partition, so
 * that they are written at once.
 */
export interface Sessions {
  /** @param upstream Entra's own session, where Entra tells */
  insert(id: SessionId, session: Session, upstream?: UpstreamSession): Promise<Outcome>;
  read(id: SessionId): Promise<Session | undefined>;
  /** Ends a session; no matter whether there is one. */
  remove(id: SessionId): Promise<void>;
  /**
   * Ends the sessions that belong to one of Entra's, and gives how many: a query
   * for each hour in which one may expire. Without a tenant, of whichever.
   */
  removeOf(upstream: { hash: string; tid?: string }, now: number): Promise<number>;
}

export interface UpstreamSession {
  /** Hash of its `sid`. */
  readonly hash: string;
  /** The tenant that it was told by. */
  readonly tid: string;
}

/** Where a session lies: its hour of expiry and the hash of its secret. */
export interface SessionId {
  readonly hour: string;
  readonly hash: string;
}

export interface Session {
  /** JSON of the person. */
  person: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  expiresAt: number;
  /** When the person showed at Entra who they are; absent where they were not asked to. */
  provenAt?: number;
}

export const SESSION_SECONDS = 8 * 3600;

/** The hour that a session which begins now is filed under. */
export const sessionHour = (now: number) => expiryHour(now + SESSION_SECONDS * 1000);

/** Sessions of one browser at Entra in one hour: more than anybody has. */
const PAGE = 100;
const HOUR_MS = 3_600_000;

const indexRow = (upstreamHash: string, hash: string) => `s.${upstreamHash}.${hash}`;

export function openSessions(tables: Tables): Sessions {
  const table = tables.table('sessions');
  const keys = ({ hour, hash }: SessionId) => ({ partitionKey: hour, rowKey: hash });

  /** The sessions of one hour that belong to one of Entra's, with the rows that found them. */
  async function find({ hash, tid }: { hash: string; tid?: string }, partitionKey: string) {
    // `/` is the character after `.`.
    const range = odata`RowKey gt ${indexRow(hash, '')} and RowKey lt ${`s.${hash}/`}`;
    const { rows } = await table.page<{ tid: string }>(`${odata`PartitionKey eq ${partitionKey}`} and ${range}`, PAGE);
    return rows
      .filter(row => tid === undefined || row.tid === tid)
      .flatMap(row => [row, { partitionKey, rowKey: row.rowKey.slice(indexRow(hash, '').length) }]);
  }

  return {
    insert: (id, session, upstream) => {
      const row: TransactionWrite = { type: 'insert', row: { ...session, ...keys(id) } };
      if (!upstream) return table.write(row);
      const index = { partitionKey: id.hour, rowKey: indexRow(upstream.hash, id.hash), tid: upstream.tid };
      return table.transaction([row, { type: 'insert', row: index }]);
    },
    read: async id => {
      if (!isExpiryHour(id.hour)) return undefined;
      const row = await table.read<{ person: string; createdAt: number; expiresAt: number; provenAt?: number }>(
        keys(id),
      );
      if (!row) return undefined;
      const { person, createdAt, expiresAt, provenAt } = row;
      return { person, createdAt, expiresAt, ...(provenAt === undefined ? {} : { provenAt }) };
    },
    remove: async id => {
      if (isExpiryHour(id.hour)) await table.remove(keys(id));
    },
    removeOf: async (upstream, now) => {
      const hours = Array.from({ length: SESSION_SECONDS / 3600 + 1 }, (_, ahead) => expiryHour(now + ahead * HOUR_MS));
      const rows = (await Promise.all(hours.map(hour => find(upstream, hour)))).flat();
      await removeRows(table, rows);
      return rows.length / 2;
    },
  };
}
