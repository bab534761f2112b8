import { isNoteId } from '../../storage/notes.ts';
import { defineResource } from '../define-resource.ts';
import { titleOf } from '../note-title.ts';

/** How many ids a completion looks at: as many as an answer may hold. */
const SUGGESTED = 100;
/** Of an id. */
const BEGINNING = /^[0-9a-z]{0,49}$/;

export default defineResource({
  uri: 'note://{id}',
  name: 'note',
  title: 'Note',
  description: 'A note of yours',
  mimeType: 'text/plain',
  scopes: ['notes:read'],

  async list({ cursor, limit }, { person, services }) {
    const { notes, nextCursor } = await services.notes.page({ person, limit, cursor });
    return {
      resources: notes.map(note => ({
        variables: { id: note.id },
        name: note.id,
        title: titleOf(note),
        size: Buffer.byteLength(note.text),
        lastModified: note.savedAt,
      })),
      cursor: nextCursor,
    };
  },

  complete: {
    async id(written, { person, services }) {
      if (!BEGINNING.test(written)) return [];
      if (isNoteId(written)) return (await services.notes.read({ person, id: written })) ? [written] : [];
      const page = await services.notes.page({ person, limit: SUGGESTED, beginning: written });
      return { values: page.notes.map(({ id }) => id), hasMore: page.nextCursor !== undefined };
    },
  },

  async read({ id }, { person, services }) {
    // Whether another person has a note of this id is never told.
    return (await services.notes.read({ person, id }))?.text;
  },
});
