import type { Tables } from './tables.ts';

/**
 * The key that a laptop makes for itself where `JWT_SECRET_KEY` is not set: made
 * once, however many instances start together, because the first insert wins
 * and everybody reads what is there.
 *
 * @param make gives a new value of `JWT_SECRET_KEY`
 */
export async function generatedSecret(tables: Tables, make: () => string): Promise<string> {
  const table = tables.table('keys');
  const keys = { partitionKey: 'generated', rowKey: 'JWT_SECRET_KEY' };
  const read = async () => (await table.read<{ value: string }>(keys))?.value;
  const kept = await read();
  if (kept) return kept;
  await table.write({ type: 'insert', row: { ...keys, value: make() } });
  const made = await read();
  if (!made) throw new Error('The key that was just stored is not there.');
  return made;
}
