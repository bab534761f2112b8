import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { planFor } from '../../../dev/local/plan.ts';
import { loadConfig } from '../../../src/config.ts';
import { SETTINGS } from '../../../src/settings.ts';

const { Values: values, Host: host } = JSON.parse(await readFile('local.settings.example.json', 'utf8'));

test('local.settings.example.json has every setting of the app, and nothing else but the host’s own', () => {
  const ofTheHost = ['FUNCTIONS_WORKER_RUNTIME', 'AzureWebJobsDisableHomepage'];
  expect(Object.keys(values).sort()).toEqual([...SETTINGS.map(({ name }) => name as string), ...ofTheHost].sort());
});

test('copied as it is, it leads to what npm run services starts', () => {
  const { env, entra, azurite } = planFor({}, { blob: true });
  const { config, warnings } = loadConfig(values);
  expect(warnings).toEqual([]);
  const documents = { CLIENT_METADATA_DOCUMENTS: 'on', AzureWebJobsStorage: 'UseDevelopmentStorage=true' };
  expect(config).toEqual(loadConfig({ ...env, ...documents }).config);
  expect(config.origin).toBe(`http://localhost:${host.LocalHttpPort}`);
  // The ports that UseDevelopmentStorage=true stands for.
  expect(azurite).toMatchObject({ tablePort: 10_002, blobPort: 10_000 });
  expect(config.entra.authorityHost).toBe(`http://localhost:${entra?.port}`);
});
