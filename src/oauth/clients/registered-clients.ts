import { LruMap } from '../../http/lru-map.ts';
import type { Clients } from '../../storage/clients.ts';
import type { Client, ClientDirectory } from './client.ts';
import type { ClientMetadata } from './client-metadata.ts';

/** The part of the directory that storage holds. */
export type RegisteredClients = Pick<ClientDirectory, 'find' | 'markUsed'>;

/** Whether a client id has the form of those that this server gives out; others are not looked up in storage. */
export const isRegisteredId = (id: string) => /^(pc\.[\w-]{43}|cc\.[\w-]{22})$/.test(id);

/** How many clients are remembered, of some 1 KB and never more than 16 KB each. */
const REMEMBERED = 500;

/**
 * Clients that registered themselves. One that never got a token is unknown 30
 * days after it registered last. One that did never changes again, so it is
 * remembered, and its next sign-in costs no trip for it.
 *
 * @param now milliseconds since the epoch
 */
export function createRegisteredClients(registrations: Clients, now: () => number): RegisteredClients {
  const used = new LruMap<Client>(REMEMBERED);

  return {
    async find(id) {
      if (!isRegisteredId(id)) return undefined;
      const known = used.get(id);
      if (known) return known;
      const stored = await registrations.read(id, now());
      if (!stored) return undefined;
      const client: Client = {
        id,
        source: 'registered',
        metadata: JSON.parse(stored.metadata) as ClientMetadata,
        unused: stored.usedAt === undefined,
        ...(stored.secretHash ? { secretHash: stored.secretHash } : {}),
      };
      if (!client.unused) used.set(id, client);
      return client;
    },
    markUsed: id => registrations.markUsed(id, now()),
  };
}
