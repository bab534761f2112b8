/** The compiled template. `npm run check:infra` compiles it and runs this. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/settings.ts';

interface Definition {
  type?: string;
  $ref?: string;
  metadata?: { description?: string };
  defaultValue?: unknown;
  properties?: Record<string, Definition>;
  additionalProperties?: unknown;
  nullable?: boolean;
  [constraint: string]: unknown;
}

interface Template {
  parameters: Record<string, Definition>;
  definitions?: Record<string, Definition>;
  resources: Record<string, { dependsOn?: string[]; '@options'?: object; properties?: { template?: Template } }>;
  outputs?: Record<string, { type: string; value: string; metadata?: { description?: string } }>;
}

const template = JSON.parse(readFileSync(process.env.INFRA_TEMPLATE ?? '', 'utf8')) as Template;
const modules = Object.entries(template.resources).flatMap(([name, { properties }]) =>
  properties?.template ? [[name, properties.template] as const] : [],
);
const everyTemplate = [['main', template] as const, ...modules];

test('every parameter, output and type is described', () => {
  const bare: string[] = [];
  const look = (where: string, all: Record<string, Definition> = {}) => {
    for (const [name, each] of Object.entries(all)) {
      if (!each.metadata?.description && !where.endsWith('types')) bare.push(`${where}: ${name}`);
      look(`${where}: ${name}`, each.properties);
    }
  };
  for (const [name, each] of everyTemplate) {
    look(name, each.parameters);
    look(`${name}: types`, each.definitions);
    look(name, each.outputs);
  }
  expect(bare).toEqual([]);
});

test('every parameter of the deployment is constrained', () => {
  const constraints = ['allowedValues', 'minLength', 'maxLength', 'minValue', 'maxValue', '$ref'];
  const free = Object.entries(template.parameters).filter(
    ([, each]) => each.type !== 'bool' && !constraints.some(name => name in each),
  );
  expect(free.map(([name]) => name)).toEqual([]);
});

test('the only secrets are the parts of the key: made at random, never asked for, never given out', () => {
  const secrets = everyTemplate.flatMap(([where, { parameters }]) =>
    Object.entries(parameters)
      .filter(([, { type }]) => type?.startsWith('secure'))
      .map(([name, { defaultValue }]) => [where, name, defaultValue]),
  );
  expect(secrets).toEqual([1, 2, 3].map(part => ['vault', `keyPart${part}`, '[newGuid()]']));
  const given = everyTemplate.flatMap(([, { outputs = {} }]) => Object.values(outputs));
  expect(given.filter(({ type, value }) => type.startsWith('secure') || /list\w*\(|keyPart/i.test(value))).toEqual([]);
});

test('the key is made once and kept by every later deployment', () => {
  const vault = template.resources.vault?.properties?.template;
  expect(vault?.resources.jwtSecretKey?.['@options']).toEqual({ onlyIfNotExists: [] });
});

test('a second deployment comes to the same names and values, whatever the site’s address is', () => {
  const text = JSON.stringify(template);
  expect(text.match(/newGuid\(/g)).toHaveLength(3);
  expect(text).not.toMatch(/utcNow\(|azurewebsites/);
});

test('the site waits for the roles of its identity', () => {
  expect(template.resources.site?.dependsOn).toEqual(expect.arrayContaining(['storage', 'vault', 'monitoring']));
  for (const [name, { resources }] of modules) {
    if (!['storage', 'vault', 'monitoring'].includes(name)) continue;
    expect(
      Object.keys(resources).some(resource => resource.startsWith('assignment')),
      name,
    ).toBe(true);
  }
});

/** Set by the template itself. */
const OF_THE_TEMPLATE = [
  'AUTH_TENANT_ID',
  'AUTH_CLIENT_ID',
  'AUTH_MANAGED_IDENTITY_CLIENT_ID',
  'AUTH_REDIRECT_URI',
  'AUTH_AUTHORITY_HOST',
  'JWT_SECRET_KEY',
  'AzureWebJobsStorage__tableServiceUri',
  'AzureWebJobsStorage__clientId',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
];
/** Secrets of other kinds, and what has no meaning in Azure. */
const NOT_IN_THE_CLOUD = [
  'AUTH_CLIENT_SECRET',
  'AUTH_CLIENT_CERTIFICATE',
  'AzureWebJobsStorage',
  'SERVER_HOST',
  'SERVER_PORT',
];

test('every other setting of the app can be chosen, and no other', () => {
  const type = Object.entries(template.definitions ?? {}).find(([name]) => name.endsWith('AppSettings'))?.[1];
  expect(type?.additionalProperties).toBe(false);
  const rest = SETTINGS.map(({ name }) => name as string).filter(
    name => !OF_THE_TEMPLATE.includes(name) && !NOT_IN_THE_CLOUD.includes(name),
  );
  expect(Object.keys(type?.properties ?? {}).sort()).toEqual(rest.sort());
});

test('the parameter file falls back to the template’s own defaults', () => {
  const text = readFileSync(join(import.meta.dirname, '../../infra/main.bicepparam'), 'utf8');
  const lines = [...text.matchAll(/^param (\w+) = .*readEnvironmentVariable\('INFRA_\w+', '(.*)'\)/gm)];
  const own = Object.entries(template.parameters).flatMap(([name, { defaultValue }]) =>
    defaultValue === undefined || name === 'settings'
      ? []
      : [[name, typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue)]],
  );
  expect(lines.map(([, name, fallback]) => [name, fallback]).sort()).toEqual(own.sort());
});
