import { createHash } from 'node:crypto';
import { type PersonId, personKey } from '../access/person.ts';
import { UnavailableError } from '../http/errors.ts';
import type { RandomBytes } from '../keys/random.ts';
import { type Columns, odata, type Table, type Tables, type TransactionWrite } from './tables.ts';

/**
 * The notes of people. A person is a partition, and everything about their
 * notes lies in it, so that what must change together is one transaction and
 * one trip:
 *
 * - `n<id>` is a note. The id begins with the inverted time, so that row order
 *   is newest first, and ends with 128 random bits.
 * - `s<slot>` holds a note's place among as many as a person may have. Two
 *   notes cannot share one, so the limit holds exactly, whoever saves where,
 *   and no counter is fought over.
 * - `k<hash>` holds an idempotency key. It goes with its note: nothing is left
 *   to purge, and the key is remembered as long as the note lives.
 *
 * The id names its slot and its key, so a delete needs no read.
 */

/** A note's length at most, in Unicode code points: at four bytes each 64,000, within the 64 KiB of a column. */
export const LONGEST_NOTE = 16_000;

/** How many notes a person may have, unless the setting says otherwise. */
export const NOTES_PER_PERSON = 10_000;

/** A note of a person's. */
export interface Note {
  /** 49 characters of `[0-9a-z]`; names the note for its person only. */
  readonly id: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly savedAt: number;
}

/** What became of a note that was to be saved. */
export type SaveOutcome =
  /** `repeated`: this idempotency key saved this very text before; the id is that note's. */
  | { readonly outcome: 'saved' | 'repeated'; readonly id: string; readonly savedAt: number }
  /** The person has as many notes as they may. */
  | { readonly outcome: 'full' }
  /** The idempotency key saved another text before. */
  | { readonly outcome: 'key reused' };

/** Some of a person's notes. */
export interface NotePage {
  /** Newest first. */
  readonly notes: readonly Note[];
  /** Where the next page begins; absent on the last one. */
  readonly nextCursor?: string;
}

/** Every operation throws UnavailableError when storage cannot be reached. */
export interface Notes {
  /**
   * Saves a note; one trip, more only when its slot turns out to be taken.
   * @param note 1 to {@link LONGEST_NOTE} code points, well-formed Unicode
   */
  save(note: { person: PersonId; note: string; idempotencyKey?: string | undefined }): Promise<SaveOutcome>;
  /**
   * One page, one trip.
   * @param cursor a former page's `nextCursor`; see {@link isNoteId}
   * @param beginning how the ids begin of the only notes that are wanted: up to 49 of their characters
   * @param limit 1 to 100
   */
  page(query: {
    person: PersonId;
    cursor?: string | undefined;
    beginning?: string | undefined;
    limit: number;
  }): Promise<NotePage>;
  /** One note, one trip. */
  read(note: { person: PersonId; id: string }): Promise<Note | undefined>;
  /** Deletes a note; one trip; `false` when it was not there. */
  remove(note: { person: PersonId; id: string }): Promise<boolean>;
}

export interface NotesOptions {
  /** Milliseconds since the epoch. */
  now: () => number;
  random: RandomBytes;
  /**
   * How many notes a person may have, 1 to 65,536. Those of a larger limit
   * before stay; no more are saved than the new limit has free slots.
   */
  limit?: number;
}

/** Whether a text has the form of a note's id, and so of a cursor. */
export function isNoteId(text: string): boolean {
  return ID.test(text);
}

/** Inverted time (12), slot (4), whether an idempotency key is kept (1), its hash or random bits (32). */
const ID = /^[0-9a-f]{16}[kr][0-9a-f]{32}$/;
const LAST_TIME = 2 ** 48 - 1;
const MOST_SLOTS = 2 ** 16;
/** More can fail only when other instances fill the slots in the same moment. */
const ATTEMPTS = 5;
/** For how many people one instance remembers which slots are taken. */
const REMEMBERED_PEOPLE = 500;

interface NoteRow extends Columns {
  text: string;
}

interface KeyRow extends Columns {
  id: string;
  textHash: string;
}

/** @throws RangeError for a limit that is out of range */
export function openNotes(tables: Tables, { now, random, limit = NOTES_PER_PERSON }: NotesOptions): Notes {
  if (!(limit >= 1 && limit <= MOST_SLOTS)) throw new RangeError(`a person may have 1 to ${MOST_SLOTS} notes`);
  const table = tables.table('notes');
  const slots = new Slots(table, limit, random);

  return {
    async save({ person, note, idempotencyKey }) {
      const partitionKey = personKey(person);
      const keyHash = idempotencyKey === undefined ? undefined : sha256(idempotencyKey).slice(0, 32);
      const textHash = sha256(note);
      const earlier = async (ownId?: string): Promise<SaveOutcome | undefined> => {
        if (keyHash === undefined) return undefined;
        const row = await table.read<KeyRow>({ partitionKey, rowKey: `k${keyHash}` });
        if (!row) return undefined;
        if (row.textHash !== textHash) return { outcome: 'key reused' };
        return { outcome: row.id === ownId ? 'saved' : 'repeated', id: row.id, savedAt: savedAt(row.id) };
      };

      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const slot = await slots.choose(partitionKey);
        if (slot === undefined) return (await earlier()) ?? { outcome: 'full' };
        const id = [
          (LAST_TIME - now()).toString(16).padStart(12, '0'),
          slotName(slot),
          keyHash ? `k${keyHash}` : `r${Buffer.from(random(16)).toString('hex')}`,
        ].join('');
        const insert = (rowKey: string, columns: Columns): TransactionWrite => ({
          type: 'insert',
          row: { partitionKey, rowKey, ...columns },
        });
        const outcome = await table.transaction([
          insert(`n${id}`, { text: note }),
          insert(`s${slotName(slot)}`, { id }),
          ...(keyHash ? [insert(`k${keyHash}`, { id, textHash })] : []),
        ]);
        const saved = { outcome: 'saved', id, savedAt: savedAt(id) } as const;
        if (outcome === 'written') return saved;
        // A lost reply looks like a lost race: who finds the row under the id of this very attempt won.
        const before = keyHash
          ? await earlier(id)
          : (await table.read({ partitionKey, rowKey: `n${id}` }))
            ? saved
            : undefined;
        if (before) return before;
        await slots.load(partitionKey);
      }
      throw new UnavailableError('storage', new Error('the notes of this person are being written by many at once'));
    },

    async page({ person, cursor, beginning = '', limit: size }) {
      if (cursor !== undefined && !isNoteId(cursor)) throw new TypeError('a cursor is the id of a note');
      // Nothing in an id comes after a tilde.
      const [from, to] = [`n${cursor ?? beginning}`, `n${beginning}~`];
      const filter = odata`PartitionKey eq ${personKey(person)} and RowKey gt ${from} and RowKey lt ${to}`;
      let { rows, continuation } = await table.page<NoteRow>(filter, size + 1);
      // Azure may stop early, even with nothing in its hands yet.
      while (rows.length === 0 && continuation) {
        ({ rows, continuation } = await table.page<NoteRow>(filter, size + 1, continuation));
      }
      const notes = rows.slice(0, size).map(row => toNote(row.rowKey.slice(1), row.text));
      const last = notes.at(-1);
      return last && (rows.length > size || continuation) ? { notes, nextCursor: last.id } : { notes };
    },

    async read({ person, id }) {
      if (!isNoteId(id)) return undefined;
      const row = await table.read<NoteRow>({ partitionKey: personKey(person), rowKey: `n${id}` });
      return row && toNote(id, row.text);
    },

    async remove({ person, id }) {
      if (!isNoteId(id)) return false;
      const partitionKey = personKey(person);
      const drop = (rowKey: string): TransactionWrite => ({ type: 'delete', keys: { partitionKey, rowKey } });
      const slot = id.slice(12, 16);
      const outcome = await table.transaction([
        drop(`n${id}`),
        drop(`s${slot}`),
        ...(id[16] === 'k' ? [drop(`k${id.slice(17)}`)] : []),
      ]);
      // After a lost reply this is `false` for a note that was there: it is gone in any case.
      if (outcome !== 'written') return false;
      slots.free(partitionKey, Number.parseInt(slot, 16));
      return true;
    },
  };
}

/**
 * Which slots to try. At first one picks at random, which misses as rarely as
 * the person has few notes; after a miss this instance knows which are taken.
 * What it knows is a hint, the insert decides.
 */
class Slots {
  readonly #table: Table;
  readonly #limit: number;
  readonly #random: RandomBytes;
  /** By person, least lately read first: 1 where a slot is taken. */
  readonly #taken = new Map<string, Uint8Array>();

  constructor(table: Table, limit: number, random: RandomBytes) {
    this.#table = table;
    this.#limit = limit;
    this.#random = random;
  }

  /** A slot that may be free, and is not given to another save of this instance; `undefined` when all are taken. */
  async choose(partitionKey: string): Promise<number | undefined> {
    const start = Buffer.from(this.#random(4)).readUInt32BE() % this.#limit;
    const known = this.#taken.get(partitionKey);
    // Where nothing seems free, other instances may have deleted meanwhile.
    return known ? (takeFrom(known, start) ?? takeFrom(await this.load(partitionKey), start)) : start;
  }

  /** Says that a note has given its slot back. */
  free(partitionKey: string, slot: number): void {
    const known = this.#taken.get(partitionKey);
    if (known && slot < known.length) known[slot] = 0;
  }

  /** Reads all taken slots; a thousand a trip. */
  async load(partitionKey: string): Promise<Uint8Array> {
    const taken = new Uint8Array(this.#limit);
    const filter = odata`PartitionKey eq ${partitionKey} and RowKey ge ${'s'} and RowKey lt ${'t'}`;
    let continuation: string | undefined;
    do {
      const page = await this.#table.page(filter, 1000, continuation);
      for (const { rowKey } of page.rows) {
        const slot = Number.parseInt(rowKey.slice(1), 16);
        if (slot < taken.length) taken[slot] = 1;
      }
      continuation = page.continuation;
    } while (continuation);
    this.#taken.delete(partitionKey);
    this.#taken.set(partitionKey, taken);
    const [oldest] = this.#taken.keys();
    if (this.#taken.size > REMEMBERED_PEOPLE && oldest !== undefined) this.#taken.delete(oldest);
    return taken;
  }
}

/** Takes the first free slot from `start` on and around. */
function takeFrom(taken: Uint8Array, start: number): number | undefined {
  const after = taken.indexOf(0, start);
  const free = after >= 0 ? after : taken.indexOf(0);
  if (free < 0) return undefined;
  taken[free] = 1;
  return free;
}

function slotName(slot: number): string {
  return slot.toString(16).padStart(4, '0');
}

function savedAt(id: string): number {
  return LAST_TIME - Number.parseInt(id.slice(0, 12), 16);
}

function toNote(id: string, text: string): Note {
  return { id, text, savedAt: savedAt(id) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
