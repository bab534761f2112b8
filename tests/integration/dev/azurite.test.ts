import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite } from '../../../dev/azurite/index.ts';
import { freshStorage } from '../../support/azurite.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'azurite-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tableOf = (connectionString: string) =>
  TableClient.fromConnectionString(connectionString, 'things', {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  });

test('keeps its data over a restart on the same port', async () => {
  const location = join(folder, 'kept');
  const before = await startAzurite({ location });
  const table = tableOf(before.connectionString);
  await table.createTable();
  await table.createEntity({ partitionKey: 'p', rowKey: 'r', text: 'kept' });
  await before.stop();
  await expect(table.getEntity('p', 'r')).rejects.toMatchObject({ code: 'ECONNREFUSED' });

  const after = await startAzurite({ location, port: before.port });
  try {
    expect(after.connectionString).toBe(before.connectionString);
    expect(await table.getEntity('p', 'r')).toMatchObject({ text: 'kept' });
  } finally {
    await after.stop();
  }
});

test('names the port that is in use', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  try {
    await expect(startAzurite({ port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use`);
  } finally {
    other.close();
  }
});

test('says why it did not start', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  await expect(startAzurite({ location: join(file, 'below') })).rejects.toThrow(/ENOTDIR/);
  await expect(startAzurite({ accounts: [] })).rejects.toThrow('one account at least');
});

test('starts the blob service when asked', async () => {
  const azurite = await startAzurite({ blob: true });
  try {
    const endpoint = /BlobEndpoint=([^;]+);/.exec(azurite.connectionString)?.[1];
    expect(endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/devstoreaccount1$/);
    const answer = await fetch(`${endpoint}?comp=list`);
    expect(answer.headers.get('server')).toMatch(/^Azurite-Blob/);
  } finally {
    await azurite.stop();
  }
});

test('does not outlive its parent', async () => {
  const module = new URL('../../../dev/azurite/index.ts', import.meta.url);
  const script = `import { startAzurite } from '${module}'; console.log((await startAzurite()).port);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(parent.stdout, 'data');
  const connection = connect(Number(port), '127.0.0.1');
  await once(connection, 'connect');
  parent.kill('SIGKILL');
  await once(connection.resume(), 'close');
});

test('each test has an account of its own', async () => {
  const [one, two] = [freshStorage(), freshStorage()];
  expect(one.accountName).not.toBe(two.accountName);
  await tableOf(one.connectionString).createTable();
  await expect(tableOf(two.connectionString).getEntity('p', 'r')).rejects.toMatchObject({
    details: { odataError: { code: 'TableNotFound' } },
  });
});
