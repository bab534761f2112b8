import type { Clients } from '../../storage/clients.ts';
import type { Client, ClientDirectory } from './client.ts';
import type { ClientMetadata } from './client-metadata.ts';

/** The form of every client id that this server gives out; others are not looked up in storage. */
const REGISTERED_ID = /^(pc\.[\w-]{43}|cc\.[\w-]{22})$/;

/** Looks a client up where its id says that it is. */
export function createClientDirectory({ registered }: { registered: Clients }): ClientDirectory {
  return {
    async find(id) {
      if (!REGISTERED_ID.test(id)) return undefined;
      const stored = await registered.read(id);
      if (!stored) return undefined;
      const client: Client = {
        id,
        source: 'registered',
        metadata: JSON.parse(stored.metadata) as ClientMetadata,
        unused: true,
      };
      return stored.secretHash ? { ...client, secretHash: stored.secretHash } : client;
    },
    async markUsed() {},
  };
}
