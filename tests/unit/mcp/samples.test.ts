import { expect, test, vi } from 'vitest';
import type { ToolContext } from '../../../src/mcp/define-tool.ts';
import exportUserNotes from '../../../src/mcp/tools/export-user-notes.ts';
import { samples } from '../../../src/samples.ts';

/** What a token needs for each: who may see notes, and who may change them. */
const SCOPES = {
  calculate_sum: [],
  delete_user_note: ['notes:write'],
  export_user_notes: ['notes:read'],
  get_server_info: [],
  get_user_notes: ['notes:read'],
  get_user_profile: ['profile'],
  note: ['notes:read'],
  save_user_note: ['notes:write'],
  summarize_notes: ['notes:read'],
};

test('nothing of a person is given, and nothing changed, without its scope', () => {
  const all = [...samples.tools, ...samples.resources, ...samples.prompts];
  expect(Object.fromEntries(all.map(({ name, scopes }) => [name, scopes]))).toEqual(SCOPES);
});

test('what changes or gives out nothing says so; what deletes is destructive', () => {
  const hints = Object.fromEntries(samples.tools.map(({ name, listing }) => [name, listing.annotations]));
  expect(hints.delete_user_note).toMatchObject({ destructiveHint: true });
  expect(hints.save_user_note).toMatchObject({ readOnlyHint: false, destructiveHint: false });
  for (const name of ['get_user_notes', 'export_user_notes', 'get_user_profile', 'calculate_sum', 'get_server_info']) {
    expect(hints[name], name).toMatchObject({ readOnlyHint: true });
  }
});

test('the export takes longer than other tools may, two at once, and reads no further when nobody waits', async () => {
  expect(exportUserNotes).toMatchObject({ timeLimitMs: 120_000, callsAtOnce: 2 });
  const gone = new AbortController();
  const page = vi.fn(async () => {
    if (page.mock.calls.length === 2) gone.abort();
    return { notes: [], nextCursor: 'next' };
  });
  const context = { person: {}, services: { notes: { page } }, signal: gone.signal, progress() {}, clientLog() {} };
  await expect(exportUserNotes.call({}, context as unknown as ToolContext)).rejects.toThrow('abort');
  expect(page).toHaveBeenCalledTimes(2);
});
