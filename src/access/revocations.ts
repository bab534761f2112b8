import { hashOf } from '../keys/hash.ts';
import type { AccessToken } from './access-token.ts';
import { type PersonId, personKey } from './person.ts';

/**
 * What the MCP endpoint asks before it serves a token whose signature and times
 * are good: was what it rests on ended meanwhile?
 */
export interface Revocations {
  /**
   * @throws UnavailableError when the list of revocations is too old to be relied on
   */
  isRevoked(token: Pick<AccessToken, 'grantId' | 'person' | 'clientId' | 'signedInAt'>): Promise<boolean>;
}

/** Whose access an administrator has ended as a whole: all that a person has granted, or all that a client was granted. */
export type Party = { readonly person: PersonId } | { readonly clientId: string };

/** One entry of the list, by the name of what it stops; `at` where it stops what began until then, in milliseconds. */
export interface RevocationEntry {
  readonly name: string;
  readonly at?: number;
}

/** What entries are called. A client's id may be a URL of any length, so its hash stands for it. */
export const revocationNames = {
  grant: (grantId: string) => `g.${grantId}`,
  party: (party: Party) => ('person' in party ? `p.${personKey(party.person)}` : `c.${clientHash(party.clientId)}`),
  blocked: (clientId: string) => `b.${clientHash(clientId)}`,
};

const clientHash = (clientId: string) => hashOf('client', clientId);
