import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const SUITE = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

/** One check, as the suite writes it. */
export interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/** The checks of each scenario that a revision requires, and of those that it does not score. */
export type Results = Readonly<Record<string, readonly Check[]>>;

/** Runs the protocol's own suite against a server: exactly what a revision requires, at that revision's wire. */
export async function runSuite(url: string, revision: string): Promise<Results> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const args = ['server', '--url', url, '--requirements', revision, '--output-dir', folder, '--timeout', '4000'];
    const child = spawn(process.execPath, [SUITE, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [complaint] = await Promise.all([text(child.stderr), new Promise(resolve => child.on('exit', resolve))]);
    const results = await resultsIn(folder);
    if (Object.keys(results).length === 0) throw new Error(`The suite has written nothing. ${complaint}`);
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Each scenario's folder is named `server-SCENARIO-TIME`. */
async function resultsIn(folder: string): Promise<Results> {
  const scenarios = await Promise.all(
    (await readdir(folder)).toSorted().map(async name => {
      // A scenario that could not run has written none.
      const written = await readFile(join(folder, name, 'checks.json'), 'utf8').catch(() => '[]');
      const checks = JSON.parse(written) as Check[];
      return [name.replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, ''), checks] as const;
    }),
  );
  return Object.fromEntries(scenarios);
}
