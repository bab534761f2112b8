import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePorts } from '../../dev/local/ports.ts';
import { copyOfProject, type Project } from './support/project.ts';

let project: Project;
let env: Record<string, string>;
let port: number;
beforeEach(async () => {
  project = await copyOfProject();
  const ports = await freePorts(4);
  port = ports[0] ?? 0;
  env = Object.fromEntries(
    ['SERVER_PORT', 'ENTRA_PORT', 'AZURITE_TABLE_PORT', 'AZURITE_BLOB_PORT'].map((name, n) => [name, `${ports[n]}`]),
  );
});
afterEach(() => project.remove());

/** Says with which folder, flags and settings it was started, and is healthy; its worker outlives it if nobody ends it. */
const fakeFunc = `#!${process.execPath}
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
spawn(process.execPath, ['-e', 'require("net").connect(process.env.WORKER_CALLS)'], { stdio: 'ignore' });
createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end())
  .listen(Number(process.argv[4]), '127.0.0.1', () => {
    const { PATH, HOME, ...settings } = process.env;
    console.log(JSON.stringify({ cwd: process.cwd(), args: process.argv.slice(2), settings }));
  });
process.on('SIGINT', () => process.exit(0));
`;

async function installFunc(source: string): Promise<void> {
  const folder = join(project.folder, 'bin');
  await mkdir(folder);
  await writeFile(join(folder, 'func'), source);
  await chmod(join(folder, 'func'), 0o755);
  env.PATH = `${folder}:${process.env.PATH}`;
}

test('runs the app on Core Tools, with the settings that it needs, and stops all of it', async () => {
  await installFunc(fakeFunc);
  const calls = createServer().listen(0, '127.0.0.1');
  await once(calls, 'listening');
  env.WORKER_CALLS = `${(calls.address() as AddressInfo).port}`;
  const worker = once(calls, 'connection').then(([connection]) => connection as Socket);
  const script = project.run('dev/func.ts', { env });
  await script.says('Ctrl-C stops everything');
  const output = script.output();
  expect(output).toContain(`http://localhost:${port}/mcp`);
  const started = JSON.parse(output.split('\n').find(line => line.startsWith('{"cwd"')) ?? '');
  expect(started).toMatchObject({
    cwd: project.folder,
    args: ['start', '--port', `${port}`],
    settings: {
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AzureWebJobsDisableHomepage: 'true',
      AUTH_TENANT_ID: expect.any(String),
      AUTH_CLIENT_SECRET: expect.any(String),
      AUTH_AUTHORITY_HOST: `http://localhost:${env.ENTRA_PORT}`,
      AzureWebJobsStorage: expect.stringMatching(`TableEndpoint=.*:${env.AZURITE_TABLE_PORT}/.*BlobEndpoint=`),
    },
  });
  const keys = await fetch(
    `${started.settings.AUTH_AUTHORITY_HOST}/${started.settings.AUTH_TENANT_ID}/discovery/v2.0/keys`,
  );
  expect(keys.status).toBe(200);

  const workerGone = once((await worker).on('error', () => {}).resume(), 'close');
  expect(await script.stop()).toBe(0);
  await workerGone;
  calls.close();
  await expect(fetch(`http://127.0.0.1:${env.AZURITE_BLOB_PORT}/`)).rejects.toThrow();
});

test('says how to install Core Tools where there are none', async () => {
  const script = project.run('dev/func.ts', { env: { ...env, PATH: '' } });
  expect(await script.ended).toBe(1);
  expect(script.output()).toContain('npm install -g azure-functions-core-tools@4');
});

test('says that Core Tools gave up', async () => {
  await installFunc(`#!${process.execPath}\nprocess.exit(3);`);
  // So that neither a stand-in nor an emulator is started.
  const own = {
    AUTH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    AUTH_CLIENT_ID: '66666666-7777-8888-9999-000000000000',
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  };
  const script = project.run('dev/func.ts', { env: { ...env, ...own } });
  expect(await script.ended).toBe(1);
  expect(script.output()).toContain('func start ended with code 3');
});
