import { Csrf, Moment } from './parts.tsx';

export interface NoteProps {
  readonly id: string;
  readonly text: string;
  readonly savedAt: Date;
}

export interface NotesProps {
  /** Newest first. */
  readonly notes: readonly NoteProps[];
  /** What was searched for. */
  readonly query?: string | undefined;
  /** Where this page begins; absent on the first. */
  readonly from?: string | undefined;
  /** Where the next page begins; absent on the last. */
  readonly next?: string | undefined;
  /** The oldest note that a search has looked at, where it stopped before the last one. */
  readonly lookedBackTo?: Date | undefined;
}

/** Length and lines of a note that is shown whole. */
const SHORT = { characters: 400, lines: 8 };

/** The longest text to search for, in characters. */
export const LONGEST_QUERY = 200;

/** The notes that tools have saved: searched by a GET, so that a result can be gone back to; deleted by a post. */
export function Notes(props: NotesProps & { csrf: string }) {
  const { notes, query, from, next } = props;
  return (
    <section aria-labelledby="notes">
      <div class="intro">
        <h2 id="notes">Your notes</h2>
        <p class="soft">What tools have saved for you, newest first.</p>
      </div>
      {notes.length > 0 || query || from ? <Search query={query} /> : null}
      {notes.length > 0 ? (
        <ul class="list">
          {notes.map((note, index) => (
            <SavedNote note={note} page={props} id={`note-${index}`} />
          ))}
        </ul>
      ) : null}
      <p class="soft">{summary(props)}</p>
      {from || next || query ? (
        <nav class="row" aria-label="Notes">
          {next ? (
            <a class="button small" href={link({ query, from: next })}>
              {query ? 'Look further' : 'Older notes'}
            </a>
          ) : null}
          {from ? <a href={link({ query })}>{query ? 'First results' : 'Newest notes'}</a> : null}
          {query ? <a href={link({})}>All notes</a> : null}
        </nav>
      ) : null}
    </section>
  );
}

function Search({ query }: { query: string | undefined }) {
  return (
    <search>
      <form method="get" action="/account#notes">
        <div>
          <label for="q">Search your notes</label>
          <div class="row">
            <input id="q" name="q" type="text" maxlength={LONGEST_QUERY} value={query ?? ''} autocomplete="off" />
            <button type="submit">Search</button>
          </div>
        </div>
      </form>
    </search>
  );
}

/** What there is to say beside the list. */
function summary({ notes, query, from, lookedBackTo }: NotesProps) {
  if (lookedBackTo) {
    return (
      <>
        Looked back to <Moment at={lookedBackTo} />
        {notes.length > 0 ? '.' : ', and found none with this text.'}
      </>
    );
  }
  if (notes.length > 0) return null;
  if (query) return from ? 'No more notes with this text.' : 'No note has this text.';
  return from ? 'No older notes.' : 'Nothing is saved.';
}

function SavedNote({ note, page, id }: { note: NoteProps; page: NotesProps & { csrf: string }; id: string }) {
  const beginning = beginningOf(note.text);
  return (
    <li>
      <bdi class="text" id={id}>
        {beginning ?? note.text}
      </bdi>
      {beginning === undefined ? null : (
        <details>
          <summary aria-describedby={id}>The whole note</summary>
          <bdi class="text">{note.text}</bdi>
        </details>
      )}
      <div class="row">
        <p class="soft grow">
          <Moment at={note.savedAt} />
        </p>
        <details>
          <summary aria-describedby={id}>Delete</summary>
          <form method="post" action="/account">
            <input type="hidden" name="action" value="delete-note" />
            <input type="hidden" name="note_id" value={note.id} />
            {page.query ? <input type="hidden" name="q" value={page.query} /> : null}
            {page.from ? <input type="hidden" name="from" value={page.from} /> : null}
            <Csrf value={page.csrf} />
            <button type="submit" class="small" aria-describedby={id}>
              Delete this note for good
            </button>
          </form>
        </details>
      </div>
    </li>
  );
}

/** What is shown of a long note at first; `undefined` for one that is short enough. */
function beginningOf(text: string): string | undefined {
  const characters = [...text];
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/);
  if (characters.length <= SHORT.characters && lines.length <= SHORT.lines) return undefined;
  return `${[...lines.slice(0, SHORT.lines).join('\n')].slice(0, SHORT.characters).join('')}…`;
}

/** The account page at a place among the notes. */
export function link({ query, from }: { query?: string | undefined; from?: string | undefined }): string {
  const parameters = new URLSearchParams({ ...(query ? { q: query } : {}), ...(from ? { from } : {}) });
  return `/account${parameters.size > 0 ? `?${parameters}` : ''}#notes`;
}
