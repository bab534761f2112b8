import * as z from 'zod';
import { isNoteId } from '../../storage/notes.ts';
import { defineTool } from '../define-tool.ts';

/** How many notes are read at a time. */
const PAGE = 100;
/** In bytes of the notes' text; the answer holds it twice, as text and as structured content. */
const LARGEST_EXPORT = 1024 * 1024;

export default defineTool({
  name: 'export_user_notes',
  title: 'Export my notes',
  description:
    'Gives all notes of the signed-in person at once, newest first, up to a megabyte; then next_cursor leads to the rest.',
  scopes: ['notes:read'],
  input: z.object({
    cursor: z
      .string()
      .refine(isNoteId, 'This is no cursor of export_user_notes. Leave it out to begin with the newest note.')
      .optional()
      .describe('next_cursor of the export before'),
  }),
  output: z.object({
    notes: z.array(z.object({ id: z.string(), note: z.string(), saved_at: z.iso.datetime() })),
    count: z.int(),
    next_cursor: z.string().optional().describe('There are older notes: give this as cursor to get them'),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  timeLimitSeconds: 120,
  // It holds megabytes until it is done.
  callsAtOnce: 2,
  async handler({ cursor }, { person, services, signal, progress, clientLog }) {
    const notes: { id: string; note: string; saved_at: string }[] = [];
    let bytes = 0;
    let next = cursor;
    do {
      // Nobody waits for the rest any more.
      signal.throwIfAborted();
      const page = await services.notes.page({ person, limit: PAGE, cursor: next });
      next = page.nextCursor;
      for (const { id, text, savedAt } of page.notes) {
        bytes += Buffer.byteLength(text);
        if (bytes > LARGEST_EXPORT) {
          clientLog('notice', `The export is full with ${notes.length} notes. Ask for the rest with next_cursor.`);
          return { notes, count: notes.length, next_cursor: notes.at(-1)?.id };
        }
        notes.push({ id, note: text, saved_at: new Date(savedAt).toISOString() });
      }
      clientLog('debug', `A page of ${page.notes.length} notes, ${bytes} bytes so far.`);
      progress(notes.length, undefined, `${notes.length} notes`);
    } while (next);
    return { notes, count: notes.length };
  },
});
