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
const README = join(ROOT, 'README.md');
const PICTURE = join(ROOT, 'docs/reliability-load.svg');

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

/** Writes the kept results into docs/reliability.md and three of their figures into README.md, and draws the curves. */
export async function writeReport(scenarios: readonly Scenario[]): Promise<void> {
  const results = (await keptResults()).filter(({ number }) => scenarios.some(each => each.number === number));
  await writeFile(PICTURE, drawCurves(results.flatMap(({ curves }) => curves)));
  await replaceBetween(DOCUMENT, 'report', reportOf(results));
  await replaceBetween(README, 'figures', figuresOf(results));
}

/** Puts a text between the comments `<!-- NAME -->` and `<!-- end of NAME -->`. */
async function replaceBetween(file: string, name: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const whole = await readFile(file, 'utf8');
  const [before, rest] = whole.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} has no ${begin} … ${end}.`);
  await writeFile(file, `${before}${begin}\n${text}\n${end}${after}`);
}

/** What the README quotes, each with the command that made it; what was not taken yet is left out. */
function figuresOf(results: readonly ScenarioResult[]): string {
  const measured = (number: number, what: string) =>
    results.find(each => each.number === number)?.rows.find(row => row.what.startsWith(what))?.measured;
  const lines = [
    [
      8,
      'storage up for a second and down for a second, ten minutes long: renewals that came through, {}',
      'renewed in the end',
    ],
    [
      4,
      'killed after every single write in turn: sign-ins, renewals and revocations that came to their end, {}',
      'journeys that came',
    ],
    [15, 'tool calls a second on two cores, clients and all, {}', 'requests/s'],
  ] as const;
  return lines
    .flatMap(([number, text, what]) => {
      const value = measured(number, what);
      return value === undefined ? [] : [`- \`npm run proof -- ${number}\`: ${text.replace('{}', `**${value}**`)}`];
    })
    .join('\n');
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
