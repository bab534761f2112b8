import { hashOf } from '../keys/hash.ts';
import { expiryHour } from './expiry.ts';
import type { Tables } from './tables.ts';

/** The table `assertions`: the names of what may be used once, until it expires. */
export interface UsedNames {
  /**
   * Claims a name for one request. One trip, two where it was claimed.
   * @param nonce that request's own: asked again with it, the answer is the same
   * @returns `false` when another request has it
   * @throws UnavailableError
   */
  claim(used: UsedName, nonce: string): Promise<boolean>;
}

export interface UsedName {
  /** Unique among those of its kind. */
  readonly name: string;
  /** When nobody accepts it any more, in milliseconds. */
  readonly expiresAt: number;
}

/** The used names of one kind. */
export function openUsedNames(tables: Tables, kind: 'client assertion' | 'request state'): UsedNames {
  const table = tables.table('assertions');
  return {
    async claim({ name, expiresAt }, nonce) {
      const keys = { partitionKey: expiryHour(expiresAt), rowKey: hashOf(kind, name) };
      if ((await table.write({ type: 'insert', row: { ...keys, nonce } })) === 'written') return true;
      // Somebody else's claim, or our own whose answer was lost.
      return (await table.read<{ nonce: string }>(keys))?.nonce === nonce;
    },
  };
}

/** The clients' signed assertions that were used. */
export interface Assertions {
  /** As {@link UsedNames.claim}. */
  claim(assertion: UsedAssertion, nonce: string): Promise<boolean>;
}

export interface UsedAssertion {
  readonly clientId: string;
  /** RFC 7519 section 4.1.7: unique among the client's own. */
  readonly jti: string;
  /** When nobody accepts it any more, in milliseconds. */
  readonly expiresAt: number;
}

export function openAssertions(tables: Tables): Assertions {
  const used = openUsedNames(tables, 'client assertion');
  return {
    claim: ({ clientId, jti, expiresAt }, nonce) => used.claim({ name: `${clientId}\n${jti}`, expiresAt }, nonce),
  };
}
