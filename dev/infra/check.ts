/** `npm run check:infra`: infra/ compiled, linted and compared with the committed snapshots, without Azure. */
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readFlags, runScript, UsageError } from '../local/script.ts';
import { build, prepare, snapshot, unformatted } from './compile.ts';
import { findCompiler, runCompiler } from './compiler.ts';

const help = `npm run check:infra: checks infra/ with the Bicep compiler, offline.

  npm run check:infra               compiles, lints, compares format and snapshots, runs tests/infra
  npm run check:infra -- --update   writes format and snapshots anew: read them in the diff
  npm run check:infra -- --help     shows this

A snapshot is what a deployment would make, names and settings worked out: tests/infra/snapshots/<scenario>.json, for
what tests/infra/scenarios/<scenario>.json sets by azd env set.`;

const root = join(import.meta.dirname, '../..');
const tests = join(root, 'tests/infra');

await runScript(async () => {
  const flags = readFlags(process.argv.slice(2), ['help', 'update']);
  if (flags.has('help')) return console.log(help);
  const update = flags.has('update');

  const compiler = findCompiler(process.env);
  console.log(runCompiler(compiler, ['--version']).output.trim());
  const infra = await prepare(compiler);

  const wrong = await unformatted(infra, update);
  if (wrong.length > 0 && !update) fail('These files are not formatted; --update does it:', wrong);
  const { template, problems } = build(infra);
  if (problems.length > 0) fail('infra/ does not compile without a word:', problems);
  await writeFile(join(infra.folder, 'main.json'), template);

  for (const file of (await readdir(join(tests, 'scenarios'))).sort()) {
    const environment = JSON.parse(await readFile(join(tests, 'scenarios', file), 'utf8'));
    const made = await snapshot(infra, environment, template);
    if (made.problems.length > 0) fail(`The scenario ${file} cannot be deployed:`, made.problems);
    const golden = join(tests, 'snapshots', file);
    if (update) await writeFile(golden, made.snapshot);
    else if (made.snapshot !== (await readFile(golden, 'utf8').catch(() => ''))) {
      const now = join(infra.folder, file);
      await writeFile(now, made.snapshot);
      fail(`A deployment would not make what tests/infra/snapshots/${file} says. If it should, --update writes it:`, [
        ...firstDifference(await readFile(golden, 'utf8').catch(() => ''), made.snapshot),
        `all of it: git diff --no-index ${relative(root, golden)} ${relative(root, now)}`,
      ]);
    }
  }

  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', join(tests, 'vitest.config.ts')];
  const env = { ...process.env, INFRA_TEMPLATE: join(infra.folder, 'main.json'), BICEP_PATH: compiler };
  const { status } = spawnSync(process.execPath, vitest, { stdio: 'inherit', cwd: root, env });
  if (status !== 0) fail('The tests of infra/ fail.');
  console.log(update ? 'infra/ is well; format and snapshots are as they should be now.' : 'infra/ is well.');
});

function fail(what: string, details: readonly string[] = []): never {
  throw new UsageError([what, ...details.map(line => `  ${line}`)].join('\n'));
}

function firstDifference(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const line = now.findIndex((text, index) => text !== old[index]);
  return [`line ${line + 1}: ${old[line]?.trim() ?? ''}`, `     now: ${now[line]?.trim() ?? ''}`];
}
