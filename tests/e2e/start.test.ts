import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DemoClient } from '../../dev/local/demo-clients.ts';
import { freePorts } from '../../dev/local/ports.ts';
import { signedIn } from './support/client.ts';
import { copyOfProject, type Project } from './support/project.ts';

// Builds and starts of whole apps, several in one test.
vi.setConfig({ testTimeout: 60_000 });

let project: Project;
let env: Record<'SERVER_PORT' | 'ENTRA_PORT' | 'AZURITE_TABLE_PORT', string>;
let server: string;
beforeEach(async () => {
  project = await copyOfProject();
  const [app, entra, table] = await freePorts(3);
  env = { SERVER_PORT: `${app}`, ENTRA_PORT: `${entra}`, AZURITE_TABLE_PORT: `${table}` };
  server = `http://localhost:${app}`;
});
afterEach(() => project.remove());

const isFree = (port: string) =>
  new Promise(resolve => {
    const probe = createServer()
      .on('error', () => resolve(false))
      .listen(Number(port), '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** A function that ends the app. */
const crash = "\napp.http('crash', { methods: ['GET'], authLevel: 'anonymous', handler: () => process.exit(7) });\n";

/** Signs Ada in with a client, for so long. */
async function asAda<T>(work: (client: DemoClient) => Promise<T>): Promise<T> {
  const client = await signedIn(`${server}/mcp`, 'ada');
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

test('runs everything, says where and how to connect, stops all of it on Ctrl-C or when the app ends by itself, and keeps what people saved', async () => {
  const script = project.run('dev/start.ts', { args: ['--no-watch'], env });
  await script.says('Ready in');
  for (const line of [`${server}/mcp`, `:${env.ENTRA_PORT}`, `:${env.AZURITE_TABLE_PORT}`, 'Ada Lovelace']) {
    expect(script.output()).toContain(line);
  }
  for (const client of ['VS Code', 'Claude Code', 'Claude Desktop', 'Cursor', 'Codex', 'Inspector']) {
    expect(script.output()).toMatch(new RegExp(`${client} .*${server}/mcp`));
  }
  expect((await fetch(`${server}/health`)).status).toBe(200);
  const unauthorized = await fetch(`${server}/mcp`, { method: 'POST' });
  expect(unauthorized.status).toBe(401);
  expect(unauthorized.headers.get('www-authenticate')).toContain(`resource_metadata="${server}/`);

  const { id } = await asAda(client => client.call('save_user_note', { note: 'Buy tea' }));

  expect(await script.stop()).toBe(0);
  for (const port of Object.values(env)) expect(await isFree(port)).toBe(true);

  await appendFile(join(project.folder, 'functions/index.ts'), crash);
  const again = project.run('dev/start.ts', { args: ['--no-watch'], env });
  await again.says('Ready in');
  const { notes } = await asAda(client => client.call('get_user_notes'));
  expect(notes).toEqual([expect.objectContaining({ id, note: 'Buy tea' })]);
  await expect(fetch(`${server}/crash`)).rejects.toThrow();
  expect(await again.ended).toBe(1);
  expect(again.output()).toContain('The app ended by itself, with code 7');
  for (const port of Object.values(env)) expect(await isFree(port)).toBe(true);
});

test('ends as well on SIGTERM, and when it is stopped while it starts', async () => {
  const script = project.run('dev/start.ts', { args: ['--no-watch'], env });
  await script.says('Starting');
  expect(await script.stop('SIGTERM')).toBe(0);
  for (const port of Object.values(env)) expect(await isFree(port)).toBe(true);
});

test('picks up a change, and a file that is put with the tools; an app that ends by itself, and a change that does not build, or does not start, is told', async () => {
  const index = join(project.folder, 'functions/index.ts');
  const whole = await readFile(index, 'utf8');
  await writeFile(index, whole + crash);
  const script = project.run('dev/start.ts', { env });
  await script.says('Ready in');
  await expect(fetch(`${server}/crash`)).rejects.toThrow();
  await script.says('The app ended by itself, with code 7');
  await writeFile(index, whole);
  await script.says('Reloaded');
  expect((await fetch(`${server}/health`)).status).toBe(200);

  const source = join(project.folder, 'functions/health.ts');
  const before = await readFile(source, 'utf8');
  await appendFile(source, "\nconsole.log('This is new.');\n");
  await script.saysAll('This is new.', 'Reloaded');
  expect((await fetch(`${server}/health`)).status).toBe(200);

  await writeFile(source, `${before}\nconst half = ;\n`);
  await script.says('functions/health.ts');
  await script.says('keeps running');
  expect((await fetch(`${server}/health`)).status).toBe(200);

  await writeFile(source, `${before}\nthrow new Error('This does not start.');\n`);
  await script.saysAll('This does not start.', 'down until the next change');

  await writeFile(source, before);
  await script.says('Reloaded');
  expect((await fetch(`${server}/health`)).status).toBe(200);

  const tool = await readFile(join(project.folder, 'src/mcp/tools/calculate-sum.ts'), 'utf8');
  await writeFile(
    join(project.folder, 'src/mcp/tools/calculate-total.ts'),
    tool.replace('calculate_sum', 'calculate_total'),
  );
  await script.says('Reloaded');
  expect(await readFile(join(project.folder, 'dist/index.js'), 'utf8')).toContain('calculate_total');
  expect(await script.stop()).toBe(0);
});

test('all busy ports are told at once, and nothing is started', async () => {
  const others = [env.SERVER_PORT, env.AZURITE_TABLE_PORT].map(port =>
    createServer().listen(Number(port), '127.0.0.1'),
  );
  try {
    const script = project.run('dev/start.ts', { env });
    expect(await script.ended).toBe(1);
    expect(script.output()).toContain(`port ${env.SERVER_PORT}, wanted for the function app, is in use; SERVER_PORT=`);
    expect(script.output()).toContain(`port ${env.AZURITE_TABLE_PORT}, wanted for the table emulator, is in use`);
    expect(script.output()).not.toContain('Building');
  } finally {
    for (const other of others) other.close();
  }
});

test('a registration and storage of one’s own: no stand-in, no emulator', async () => {
  const own = {
    AUTH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    AUTH_CLIENT_ID: '66666666-7777-8888-9999-000000000000',
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  };
  const script = project.run('dev/start.ts', { args: ['--no-watch'], env: { ...env, ...own } });
  await script.says('Ready in');
  expect(script.output()).toContain('no stand-in is started');
  expect(script.output()).toContain('no emulator is started');
  for (const port of [env.ENTRA_PORT, env.AZURITE_TABLE_PORT]) expect(await isFree(port)).toBe(true);
  expect(await script.stop()).toBe(0);
});

test.each([
  { env: { AUTH_TENANT_ID: '11111111-2222-3333-4444-555555555555' }, says: 'AUTH_CLIENT_ID is missing' },
  { env: { LOG_LEVEL: 'loud', SERVER_PORT: 'x' }, says: 'SERVER_PORT is not valid' },
  { args: ['--wacth'], says: '"--wacth" is not understood' },
])('a mistake ends it with a clear word, not with a stack ($says)', async ({ args, says, ...more }) => {
  const script = project.run('dev/start.ts', { ...(args && { args }), env: { ...env, ...more.env } });
  expect(await script.ended).toBe(1);
  expect(script.output()).toContain(says);
  expect(script.output()).not.toMatch(/^\s+at /m);
});

test('--help shows the settings', async () => {
  const script = project.run('dev/start.ts', { args: ['--help'] });
  expect(await script.ended).toBe(0);
  for (const name of Object.keys(env)) expect(script.output()).toContain(name);
});
