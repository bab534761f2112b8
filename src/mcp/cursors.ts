import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { type PersonId, personKey } from '../access/person.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RandomBytes } from '../keys/random.ts';

/** Where a page of a list begins. */
export interface Position {
  /** The place in the catalogue. */
  readonly at: number;
  /** The place within what stands there, where that is a list of its own. */
  readonly within?: string | undefined;
}

export interface CursorOptions {
  keys: () => Promise<KeyRing>;
  random: RandomBytes;
}

/** The key's label. */
const PURPOSE = 'cursor';

/** A position as a cursor: sealed, and good for this list and this person alone. */
export async function sealCursor(
  { keys, random }: CursorOptions,
  list: string,
  person: PersonId,
  { at, within }: Position,
): Promise<string> {
  return (await keys()).seal(PURPOSE, boundTo(list, person), JSON.stringify({ at, within }), random);
}

/**
 * The position that a cursor stands for; without one, the beginning.
 * @throws ProtocolError for what is no cursor of this list and this person
 */
export async function openCursor(
  { keys }: CursorOptions,
  list: string,
  person: PersonId,
  cursor: string | undefined,
): Promise<Position> {
  if (cursor === undefined) return { at: 0 };
  const opened = (await keys()).open(PURPOSE, boundTo(list, person), cursor);
  if (opened === undefined) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      'This is no cursor of this list. Begin again without one.',
    );
  }
  return JSON.parse(opened) as Position;
}

function boundTo(list: string, person: PersonId): string {
  return `${list} ${personKey(person)}`;
}
