import * as z from 'zod';
import { isNoteId } from '../../storage/notes.ts';
import { defineTool } from '../define-tool.ts';

export default defineTool({
  name: 'get_user_notes',
  title: 'List my notes',
  description: 'Lists the notes of the signed-in person, newest first, a page at a time.',
  scopes: ['notes:read'],
  input: z.object({
    limit: z.int().min(1).max(100).default(20).describe('How many notes a page holds'),
    cursor: z
      .string()
      .refine(isNoteId, 'This is no cursor of get_user_notes. Leave it out to begin with the newest note.')
      .optional()
      .describe('next_cursor of the page before'),
  }),
  output: z.object({
    notes: z.array(z.object({ id: z.string(), note: z.string(), saved_at: z.iso.datetime() })),
    next_cursor: z.string().optional().describe('There are older notes: give this as cursor to get them'),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async handler({ limit, cursor }, { person, services }) {
    const { notes, nextCursor } = await services.notes.page({ person, limit, cursor });
    return {
      notes: notes.map(({ id, text, savedAt }) => ({ id, note: text, saved_at: new Date(savedAt).toISOString() })),
      next_cursor: nextCursor,
    };
  },
});
