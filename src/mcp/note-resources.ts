import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import type { PersonId } from '../access/person.ts';
import { isNoteId, type Note, type Notes } from '../storage/notes.ts';

/** A person's notes as MCP resources, `note://{id}`. */

const SCHEME = 'note://';
const MIME_TYPE = 'text/plain';
const PAGE = 100;
const LONGEST_TITLE = 60;

export const NOTE_TEMPLATES: ListResourceTemplatesResult = {
  resourceTemplates: [
    { uriTemplate: `${SCHEME}{id}`, name: 'note', title: 'Note', description: 'A note of yours', mimeType: MIME_TYPE },
  ],
};

/**
 * One page, newest first.
 * @throws ProtocolError for a cursor that is none of ours
 */
export async function listNotes(notes: Notes, person: PersonId, cursor?: string): Promise<ListResourcesResult> {
  if (cursor !== undefined && !isNoteId(cursor)) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      'This is no cursor of this list. Begin again without one.',
    );
  }
  const page = await notes.page({ person, limit: PAGE, ...(cursor ? { cursor } : {}) });
  return {
    resources: page.notes.map(note => ({
      uri: SCHEME + note.id,
      name: note.id,
      title: titleOf(note),
      mimeType: MIME_TYPE,
      size: Buffer.byteLength(note.text),
      annotations: { lastModified: new Date(note.savedAt).toISOString() },
    })),
    ...(page.nextCursor ? { nextCursor: page.nextCursor } : {}),
  };
}

/** @throws ResourceNotFoundError for what is no note of this person, whether or not it is one of another */
export async function readNote(notes: Notes, person: PersonId, uri: string): Promise<ReadResourceResult> {
  const note = uri.startsWith(SCHEME) ? await notes.read({ person, id: uri.slice(SCHEME.length) }) : undefined;
  if (!note) throw new ResourceNotFoundError(uri);
  return { contents: [{ uri, mimeType: MIME_TYPE, text: note.text }] };
}

/** The beginning of the first line that holds something. */
function titleOf({ text }: Note): string {
  const [line = ''] = text.trimStart().split('\n', 1);
  const characters = [...line.slice(0, 2 * LONGEST_TITLE + 2)];
  return characters.length > LONGEST_TITLE ? `${characters.slice(0, LONGEST_TITLE).join('')}…` : line.trimEnd();
}
