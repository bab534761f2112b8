import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { build } from '../../build.ts';
import { spawnFunctionsHost } from '../../dev/functions-host/index.ts';
import { freePorts } from '../../dev/local/ports.ts';
import { signedIn } from './support/client.ts';
import { copyOfProject, type Project } from './support/project.ts';

let project: Project;
beforeEach(async () => {
  project = await copyOfProject();
});
afterEach(() => project.remove());

test('with what it says for local.settings.json, the app works beside it; it says the same in every run, so that what was copied stays right', async () => {
  const [app = 0, entra, table, blob] = await freePorts(4);
  const env = {
    SERVER_PORT: `${app}`,
    ENTRA_PORT: `${entra}`,
    AZURITE_TABLE_PORT: `${table}`,
    AZURITE_BLOB_PORT: `${blob}`,
  };
  const script = project.run('dev/services.ts', { env });
  await script.says('Ctrl-C stops everything');
  const said = script.output();
  const lines = said.split('\n').filter(line => /^ {2}"\w+": ".*",?$/.test(line));
  const values = JSON.parse(`{${lines.join('\n')}}`);
  expect(values.AzureWebJobsStorage).toContain('BlobEndpoint=');

  const root = join(project.folder, 'dist');
  await build({ outdir: root });
  const host = await spawnFunctionsHost({
    root,
    port: app,
    env: { PATH: process.env.PATH, SERVER_PORT: `${app}`, ...values },
  });
  try {
    const client = await signedIn(`http://localhost:${app}/mcp`, 'grace');
    expect(await client.call('get_user_profile')).toMatchObject({ name: 'Grace Hopper' });
    await client.close();
  } finally {
    await host.stop();
  }
  expect(await script.stop()).toBe(0);

  const again = project.run('dev/services.ts', { env });
  await again.says('Ctrl-C stops everything');
  expect(again.output()).toBe(said);
});

test('with a registration and storage of one’s own there is nothing to start', async () => {
  const script = project.run('dev/services.ts', {
    env: {
      AUTH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
      AUTH_CLIENT_ID: '66666666-7777-8888-9999-000000000000',
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    },
  });
  expect(await script.ended).toBe(1);
  expect(script.output()).toContain('there is nothing to start');
});
