import { personKey } from '../../access/person.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { RandomBytes } from '../../keys/random.ts';
import type { GrantKey } from '../../storage/grants.ts';
import { joinText, type LongText, splitText } from '../../storage/long-text.ts';

/**
 * Entra's own tokens for a person. They lie sealed in the row that they belong
 * to, first the sign-in's, then the grant's, and open in that row alone: rows
 * cannot be swapped, and a copy of the storage is worth nothing.
 */
export interface UpstreamTokens {
  readonly refreshToken: string;
}

export type UpstreamColumns = LongText<'upstreamTokens'>;

const PURPOSE = 'upstream tokens';

/** What a row is called to the seal. */
export const signinSeal = (signinId: string) => `signin ${signinId}`;
export const grantSeal = ({ person, grantId }: GrantKey) => `grant ${personKey(person)} ${grantId}`;

/** The columns that hold the tokens. */
export function sealUpstream(keys: KeyRing, random: RandomBytes, row: string, tokens: UpstreamTokens): UpstreamColumns {
  return splitText('upstreamTokens', keys.seal(PURPOSE, row, JSON.stringify(tokens), random));
}

/** The tokens of a row; `undefined` where there are none, or the key that sealed them is gone. */
export function openUpstream(keys: KeyRing, row: string, columns: UpstreamColumns): UpstreamTokens | undefined {
  const sealed = joinText('upstreamTokens', columns);
  const opened = sealed && keys.open(PURPOSE, row, sealed);
  return opened ? (JSON.parse(opened) as UpstreamTokens) : undefined;
}
