import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../bench/scratch.ts';
import { formatTable, type Row } from '../../bench/table.ts';
import type { Curve, Scenario } from '../rig/scenario.ts';
import { drawCurves } from './picture.ts';

/** What a scenario gave, as it is kept: the report shows the latest of each. */
export interface ScenarioResult {
  readonly number: number;
  readonly title: string;
  readonly group: Scenario['group'];
  readonly seed: number;
  /** `2026-01-31` */
  readonly day: string;
  /** What was tried: the commit's short name; absent outside of a clone. */
  readonly commit?: string;
  /** How long it took. */
  readonly seconds: number;
  readonly rows: readonly Row[];
  readonly curves: readonly Curve[];
}

const RESULTS = join(import.meta.dirname, 'latest.json');
const DOCUMENT = join(ROOT, 'docs/reliability.md');
const PICTURE = join(ROOT, 'docs/reliability-load.svg');
const [BEGIN, END] = ['<!-- report -->', '<!-- end of report -->'];

async function keptResults(): Promise<ScenarioResult[]> {
  try {
    return JSON.parse(await readFile(RESULTS, 'utf8')) as ScenarioResult[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Puts a result in the place of the last one of its number. */
export async function keepResult(result: ScenarioResult): Promise<void> {
  const others = (await keptResults()).filter(({ number }) => number !== result.number);
  const all = [...others, result].sort((a, b) => a.number - b.number);
  await writeFile(RESULTS, `${JSON.stringify(all, null, 1)}\n`);
}

/** Writes the kept results into docs/reliability.md, between its marks, and draws the curves beside it. */
export async function writeReport(scenarios: readonly Scenario[]): Promise<void> {
  const results = (await keptResults()).filter(({ number }) => scenarios.some(each => each.number === number));
  await writeFile(PICTURE, drawCurves(results.flatMap(({ curves }) => curves)));
  const text = await readFile(DOCUMENT, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${DOCUMENT} has no ${BEGIN} … ${END}.`);
  await writeFile(DOCUMENT, `${before}${BEGIN}\n${reportOf(results)}\n${END}${after}`);
}

function reportOf(results: readonly ScenarioResult[]): string {
  const parts = [`Taken on a machine with ${availableParallelism()} cores, everything on that one machine.`];
  for (const group of new Set(results.map(each => each.group))) {
    const own = results.filter(each => each.group === group);
    const byTitle = own.map(
      ({ number, title, day, commit, seed, seconds, rows }) =>
        [`${number}. ${title} (${day}, ${commit ?? 'no commit'}, seed ${seed}, ${seconds} s)`, { rows }] as const,
    );
    parts.push(`### ${group}`, formatTable(new Map(byTitle)));
  }
  return `\n${parts.join('\n\n')}\n`;
}
