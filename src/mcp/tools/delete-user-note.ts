import * as z from 'zod';
import { isNoteId } from '../../storage/notes.ts';
import { defineTool, ToolError } from '../define-tool.ts';
import { titleOf } from '../note-title.ts';

export default defineTool({
  name: 'delete_user_note',
  title: 'Delete a note',
  description:
    'Deletes a note of the signed-in person, who is asked first where the client can. Deleting one that is gone is no error.',
  scopes: ['notes:write'],
  input: z.object({ id: z.string().describe('The id that save_user_note or get_user_notes gave') }),
  output: z.object({ deleted: z.boolean(), message: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async handler({ id }, { person, services, confirm }) {
    if (!isNoteId(id)) throw new ToolError('This is no id of a note. get_user_notes lists the ids of yours.');
    await confirm(async () => {
      const note = await services.notes.read({ person, id });
      return note && `Delete the note “${titleOf(note)}”? It cannot be brought back.`;
    });
    const deleted = await services.notes.remove({ person, id });
    return { deleted, message: deleted ? 'The note is deleted.' : 'There was no such note; nothing was deleted.' };
  },
});
