/** What azd and the workflow read: azure.yaml, the parameter file, and that they fit each other and infra/. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SNAPSHOTS } from './snapshots.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFile(join(root, path), 'utf8');

interface AzureYaml {
  services: Record<string, Record<string, unknown>>;
  hooks: Record<string, Record<'posix' | 'windows', { run: string }>>;
  pipeline: { variables: string[] };
}
const azureYaml = parse(await read('azure.yaml')) as AzureYaml;
/** What can be chosen by `azd env set`. */
const options = [...(await read('infra/main.bicepparam')).matchAll(/'((?:INFRA|APP)_\w+)'/g)].map(([, name]) => name);

test('azure.yaml is as azd’s own schema wants it', async () => {
  const schema = JSON.parse(await read('tests/infra/schemas/azure.yaml.json'));
  const ajv = new Ajv2019({ strict: false, logger: false });
  // It refers to schemas of azd's extensions, which are not used here.
  for (const [, other] of JSON.stringify(schema).matchAll(/"\$ref":"(https:[^"#]+)"/g)) {
    if (other && !ajv.getSchema(other)) ajv.addSchema({}, other);
  }
  const validate = ajv.compile(schema);
  validate(azureYaml);
  expect(validate.errors).toBeNull();
  validate({ ...azureYaml, services: { mcp: { ...azureYaml.services.mcp, host: undefined } } });
  expect(validate.errors).not.toBeNull();
});

test('azd deploys dist/ as it stands to the site that bears the service’s name', async () => {
  expect(azureYaml.services).toEqual({
    mcp: { project: '.', host: 'function', language: 'ts', dist: 'dist', remoteBuild: false },
  });
  for (const snapshot of SNAPSHOTS) {
    expect(snapshot.the('Microsoft.Web/sites').tags?.['azd-service-name']).toBe('mcp');
  }
  const { scripts } = JSON.parse(await read('package.json'));
  expect(scripts.build).toBe('node build.ts');
});

test('every option is taken along to the pipeline, and is on in the snapshot of everything', () => {
  expect(options.length).toBeGreaterThan(20);
  expect(azureYaml.pipeline.variables).toEqual(options);
  const everything = SNAPSHOTS.find(({ scenario }) => scenario === 'everything');
  expect(Object.keys(everything?.environment ?? {}).sort()).toEqual([...options].sort());
});

test('docs/deploy.md tells of every option what the template says of it', async () => {
  const template = await read('infra/main.bicep');
  const about = new Map(
    [...template.matchAll(/@description\('(.*)'\)\n(?:@.*\n)*param (\w+)/g)].map(([, text, name]) => [name, text]),
  );
  const lines = (await read('infra/main.bicepparam')).matchAll(/^param (\w+) = .*\('(INFRA_\w+)', '(.*)'\)/gm);
  const rows = [...lines].map(
    ([, name, option, fallback]) => `| \`${option}\` | ${about.get(name)} |${fallback ? ` \`${fallback}\` ` : ' '}|`,
  );
  expect(rows.length).toBeGreaterThan(10);
  expect((await read('docs/deploy.md')).match(/^\| `INFRA_.*$/gm)).toEqual(rows);
});

test.each(['posix', 'windows'] as const)('after azd up a person on %s reads the outputs that they need', system => {
  const { run } = azureYaml.hooks.postup?.[system] ?? { run: '' };
  const named = [...run.matchAll(/\$(?:env:)?([A-Z][A-Z_]+)/g)].map(([, name]) => name);
  const wanted = Object.keys(SNAPSHOTS[0]?.outputs ?? {}).filter(name => /^(CONNECT_|MCP_URL|LANDING_PAGE)/.test(name));
  expect(named.sort()).toEqual(wanted.sort());
});

test('PowerShell gets the line for VS Code with its JSON in single quotes, which it takes apart otherwise', () => {
  const [, pattern = ''] = /-replace '(.+)', '''\$1'''/.exec(azureYaml.hooks.postup?.windows.run ?? '') ?? [];
  const line = String(SNAPSHOTS[0]?.outputs.CONNECT_VS_CODE).replace(new RegExp(pattern), "'$1'");
  expect(line).toMatch(/^code --add-mcp '\{\\"name\\":[^']+\}'$/);
});

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<
    string,
    {
      needs?: string;
      env?: Record<string, string>;
      permissions?: Record<string, string>;
      steps: { run?: string; uses?: string }[];
    }
  >;
}

test('the workflow checks everything before it deploys, and logs in without a secret', async () => {
  const text = await read('.github/workflows/azure-dev.yml');
  const { permissions, jobs } = parse(text) as Workflow;
  const runs = (job: string) => jobs[job]?.steps.flatMap(({ run }) => run ?? []) ?? [];
  expect(runs('test')).toEqual([
    'pip install -r examples/protect/python/requirements.txt',
    'npm ci',
    'npm run check',
    'npm run check:infra',
    'npm run check:samples',
    'npm run conformance -- gateway',
    'npm run check:library',
    'npm run proof -- --short',
  ]);
  expect(jobs.test?.env).toMatchObject({ REQUIRE_BROWSER: '1', REQUIRE_SAMPLES: '1' });
  expect(jobs.deploy?.needs).toBe('test');
  expect(runs('deploy').slice(-2)).toEqual(['azd provision --no-prompt', 'azd deploy --no-prompt']);
  expect(permissions).toEqual({ contents: 'read' });
  expect(jobs.deploy?.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
  expect(text).not.toContain('secrets.');
  for (const name of [
    'AZURE_CLIENT_ID',
    'AZURE_TENANT_ID',
    'AZURE_SUBSCRIPTION_ID',
    'AZURE_ENV_NAME',
    'AZURE_LOCATION',
  ]) {
    expect(text).toContain(`${name}: \${{ vars.${name} }}`);
  }
});

test('no committed file of .vscode or .devcontainer is broken JSON, and their scripts exist', async () => {
  const { scripts } = JSON.parse(await read('package.json'));
  const { tasks } = JSON.parse(await read('.vscode/tasks.json')) as { tasks: { script: string }[] };
  expect(tasks.filter(({ script }) => !(script in scripts))).toEqual([]);
  const { servers } = JSON.parse(await read('.vscode/mcp.json'));
  expect(Object.keys(servers)).toEqual(['entra-mcp-local', 'entra-mcp-cloud']);
  for (const file of ['launch.json', 'settings.json', 'extensions.json']) JSON.parse(await read(`.vscode/${file}`));
  JSON.parse(await read('.devcontainer/devcontainer.json'));
});
