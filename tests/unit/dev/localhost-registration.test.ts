import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandsFor, localSettings, register, typed } from '../../../dev/infra/localhost-registration.ts';
import { loadConfig } from '../../../src/config.ts';

const TENANT = '11111111-2222-3333-4444-555555555555';
const CLIENT = '66666666-7777-8888-9999-000000000000';
const redirectUri = 'http://localhost:7071/auth/callback';
const root = join(import.meta.dirname, '../../..');

/** An Azure CLI that remembers what it was asked. */
function fakeAz(answers: Record<string, string | Error> = {}) {
  const asked: string[] = [];
  const az = async (args: readonly string[]) => {
    asked.push(args.join(' '));
    const known: Record<string, string | Error> = {
      'account show': TENANT,
      'ad app create': CLIENT,
      'ad app credential': 's~cret',
      ...answers,
    };
    const [, answer] = Object.entries(known).find(([start]) => args.join(' ').startsWith(start)) ?? [];
    if (answer instanceof Error) throw answer;
    return answer ?? '';
  };
  return { az, asked };
}

test('registers one application for localhost, with a secret', async () => {
  const { az, asked } = fakeAz();
  expect(await register(az, { redirectUri, publicClient: false })).toEqual({
    tenantId: TENANT,
    clientId: CLIENT,
    clientSecret: 's~cret',
  });
  expect(asked).toHaveLength(4);
  expect(asked[1]).toContain(`--web-redirect-uris ${redirectUri} http://localhost:7071/`);
  expect(asked[1]).toContain('--enable-id-token-issuance false');
  expect(asked[2]).toBe(`ad sp create --id ${CLIENT}`);
});

test('a public client has no secret', async () => {
  const { az, asked } = fakeAz();
  const registration = await register(az, { redirectUri, publicClient: true });
  expect(registration).toEqual({ tenantId: TENANT, clientId: CLIENT });
  expect(asked[1]).toContain(
    `--public-client-redirect-uris ${redirectUri} http://localhost:7071/ --is-fallback-public-client true`,
  );
  expect(asked.filter(command => command.includes('credential'))).toEqual([]);
});

test('what it shows is what it runs', async () => {
  for (const publicClient of [true, false]) {
    const { az, asked } = fakeAz();
    await register(az, { redirectUri, publicClient });
    const shown = commandsFor({ redirectUri, publicClient }).map(({ args }) => args.join(' '));
    expect(shown.map(command => command.replace('<client ID>', CLIENT))).toEqual(asked);
  }
});

test('a service principal of an earlier run is taken as it is; other failures end it', async () => {
  const again = fakeAz({ 'ad sp create': new Error('The service principal name is already in use.') });
  expect(await register(again.az, { redirectUri, publicClient: false })).toMatchObject({ clientSecret: 's~cret' });
  const refused = fakeAz({ 'ad sp create': new Error('Insufficient privileges to complete the operation.') });
  await expect(register(refused.az, { redirectUri, publicClient: false })).rejects.toThrow('Insufficient privileges');
  expect(refused.asked.filter(command => command.includes('credential'))).toEqual([]);
});

test('typed in a shell, nothing of a command is taken for something else', () => {
  const [, create = { args: [] }, principal = { args: [] }] = commandsFor({ redirectUri, publicClient: false });
  expect(typed(create)).toContain('"@dev/infra/registration/permissions.json"');
  expect(typed(principal)).toBe('az ad sp create --id "<client ID>"');
});

test('the app starts with the local.settings.json that it writes', async () => {
  const example = await readFile(join(root, 'local.settings.example.json'), 'utf8');
  const registration = { tenantId: TENANT, clientId: CLIENT, clientSecret: 's~cret' };
  const { Values, Host } = JSON.parse(localSettings(example, registration, 'http://localhost:8000/auth/callback'));
  const { config, warnings } = loadConfig(Values);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    origin: 'http://localhost:8000',
    entra: { tenantId: TENANT, clientId: CLIENT, authorityHost: 'https://login.microsoftonline.com' },
  });
  expect(Host.LocalHttpPort).toBe(8000);
});

test('it asks for the permissions and claims of the registration in the cloud', async () => {
  const bicep = await readFile(join(root, 'infra/modules/registration.bicep'), 'utf8');
  const [{ resourceAppId, resourceAccess }] = JSON.parse(
    await readFile(join(root, 'dev/infra/registration/permissions.json'), 'utf8'),
  );
  for (const id of [resourceAppId, ...resourceAccess.map((each: { id: string }) => each.id)]) {
    expect(bicep).toContain(`'${id}'`);
  }
  const { idToken } = JSON.parse(await readFile(join(root, 'dev/infra/registration/claims.json'), 'utf8'));
  expect(bicep).toContain(`[${idToken.map(({ name }: { name: string }) => `'${name}'`).join(', ')}]`);
});
