import * as z from 'zod';
import { LONGEST_NOTE } from '../../storage/notes.ts';
import { defineTool, ToolError } from '../define-tool.ts';

export default defineTool({
  name: 'save_user_note',
  title: 'Save a note',
  description: 'Saves a note for the signed-in person. Only they can read, list or delete it.',
  scopes: ['notes:write'],
  input: z.object({
    note: z
      .string()
      .refine(text => text.trim() !== '', 'A note cannot be empty.')
      .refine(text => characters(text) <= LONGEST_NOTE, `A note holds ${LONGEST_NOTE} characters at most.`)
      .refine(text => !/\p{Surrogate}/u.test(text), 'A note must be valid Unicode; this one holds half a character.')
      .meta({ minLength: 1, maxLength: LONGEST_NOTE, description: 'The text' }),
    idempotency_key: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Any text of your own, such as a UUID. Saving again with the same key and text makes no second note.'),
  }),
  output: z.object({
    id: z.string(),
    saved_at: z.iso.datetime(),
    repeated: z.boolean().describe('Whether this note was saved before with the same idempotency_key'),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async handler({ note, idempotency_key }, { person, services }) {
    const saved = await services.notes.save({ person, note, idempotencyKey: idempotency_key });
    switch (saved.outcome) {
      case 'full':
        throw new ToolError('You have as many notes as you may. Delete some, then save again.');
      case 'key reused':
        throw new ToolError('This idempotency_key saved another text before. Use a new key for a new note.');
      default:
        return {
          id: saved.id,
          saved_at: new Date(saved.savedAt).toISOString(),
          repeated: saved.outcome === 'repeated',
        };
    }
  },
});

/** Unicode code points, as JSON Schema counts a text's length; not more than the limit is ever counted. */
function characters(text: string): number {
  if (text.length <= LONGEST_NOTE || text.length > 2 * LONGEST_NOTE) return text.length;
  return [...text].length;
}
