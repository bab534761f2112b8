/** How large the bundle is, and what its chunks hold. */
import { join } from 'node:path';
import { build } from '../../build.ts';
import { holds } from './holds.ts';
import { scratchFolder } from './scratch.ts';
import type { Result, Row } from './table.ts';

const ENTRY_LIMIT = 800_000;
/** Smaller chunks make one row together. */
const WORTH_A_ROW = 10_000;

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`;

export async function run(): Promise<Result> {
  await using folder = await scratchFolder();
  const { files } = await build({ outdir: folder.path });
  const [entry, ...chunks] = files;
  if (entry?.path !== 'index.js') throw new Error('The build has no index.js.');

  const rows: Row[] = [
    {
      what: 'entry file, minified',
      measured: kilobytes(entry.bytes),
      target: `< ${kilobytes(ENTRY_LIMIT)}`,
      reached: entry.bytes < ENTRY_LIMIT,
    },
  ];
  for (const { path, bytes } of chunks.filter(chunk => chunk.bytes >= WORTH_A_ROW)) {
    const [first, ...others] = await holds(join(folder.path, path));
    const more = others.length > 3 ? [...others.slice(0, 2), `${others.length - 2} more`] : others;
    rows.push({ what: `chunk: ${[first, ...more].join(', ')}`, measured: kilobytes(bytes) });
  }
  const small = chunks.filter(chunk => chunk.bytes < WORTH_A_ROW);
  const sum = small.reduce((total, { bytes }) => total + bytes, 0);
  rows.push({ what: `${small.length} smaller chunks`, measured: kilobytes(sum) });
  return { rows };
}
