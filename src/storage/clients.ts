import type { Outcome, Tables } from './tables.ts';

/** The table `clients`: registered clients, a row each, never updated. */
export interface Clients {
  /** Stores a client under its id; `exists` when it is there already. */
  insert(id: string, client: StoredClient): Promise<Outcome>;
  /** One point read. */
  read(id: string): Promise<StoredClient | undefined>;
}

export interface StoredClient {
  /** JSON of the metadata that was registered (RFC 7591 section 2). */
  metadata: string;
  /** SHA-256 of the secret of a confidential client. */
  secretHash?: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

export function openClients(tables: Tables): Clients {
  const table = tables.table('clients');
  const keys = (id: string) => ({ partitionKey: id, rowKey: 'client' });
  return {
    insert: (id, client) => table.write({ type: 'insert', row: { ...client, ...keys(id) } }),
    read: async id => {
      const row = await table.read<{ metadata: string; secretHash?: string; createdAt: number }>(keys(id));
      if (!row) return undefined;
      const { metadata, secretHash, createdAt } = row;
      return secretHash ? { metadata, secretHash, createdAt } : { metadata, createdAt };
    },
  };
}
