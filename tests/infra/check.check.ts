/** `npm run check:infra` itself: each way in which infra/ can be wrong ends it. */
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'infra-'));
  for (const part of ['infra', 'dev', 'tests/infra', 'package.json']) {
    await cp(part, join(project, part), { recursive: true });
  }
  // Here it is about what comes before the tests.
  for (const file of ['template.check.ts', 'check.check.ts', 'snapshots.test.ts', 'azd.test.ts', 'queries.test.ts']) {
    await rm(join(project, 'tests/infra', file));
  }
  await writeFile(
    join(project, 'tests/infra/none.test.ts'),
    "import { test } from 'vitest';\ntest('none', () => {});\n",
  );
  await symlink(resolve('node_modules'), join(project, 'node_modules'), 'dir');
});
afterAll(() => rm(project, { recursive: true }));

function check(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dev/infra/check.ts', ...args], {
    cwd: project,
    encoding: 'utf8',
  });
  return { status, output: `${stdout}${stderr}` };
}

async function change(file: string, from: string, to: string): Promise<() => Promise<void>> {
  const path = join(project, file);
  const before = await readFile(path, 'utf8');
  expect(before).toContain(from);
  await writeFile(path, before.replace(from, to));
  return () => writeFile(path, before);
}

test.each([
  ['a misspelt property', 'infra/modules/storage.bicep', 'allowSharedKeyAccess', 'allowSharedKeysAccess', 'BCP089'],
  [
    'an unused parameter',
    'infra/modules/alerts.bicep',
    'param email string',
    'param email string\n\nparam idle int',
    'no-unused-params',
  ],
  [
    'a file that is not formatted',
    'infra/modules/site.bicep',
    '    httpsOnly: true',
    '      httpsOnly: true',
    'not formatted',
  ],
  ['an option out of range', 'tests/infra/scenarios/everything.json', '"4096"', '"1024"', 'cannot be deployed'],
])('%s ends it', async (_, file, from, to, said) => {
  const undo = await change(file, from, to);
  const { status, output } = check();
  await undo();
  expect(output).toContain(said);
  expect(status).toBe(1);
});

test('another site than the snapshots show ends it, until --update writes them', async () => {
  const undo = await change('infra/modules/site.bicep', 'httpsOnly: true', 'httpsOnly: false');
  const { status, output } = check();
  expect(output).toContain('now: "httpsOnly": false');
  expect(status).toBe(1);
  expect(check('--update').status).toBe(0);
  expect(await readFile(join(project, 'tests/infra/snapshots/defaults.json'), 'utf8')).toContain('"httpsOnly": false');
  await undo();
});
