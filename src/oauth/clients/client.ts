import { createHash } from 'node:crypto';
import type { JWK } from 'jose';
import type { RequestContext } from '../../http/endpoint.ts';
import type { Taken } from '../../http/rate-limit.ts';
import { hashOf } from '../../keys/hash.ts';
import { equalInConstantTime } from '../../keys/key-ring.ts';
import type { ClientMetadata } from './client-metadata.ts';

/** A client as this server knows it. */
export interface Client {
  readonly id: string;
  /** Whose word it is: the client's own, its metadata document's, or the operator's. */
  readonly source: 'registered' | 'document' | 'preregistered';
  readonly metadata: ClientMetadata;
  /** Present where the client has a secret; see {@link isSecretOf}. */
  readonly secretHash?: string;
  /** The one resource that the operator lets it ask for; absent: any. */
  readonly resource?: string;
  /** Whether it registered itself and no token was ever issued to it; its first one keeps its registration for ever. */
  readonly unused: boolean;
}

/** Where clients are looked up, by their `client_id`. */
export interface ClientDirectory {
  /**
   * The client of an id; `undefined` for an unknown one.
   * @param context whose log tells what was fetched; absent: the app's own
   * @param countFetch where anybody may ask: counts what has to be fetched for it
   * @throws TooManyRequestsError where that is too much
   * @throws UnavailableError when it cannot be known now: storage or the document's host is down
   * @throws ClientDocumentError when the id names a document that is refused
   */
  find(id: string, context?: RequestContext, countFetch?: () => Taken): Promise<Client | undefined>;
  /**
   * Which secret and resource a client has now, where the operator has registered it: settings change while grants live.
   * @returns `undefined` for clients that are not the operator's
   */
  ofOperator(id: string): Pick<Client, 'secretHash' | 'resource'> | 'removed' | undefined;
  /** Whether the operator lets clients of such an id in at all, whatever they say of themselves. */
  isLetIn(id: string): boolean;
  /**
   * The public keys that verify a client's assertions, fetched anew when none has
   * this `kid`.
   * @throws UnavailableError, ClientDocumentError as `find` does
   */
  keys(client: Client, kid: string | undefined): Promise<readonly JWK[]>;
  /** Records that a token was issued to a client that registered itself. */
  markUsed(id: string): Promise<void>;
}

/** Whether a secret is the one whose hash was kept: of our own making, or the plain SHA-256 that an operator has set. */
export function isSecretOf(secretHash: string, secret: string): boolean {
  const plain = secretHash.startsWith(PLAIN);
  const hash = plain
    ? PLAIN + createHash('sha256').update(secret).digest('base64url')
    : hashOf('client secret', secret);
  return equalInConstantTime(secretHash, hash);
}

/** Begins the `secretHash` of a secret that this server did not make. */
export const PLAIN = 'sha256:';
