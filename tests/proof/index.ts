/** `npm run proof`: what is promised about races, faults, load and bad input, tried on the built app. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../../build.ts';
import { scratchFolder } from '../bench/scratch.ts';
import { formatTable } from '../bench/table.ts';
import { keepResult, type ScenarioResult, writeReport } from './report/index.ts';
import { runScenario } from './rig/run.ts';
import type { Scenario } from './rig/scenario.ts';

const help = (
  scenarios: readonly Scenario[],
) => `npm run proof: tries what is promised, prints a table, and ends with 1 when a promise is not kept.

  npm run proof                     all of it, in ${minutes(scenarios, false)}
  npm run proof -- 2 13             these alone
  npm run proof -- --short          smaller numbers, in ${minutes(scenarios, true)}: what CI runs
  npm run proof -- --seed 1234      repeats a run: the seed is printed at its start
  npm run proof -- --keep           keeps the results and writes them into docs/reliability.md
  npm run proof -- --help           shows this

${scenarios.map(({ number, title }) => `  ${String(number).padStart(2)}  ${title}`).join('\n')}

Leave the machine alone meanwhile: figures of load are of no use otherwise.`;

/** What all of them take, for people. */
function minutes(scenarios: readonly Scenario[], short: boolean): string {
  const seconds = scenarios.reduce((sum, each) => sum + (short ? (each.seconds.short ?? 0) : each.seconds.whole), 0);
  return `about ${Math.ceil(seconds / 60)} minutes`;
}

async function loadScenarios(): Promise<Scenario[]> {
  const folder = join(import.meta.dirname, 'scenarios');
  const names = (await readdir(folder)).filter(name => /^\d+-.*\.ts$/.test(name));
  const modules = await Promise.all(names.map(name => import(join(folder, name)) as Promise<{ default: Scenario }>));
  return modules.map(module => module.default).sort((a, b) => a.number - b.number);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      help: { type: 'boolean' },
      short: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      seed: { type: 'string' },
    },
    allowPositionals: true,
  });
  const all = await loadScenarios();
  if (values.help) {
    console.log(help(all));
    return 0;
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new Error('A seed is a whole number of 32 bits, such as 1234.');
  }
  const unknown = positionals.filter(text => !all.some(({ number }) => String(number) === text));
  if (unknown.length > 0) {
    throw new Error(
      `There is no proof ${unknown.join(', ')}. There are 1 to ${all.at(-1)?.number}; --help names them.`,
    );
  }
  const { short } = values;
  const chosen = all
    .filter(({ number }) => positionals.length === 0 || positionals.includes(String(number)))
    .filter(({ seconds }) => !short || seconds.short !== undefined);

  const stopped = new AbortController();
  process.once('SIGINT', () => {
    console.error('Stopping …');
    stopped.abort();
  });
  console.error(`Seed ${seed}. ${chosen.length} of ${all.length}, ${minutes(chosen, short)}. Building …`);
  await using folder = await scratchFolder();
  await build({ outdir: folder.path });

  const results: ScenarioResult[] = [];
  for (const scenario of chosen) {
    if (stopped.signal.aborted) break;
    const result = await runScenario(scenario, { short, seed, bundle: folder.path, signal: stopped.signal });
    results.push(result);
    if (values.keep && !short && !stopped.signal.aborted) await keepResult(result);
  }
  if (values.keep && !short) await writeReport(all);

  console.log(
    formatTable(new Map(results.map(result => [`${result.number}. ${result.title}`, { rows: result.rows }]))),
  );
  const missed = results.flatMap(({ number, rows }) =>
    rows
      .filter(({ reached }) => reached === false)
      .map(row => `${number}: ${row.what}: ${row.measured} (${row.target})`),
  );
  for (const text of missed) console.error(`Not kept: ${text}`);
  if (missed.length > 0) console.error(`Again with: npm run proof -- --seed ${seed}${short ? ' --short' : ''} NUMBER`);
  return missed.length > 0 || stopped.signal.aborted ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
