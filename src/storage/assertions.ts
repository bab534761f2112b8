import { hashOf } from '../keys/hash.ts';
import { expiryHour } from './expiry.ts';
import type { Tables } from './tables.ts';

/** The table `assertions`: the names of clients' signed assertions that were used, until they expire. */
export interface Assertions {
  /**
   * Claims an assertion's name for one request. One trip, two where it was claimed.
   * @param nonce that request's own: asked again with it, the answer is the same
   * @returns `false` when another request has it
   */
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
  const table = tables.table('assertions');
  return {
    async claim({ clientId, jti, expiresAt }, nonce) {
      const keys = {
        partitionKey: expiryHour(expiresAt),
        rowKey: hashOf('client assertion', `${clientId}\n${jti}`),
      };
      if ((await table.write({ type: 'insert', row: { ...keys, nonce } })) === 'written') return true;
      // Somebody else's claim, or our own whose answer was lost.
      return (await table.read<{ nonce: string }>(keys))?.nonce === nonce;
    },
  };
}
