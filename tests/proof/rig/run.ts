import { spawnSync } from 'node:child_process';
import type { Row } from '../../bench/table.ts';
import type { ScenarioResult } from '../report/index.ts';
import { createRandom } from './random.ts';
import { type Rig, startRig } from './rig.ts';
import { type Context, figure, promise, type Scenario } from './scenario.ts';

/** Carries a scenario out; its rigs end with it. What it throws is a row that says so. */
export async function runScenario(
  scenario: Scenario,
  options: Pick<Context, 'short' | 'seed' | 'bundle' | 'signal'>,
): Promise<ScenarioResult> {
  const { number, title, group, run } = scenario;
  const started = Date.now();
  const show = progressLine(`${number}. ${title}`);
  const rigs: Rig[] = [];
  const rows: Row[] = [];
  let curves: ScenarioResult['curves'] = [];
  try {
    const outcome = await run({
      ...options,
      // Its own numbers, whichever others run before it.
      random: createRandom(options.seed + number),
      rig: async rigOptions => {
        const rig = await startRig(options.bundle, rigOptions);
        rigs.push(rig);
        return rig;
      },
      progress: show,
    });
    rows.push(...outcome.rows);
    curves = outcome.curves ?? [];
  } catch (error) {
    console.error(error);
    rows.push(
      promise('carried out', error instanceof Error ? error.message.slice(0, 200) : String(error), 'yes', false),
    );
  }
  for (const rig of rigs) await rig.stop();
  if (rigs.length > 0) rows.push(noLeaks(rigs));
  const seconds = Math.round((Date.now() - started) / 1000);
  const kept = rows.every(({ reached }) => reached !== false);
  show(`${kept ? 'kept' : 'NOT KEPT'}, ${seconds} s`);
  process.stderr.write('\n');
  return { number, title, group, seed: options.seed, day: today(), ...commit(), seconds, rows, curves };
}

/** Of the clone that this is. */
function commit(): { commit?: string } {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? { commit: stdout.trim() } : {};
}

const today = () => new Date().toISOString().slice(0, 10);

/** The lines that are kept are looked at again: many a secret came to be known after the line that it stands in. */
function noLeaks(rigs: readonly Rig[]): Row {
  for (const { leaks, lines } of rigs) leaks.lookAgain(lines);
  const found = rigs.flatMap(({ leaks }) => leaks.found);
  for (const text of found.slice(0, 5)) console.error(`A secret in a log: ${text}`);
  const looked = rigs.reduce((sum, { leaks }) => sum + leaks.looked, 0);
  // Where nothing was logged, nothing is proven.
  if (looked === 0) return figure('lines of log', 0);
  return promise(`secrets in ${looked.toLocaleString('en')} lines of log`, found.length, '0', found.length === 0);
}

/** One line that changes on a terminal; elsewhere a line now and then. */
function progressLine(name: string): (text: string) => void {
  const patience = 10_000;
  let last = -patience;
  return text => {
    if (process.stderr.isTTY) return void process.stderr.write(`\r\x1b[K${name}: ${text}`);
    if (performance.now() - last < patience && !/kept/i.test(text)) return;
    last = performance.now();
    process.stderr.write(`${name}: ${text}\n`);
  };
}
