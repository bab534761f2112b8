import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** A folder for what is built to be measured, gone at the end of its scope; packages are found from inside it. */
export async function scratchFolder(): Promise<AsyncDisposable & { path: string }> {
  const parent = join(ROOT, 'node_modules/.cache');
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, 'bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
