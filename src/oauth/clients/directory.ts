import type { Logger } from '../../log.ts';
import { SCRIPT_CLIENT_ID } from '../people/script-token.ts';
import type { Client, ClientDirectory } from './client.ts';
import type { ClientDocuments } from './documents/client-documents.ts';
import { namesDocument } from './documents/public-url.ts';
import { isRegisteredId, type RegisteredClients } from './registered-clients.ts';

export interface ClientDirectoryOptions {
  readonly preregistered: ReadonlyMap<string, Client>;
  /** Absent: a client that names a document is not known. */
  readonly documents?: ClientDocuments;
  readonly registered: RegisteredClients;
  /** Takes what is not said for one request. */
  readonly log: Logger;
}

/** Looks a client up where its id says that it is. */
export function createClientDirectory(options: ClientDirectoryOptions): ClientDirectory {
  const { preregistered, documents, registered, log } = options;

  return {
    async find(id, context, countFetch) {
      if (!namesDocument(id)) return preregistered.get(id) ?? registered.find(id, context);
      if (!documents) return undefined;
      const metadata = await documents.find(id, { log: context?.log ?? log, ...(countFetch ? { countFetch } : {}) });
      return { id, source: 'document', metadata, unused: false };
    },
    ofOperator: id => {
      if (namesDocument(id) || isRegisteredId(id) || id === SCRIPT_CLIENT_ID) return undefined;
      return preregistered.get(id) ?? 'removed';
    },
    isLetIn: id => !namesDocument(id) || documents?.isLetIn(id) === true,
    keys: async ({ metadata }, kid) => documents?.keys(metadata, kid, log) ?? [],
    markUsed: id => registered.markUsed(id),
  };
}
