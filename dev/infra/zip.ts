/** The package that is deployed. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';

/** The least date that the format knows: the same files give the same bytes, whenever. */
const DATE = '1980-01-01T00:00:00';

/**
 * Packs a folder as `azd deploy` does: its content at the root, no folder around it, without what a laptop left there.
 * @returns the zip; the same for the same files
 */
export async function zipFolder(folder: string): Promise<Uint8Array> {
  const files: Zippable = {};
  for (const name of (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && entry.name !== 'local.settings.json')
    .map(entry => join(entry.parentPath, entry.name).slice(join(folder, '/').length).replaceAll('\\', '/'))
    .sort()) {
    files[name] = await readFile(join(folder, name));
  }
  return zipSync(files, { mtime: DATE, level: 9 });
}
