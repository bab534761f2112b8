import type { PersonId } from '../../access/person.ts';
import type { FormParameters } from '../../http/body.ts';
import { isNoteId, type Note, type Notes } from '../../storage/notes.ts';
import { LONGEST_QUERY, type NotesProps } from '../../web/index.ts';

/** Notes on a page. */
const SHOWN = 20;
/** Notes that one request of a search reads at the most, give or take a query, and that one query does. */
const READ_AT_MOST = 500;
const ONE_QUERY = 100;

/** A place among the notes: what is searched for, and the note that the page begins after. */
export type NotesPlace = Pick<NotesProps, 'query' | 'from'>;

/** The place that a query or a form names by `q` and `from`. */
export function placeOf(parameters: FormParameters): NotesPlace {
  const query = parameters.get('q')?.trim().slice(0, LONGEST_QUERY);
  const from = parameters.get('from');
  return { query: query || undefined, from: from && isNoteId(from) ? from : undefined };
}

/**
 * A page of a person's notes, newest first: all of them in one query, or those
 * that contain a text, whatever its case. A search reads 500 notes and then says
 * how far it came.
 */
export async function notesPage(
  notes: Pick<Notes, 'page'>,
  person: PersonId,
  { query, from }: NotesPlace,
): Promise<NotesProps> {
  if (query === undefined) {
    const page = await notes.page({ person, cursor: from, limit: SHOWN });
    return { from, notes: page.notes.map(toProps), next: page.nextCursor };
  }
  const wanted = comparable(query);
  const found: Note[] = [];
  const result = (rest: Pick<NotesProps, 'next' | 'lookedBackTo'>) => ({
    query,
    from,
    notes: found.map(toProps),
    ...rest,
  });
  let last: Note | undefined;
  for (let read = 0; read < READ_AT_MOST; ) {
    const page = await notes.page({ person, cursor: last?.id ?? from, limit: ONE_QUERY });
    for (const note of page.notes) {
      if (comparable(note.text).includes(wanted)) found.push(note);
      if (found.length === SHOWN) return result({ next: note.id });
      last = note;
    }
    if (!page.nextCursor) return result({});
    read += page.notes.length;
  }
  return result({ next: last?.id, lookedBackTo: last && new Date(last.savedAt) });
}

/** The same whatever the case, and whichever way accents are written (Unicode NFC). */
const comparable = (text: string) => text.normalize('NFC').toLowerCase();

function toProps({ id, text, savedAt }: Note): NotesProps['notes'][number] {
  return { id, text, savedAt: new Date(savedAt) };
}
