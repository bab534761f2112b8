import type { JWK } from 'jose';
import type { Logger } from '../../../log.ts';
import { readKeySet } from '../assertion-keys.ts';
import type { ClientMetadata } from '../client-metadata.ts';
import { ClientDocumentError } from './client-document-error.ts';
import { type Asker, createDocumentCache } from './document-cache.ts';
import { readDocumentMetadata } from './document-metadata.ts';
import type { FetchDocument } from './public-fetch.ts';
import { documentUrlProblem } from './public-url.ts';

/** Clients that are named by the URL of a document that describes them. */
export interface ClientDocuments {
  /** Whether the operator's lists let a client id's host in; `false` too for what is no such id. */
  isLetIn(id: string): boolean;
  /**
   * What the document of a client id says.
   * @throws ClientDocumentError when the id, its host or the document is refused
   * @throws UnavailableError when it is not known yet and cannot be fetched now
   * @throws TooManyRequestsError when its asker asks for too many
   */
  find(id: string, asker: Asker): Promise<ClientMetadata>;
  /**
   * The keys that verify a client's assertions; fetched again for a `kid` that is
   * not among them, at most once a minute.
   * @throws ClientDocumentError UnavailableError as {@link ClientDocuments.find} does
   */
  keys(metadata: ClientMetadata, kid: string | undefined, log: Logger): Promise<readonly JWK[]>;
}

export interface ClientDocumentsOptions {
  readonly fetchDocument: FetchDocument;
  /** Hosts of documents, `*.example.com` for all below; absent: every public one. */
  readonly allowlist?: readonly string[];
  /** Hosts that are refused whatever the other list says, those of keys too. */
  readonly denylist: readonly string[];
  /** Of redirect URIs, besides the known ones, without the colon. */
  readonly privateUseSchemes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** In bytes. Sets of keys carry certificates at times. */
const DOCUMENT_LIMIT = 5 * 1024;
const KEYS_LIMIT = 16 * 1024;

/** How old keys may be when an assertion names one that is not among them, in milliseconds. */
const KEYS_NEWER_THAN = 60_000;

export function createClientDocuments(options: ClientDocumentsOptions): ClientDocuments {
  const { fetchDocument, allowlist, denylist, privateUseSchemes, now } = options;
  const shared = { fetchDocument, now };
  const documents = createDocumentCache({
    ...shared,
    name: 'The application’s metadata document',
    limit: DOCUMENT_LIMIT,
    read: (json, url) => readDocumentMetadata(json, url, privateUseSchemes),
  });
  const keySets = createDocumentCache({
    ...shared,
    name: 'The application’s key set',
    limit: KEYS_LIMIT,
    read: readKeySet,
  });

  function isLetIn(id: string): boolean {
    if (documentUrlProblem(id)) return false;
    const { hostname } = new URL(id);
    return !isListed(hostname, denylist) && (!allowlist || isListed(hostname, allowlist));
  }

  return {
    isLetIn,
    async find(id, asker) {
      const problem = documentUrlProblem(id);
      if (problem) throw new ClientDocumentError(`The client_id, which is to name a document, ${problem}`);
      if (!isLetIn(id)) throw notLetIn();
      return documents.find(id, asker);
    },
    async keys({ jwks, jwks_uri }, kid, log) {
      if (jwks) return jwks.keys;
      if (!jwks_uri) throw new ClientDocumentError('The application’s metadata document names no keys any more');
      if (isListed(new URL(jwks_uri).hostname, denylist)) throw notLetIn();
      const keys = await keySets.find(jwks_uri, { log });
      if (kid === undefined || keys.some(key => key.kid === kid)) return keys;
      return keySets.find(jwks_uri, { log }, KEYS_NEWER_THAN);
    },
  };
}

/** Whether a host is on a list, by its name or by that of a domain above. */
function isListed(hostname: string, list: readonly string[]): boolean {
  return list.some(entry => (entry.startsWith('*.') ? hostname.endsWith(entry.slice(1)) : hostname === entry));
}

function notLetIn(): ClientDocumentError {
  return new ClientDocumentError(
    'Applications of this host are not let in here',
    'Ask whoever runs this server to put the host on the list of those that are.',
  );
}
