import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type NotesOptions, openNotes } from '../../../src/storage/notes.ts';
import { openTables } from '../../../src/storage/tables.ts';
import { freshStorage } from '../../support/azurite.ts';
import { countTrips, startStorageProxy } from '../../support/storage-faults.ts';

const ada = { tid: 'tenant', oid: 'ada' };
const grace = { tid: 'tenant', oid: 'grace' };

/** A clock that moves on with every look. */
function ticking(): () => number {
  let now = Date.UTC(2026, 0, 1);
  return () => ++now;
}

let instances = 0;

/** Bytes that look random, other ones for each instance, and the same in every run. */
function seeded() {
  const instance = ++instances;
  let drawn = 0;
  return (length: number) => createHash('sha256').update(`${instance} ${++drawn}`).digest().subarray(0, length);
}

function start(options: Partial<NotesOptions> = {}) {
  const { accountName, connectionString } = freshStorage();
  const open = () =>
    openNotes(openTables({ connection: { connectionString } }), { now: ticking(), random: seeded(), ...options });
  return { accountName, connectionString, notes: open(), open };
}

async function saveAll(notes: ReturnType<typeof openNotes>, texts: readonly string[]) {
  const ids: string[] = [];
  for (const note of texts) {
    const saved = await notes.save({ person: ada, note });
    if (!('id' in saved)) throw new Error(saved.outcome);
    ids.push(saved.id);
  }
  return ids;
}

describe('pages', () => {
  test('show the newest first and lead to the last note', async () => {
    const { notes } = start();
    await saveAll(notes, ['1', '2', '3', '4', '5']);

    const first = await notes.page({ person: ada, limit: 2 });
    expect(first.notes.map(note => note.text)).toEqual(['5', '4']);
    const second = await notes.page({ person: ada, limit: 2, cursor: first.nextCursor });
    expect(second.notes.map(note => note.text)).toEqual(['3', '2']);
    const third = await notes.page({ person: ada, limit: 2, cursor: second.nextCursor });
    expect(third.notes.map(note => note.text)).toEqual(['1']);
    expect(third.nextCursor).toBeUndefined();
  });

  test('end where the notes end, though the page be full', async () => {
    const { notes } = start();
    await saveAll(notes, ['1', '2']);
    expect((await notes.page({ person: ada, limit: 2 })).nextCursor).toBeUndefined();
  });

  test('go on after a note that was deleted meanwhile', async () => {
    const { notes } = start();
    await saveAll(notes, ['1', '2', '3']);
    const { nextCursor } = await notes.page({ person: ada, limit: 1 });
    await notes.remove({ person: ada, id: nextCursor ?? '' });
    const rest = await notes.page({ person: ada, limit: 9, cursor: nextCursor });
    expect(rest.notes.map(note => note.text)).toEqual(['2', '1']);
  });

  test('never show the notes of another person, whatever cursor is given', async () => {
    const { notes } = start();
    await saveAll(notes, ['1', '2']);
    const { nextCursor } = await notes.page({ person: ada, limit: 1 });
    expect((await notes.page({ person: grace, limit: 9, cursor: nextCursor })).notes).toEqual([]);
    await expect(notes.page({ person: grace, limit: 9, cursor: "' or PartitionKey eq 'tenant.ada" })).rejects.toThrow(
      TypeError,
    );
  });
});

test('a note comes back as it was saved, to its person only', async () => {
  const { notes } = start();
  const text = `Ünïcödé ${'𝄞'.repeat(15_990)}\n'"`;
  const [id = ''] = await saveAll(notes, [text]);
  expect(await notes.read({ person: ada, id })).toEqual({ id, text, savedAt: Date.UTC(2026, 0, 1) + 1 });
  expect(await notes.read({ person: grace, id })).toBeUndefined();
  expect(await notes.remove({ person: grace, id })).toBe(false);
  expect(await notes.read({ person: ada, id })).toBeDefined();
});

test('deleting tells whether the note was there', async () => {
  const { notes } = start();
  const [id = ''] = await saveAll(notes, ['1']);
  expect(await notes.remove({ person: ada, id })).toBe(true);
  expect(await notes.remove({ person: ada, id })).toBe(false);
  expect(await notes.read({ person: ada, id })).toBeUndefined();
});

test('what is no id of a note is never sent to storage', async () => {
  const { accountName, notes } = start();
  const { trips } = await countTrips(accountName, async () => {
    expect(await notes.read({ person: ada, id: '../x' })).toBeUndefined();
    expect(await notes.remove({ person: ada, id: '' })).toBe(false);
  });
  expect(trips).toBe(0);
});

test('saving, reading, a page and deleting take one trip each', async () => {
  const { accountName, notes } = start();
  const [first = ''] = await saveAll(notes, ['the table is made by the first']);
  const saved = await countTrips(accountName, () => notes.save({ person: ada, note: 'n', idempotencyKey: 'k' }));
  const read = await countTrips(accountName, () => notes.read({ person: ada, id: first }));
  const page = await countTrips(accountName, () => notes.page({ person: ada, limit: 20 }));
  const removed = await countTrips(accountName, () => notes.remove({ person: ada, id: first }));
  expect([saved.trips, read.trips, page.trips, removed.trips]).toEqual([1, 1, 1, 1]);
});

describe('the limit', () => {
  test('holds exactly, however many instances save at once', async () => {
    const { open } = start({ limit: 7 });
    const instances = [open(), open(), open()];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => instances[n % 3]?.save({ person: ada, note: `note ${n}` })),
    );
    const [reader] = instances;
    const page = await reader?.page({ person: ada, limit: 100 });
    expect(outcomes.filter(outcome => outcome?.outcome === 'saved')).toHaveLength(7);
    expect(page?.notes).toHaveLength(7);
    expect(await reader?.save({ person: ada, note: 'one more' })).toEqual({ outcome: 'full' });
    expect(await reader?.save({ person: grace, note: 'hers' })).toMatchObject({ outcome: 'saved' });
  });

  test('is reached, not missed, by a crowd of saves', async () => {
    const { notes } = start({ limit: 30 });
    await saveAll(
      notes,
      Array.from({ length: 20 }, (_, n) => String(n)),
    );
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, n) => notes.save({ person: ada, note: `crowd ${n}` })),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'saved')).toHaveLength(10);
    expect(outcomes.filter(({ outcome }) => outcome === 'full')).toHaveLength(20);
  });

  test.each([0, -1, 65_537, Number.NaN])('of %s is refused', limit => {
    expect(() => start({ limit })).toThrow(RangeError);
  });

  test('lets a note in again once one is deleted, on whatever instance', async () => {
    const { notes, open } = start({ limit: 3 });
    const [id = ''] = await saveAll(notes, ['1', '2', '3']);
    expect(await notes.save({ person: ada, note: '4' })).toEqual({ outcome: 'full' });
    await open().remove({ person: ada, id });
    expect(await notes.save({ person: ada, note: '4' })).toMatchObject({ outcome: 'saved' });
    expect(await notes.save({ person: ada, note: '5' })).toEqual({ outcome: 'full' });
  });

  test('costs no further trips on an instance that knows the slots', async () => {
    const { accountName, notes } = start({ limit: 40 });
    await saveAll(
      notes,
      Array.from({ length: 39 }, (_, n) => String(n)),
    );
    const { trips } = await countTrips(accountName, () => notes.save({ person: ada, note: 'the last' }));
    expect(trips).toBe(1);
  });
});

describe('an idempotency key', () => {
  test('makes one note of one text, on whatever instance', async () => {
    const { notes, open } = start();
    const note = { person: ada, note: 'once', idempotencyKey: 'k' };
    const first = await notes.save(note);
    expect(first).toMatchObject({ outcome: 'saved' });
    expect(await open().save(note)).toEqual({ ...first, outcome: 'repeated' });
    expect((await notes.page({ person: ada, limit: 9 })).notes).toHaveLength(1);
  });

  test('makes one note of many saves at once', async () => {
    const { open } = start();
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => open().save({ person: ada, note: 'once', idempotencyKey: 'k' })),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'saved')).toHaveLength(1);
    expect(new Set(outcomes.map(outcome => 'id' in outcome && outcome.id)).size).toBe(1);
  });

  test('is refused for another text', async () => {
    const { notes } = start();
    await notes.save({ person: ada, note: 'one', idempotencyKey: 'k' });
    expect(await notes.save({ person: ada, note: 'two', idempotencyKey: 'k' })).toEqual({ outcome: 'key reused' });
    expect((await notes.page({ person: ada, limit: 9 })).notes).toHaveLength(1);
  });

  test('is a person’s own', async () => {
    const { notes } = start();
    await notes.save({ person: ada, note: 'one', idempotencyKey: 'k' });
    expect(await notes.save({ person: grace, note: 'two', idempotencyKey: 'k' })).toMatchObject({ outcome: 'saved' });
  });

  test('goes with its note', async () => {
    const { notes } = start();
    const saved = await notes.save({ person: ada, note: 'one', idempotencyKey: 'k' });
    expect(await notes.remove({ person: ada, id: 'id' in saved ? saved.id : '' })).toBe(true);
    expect(await notes.save({ person: ada, note: 'two', idempotencyKey: 'k' })).toMatchObject({ outcome: 'saved' });
  });

  test('finds its note even when the person may save no more', async () => {
    const { notes } = start({ limit: 2 });
    const last = { person: ada, note: 'last', idempotencyKey: 'k' };
    await saveAll(notes, ['1']);
    const saved = await notes.save(last);
    expect(await notes.save({ person: ada, note: '3' })).toEqual({ outcome: 'full' });
    expect(await notes.save(last)).toEqual({ ...saved, outcome: 'repeated' });
  });
});

describe('a reply lost on the wire', () => {
  test.each([undefined, 'k'])('makes no second note of a save (idempotency key: %s)', async idempotencyKey => {
    const { connectionString, notes: direct } = start();
    await saveAll(direct, ['the table is made by the first']);
    const proxy = await startStorageProxy(connectionString);
    const notes = openNotes(openTables({ connection: proxy }), { now: ticking(), random: seeded() });
    const lost = proxy.loseNextReply(({ url }) => url?.includes('$batch') ?? false);

    const saved = await notes.save({ person: grace, note: 'once', idempotencyKey });
    await lost;
    await proxy.stop();
    expect(saved.outcome).toBe('saved');
    const page = await direct.page({ person: grace, limit: 9 });
    expect(page.notes).toMatchObject([{ id: 'id' in saved && saved.id, text: 'once' }]);
  });

  test('leaves a deleted note deleted', async () => {
    const { connectionString, notes: direct } = start();
    const [id = ''] = await saveAll(direct, ['gone']);
    const proxy = await startStorageProxy(connectionString);
    const notes = openNotes(openTables({ connection: proxy }), { now: ticking(), random: seeded() });
    const lost = proxy.loseNextReply(({ url }) => url?.includes('$batch') ?? false);

    await notes.remove({ person: ada, id });
    await lost;
    await proxy.stop();
    expect(await direct.read({ person: ada, id })).toBeUndefined();
    expect(await direct.save({ person: ada, note: 'its slot is free' })).toMatchObject({ outcome: 'saved' });
  });
});
