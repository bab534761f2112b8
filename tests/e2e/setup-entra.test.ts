import { chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyOfProject, type Project } from './support/project.ts';

let project: Project;
let env: Record<string, string>;
beforeEach(async () => {
  project = await copyOfProject();
  await copyFile('local.settings.example.json', join(project.folder, 'local.settings.example.json'));
  const bin = join(project.folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'az'), fakeAz);
  await chmod(join(bin, 'az'), 0o755);
  env = { PATH: `${bin}:${process.env.PATH}` };
});
afterEach(() => project.remove());

/** An Azure CLI that answers as the real one does, and writes down what it was asked. */
const fakeAz = `#!${process.execPath}
import { appendFileSync } from 'node:fs';
const asked = process.argv.slice(2).join(' ');
appendFileSync('asked.txt', asked + '\\n');
if (asked.startsWith('account show')) console.log('11111111-2222-3333-4444-555555555555');
if (asked.startsWith('ad app create')) console.log('66666666-7777-8888-9999-000000000000');
if (asked.startsWith('ad app credential')) console.log('s~cret');
`;

const asked = () => readFile(join(project.folder, 'asked.txt'), 'utf8').catch(() => '');

test('shows the commands and runs none of them', async () => {
  const script = project.run('dev/infra/setup-entra.ts', { env });
  expect(await script.ended).toBe(0);
  expect(script.output()).toContain('az ad app create --display-name entra-mcp-localhost');
  expect(await asked()).toBe('');
});

test('with --apply runs them and writes local.settings.json, which it never overwrites unasked', async () => {
  const script = project.run('dev/infra/setup-entra.ts', { env, args: ['--apply'] });
  expect(await script.ended).toBe(0);
  expect(script.output()).not.toContain('s~cret');
  const file = join(project.folder, 'local.settings.json');
  expect(JSON.parse(await readFile(file, 'utf8')).Values).toMatchObject({
    AUTH_CLIENT_ID: '66666666-7777-8888-9999-000000000000',
    AUTH_CLIENT_SECRET: 's~cret',
  });
  if (process.platform !== 'win32') expect((await stat(file)).mode & 0o077).toBe(0);

  await writeFile(file, 'mine');
  const before = await asked();
  const again = project.run('dev/infra/setup-entra.ts', { env, args: ['--apply'] });
  expect(await again.ended).toBe(1);
  expect(again.output()).toContain('--force');
  expect([await readFile(file, 'utf8'), await asked()]).toEqual(['mine', before]);

  const forced = project.run('dev/infra/setup-entra.ts', { env, args: ['--apply', '--force'] });
  expect(await forced.ended).toBe(0);
  expect(await readFile(file, 'utf8')).toContain('s~cret');
});

test('says what is missing where there is no Azure CLI', async () => {
  const script = project.run('dev/infra/setup-entra.ts', { env: { PATH: '/nowhere' }, args: ['--apply'] });
  expect(await script.ended).toBe(1);
  expect(script.output()).toContain('az is not on the PATH');
});
