import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { SETTINGS } from '../../../src/settings.ts';

const { Values: values, Host: host } = JSON.parse(await readFile('local.settings.example.json', 'utf8'));

test('local.settings.example.json has every setting of the app, and nothing else but the host’s own', () => {
  const ofTheHost = ['FUNCTIONS_WORKER_RUNTIME', 'AzureWebJobsDisableHomepage'];
  expect(Object.keys(values).sort()).toEqual([...SETTINGS.map(({ name }) => name as string), ...ofTheHost].sort());
});

test('with one’s own registration filled in, the app takes it as it is', () => {
  const registration = {
    AUTH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
    AUTH_CLIENT_ID: '66666666-7777-8888-9999-000000000000',
  };
  const { config, warnings } = loadConfig({ ...values, ...registration });
  expect(warnings).toEqual([]);
  expect(config).toEqual(loadConfig({ ...registration, AzureWebJobsStorage: 'UseDevelopmentStorage=true' }).config);
  expect(config.origin).toBe(`http://localhost:${host.LocalHttpPort}`);
});
