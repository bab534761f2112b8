import { LruMap } from '../http/lru-map.ts';
import { expiryHour } from './expiry.ts';
import type { Columns, Tables } from './tables.ts';

/**
 * The table `clients`: a row for each client that registered itself. What it
 * registered never changes; beside it stand when it last did so and when a token
 * was first issued to it. One that never got a token is forgotten in time.
 */
export interface Clients {
  /**
   * Stores a client under its id. A registration that is there already lives on
   * from `client.registeredAt`: that is `exists`. Two trips, three for `exists`;
   * none for a client that this instance saw registered within a day.
   */
  register(id: string, client: NewClient): Promise<'written' | 'exists'>;
  /**
   * Lets a registration that is there live on; `false` when there is none. One
   * trip, four where nobody had registered it for a day.
   *
   * @param now milliseconds since the epoch
   */
  renew(id: string, now: number): Promise<boolean>;
  /** One point read; `undefined` for one that was forgotten, too. */
  read(id: string, now: number): Promise<StoredClient | undefined>;
  /** Keeps a client for ever, for a token was issued to it. One trip. */
  markUsed(id: string, now: number): Promise<void>;
}

export interface StoredClient {
  /** JSON of the metadata that was registered (RFC 7591 section 2). */
  metadata: string;
  /** SHA-256 of the secret of a confidential client. */
  secretHash?: string;
  /** When the same was last registered. Milliseconds since the epoch, as all times here. */
  registeredAt: number;
  /** When a token was first issued; absent while none was. */
  usedAt?: number;
}

export type NewClient = Omit<StoredClient, 'usedAt'>;

const DAY_MS = 86_400_000;
/** How long a client that never got a token is known after it registered. */
export const UNUSED_MS = 30 * DAY_MS;
/** Its row stays longer than any sign-in takes, so that a first use at the last moment finds it. */
const KEPT_AFTER_MS = 3_600_000;
/** How many registrations an instance remembers. */
const REMEMBERED = 10_000;

/** Whether a client has become unknown. */
export function isForgotten({ registeredAt, usedAt }: StoredClient, now: number): boolean {
  return usedAt === undefined && now >= registeredAt + UNUSED_MS;
}

/** Whether the purge may take a client's row. */
export function isDisposable(client: StoredClient, now: number): boolean {
  return isForgotten(client, now - KEPT_AFTER_MS);
}

/** Where clients are filed for the purge that are to go, if they are unused, at that hour. */
export const unusedPartition = (hour: string) => `h.${hour}`;

/** The keys of a client's row. */
export const clientRow = (id: string) => ({ partitionKey: id, rowKey: 'client' });

export function openClients(tables: Tables): Clients {
  const table = tables.table('clients');
  /** When this instance last saw a client registered. */
  const seen = new LruMap<number>(REMEMBERED);

  const isFresh = (at: number | undefined, now: number) => at !== undefined && now < at + DAY_MS;

  /** Before the row it is about, so that no unused row is ever without one. */
  function file(id: string, registeredAt: number): Promise<void> {
    const partitionKey = unusedPartition(expiryHour(registeredAt + UNUSED_MS + KEPT_AFTER_MS));
    return table.upsert({ partitionKey, rowKey: id });
  }

  async function read(id: string, now: number): Promise<StoredClient | undefined> {
    const row = await table.read<StoredClient & Columns>(clientRow(id));
    if (!row || isForgotten(row, now)) {
      // Whoever registers it again must not be told from memory that it is there.
      seen.delete(id);
      return undefined;
    }
    const { metadata, secretHash, registeredAt, usedAt } = row;
    return {
      metadata,
      registeredAt,
      ...(secretHash === undefined ? {} : { secretHash }),
      ...(usedAt === undefined ? {} : { usedAt }),
    };
  }

  async function register(id: string, client: NewClient): Promise<'written' | 'exists'> {
    const { registeredAt } = client;
    if (isFresh(seen.get(id), registeredAt)) return 'exists';
    await file(id, registeredAt);
    const inserted = await table.write({ type: 'insert', row: { ...client, ...clientRow(id) } });
    if (inserted !== 'written') {
      // The purge may take the old row in between: then it is stored anew.
      const kept = await table.write({ type: 'merge', row: { ...clientRow(id), registeredAt } });
      if (kept !== 'written') return register(id, client);
    }
    seen.set(id, registeredAt);
    return inserted === 'written' ? 'written' : 'exists';
  }

  return {
    register,
    read,
    async renew(id, now) {
      if (isFresh(seen.get(id), now)) return true;
      const client = await read(id, now);
      if (!client) return false;
      const { usedAt: _usedAt, ...registered } = client;
      if (isFresh(client.registeredAt, now)) seen.set(id, client.registeredAt);
      else await register(id, { ...registered, registeredAt: now });
      return true;
    },
    async markUsed(id, now) {
      await table.write({ type: 'merge', row: { ...clientRow(id), usedAt: now } });
    },
  };
}
