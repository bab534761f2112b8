/** The library as others get it: packed, installed and built into an app with a tool of its own, as its document says. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Entra, startEntra } from '../../dev/entra/index.ts';
import { type RunningHost, spawnFunctionsHost } from '../../dev/functions-host/index.ts';
import { importsOf } from '../../dev/library/reachable.ts';
import { freePorts } from '../../dev/local/ports.ts';
import { loadConfig } from '../../src/index.ts';
import { Application, LIBRARIES } from '../clients/support/application.ts';
import { newSecret } from '../support/app-server.ts';
import { freshStorage } from '../support/azurite.ts';
import { document } from './document.ts';
import { emptyFolder, type Installed, ROOT } from './installed.ts';
import { examplesIn, partsModule, publicNames } from './public-names.ts';

const NAME = 'entra-mcp-functions';
let app: Installed;
let library: string;
let entra: Entra;
let host: RunningHost;
let origin: string;
let bundledOrigin: string;
/** What the document has in local.settings.json. */
let settings: Record<string, string>;
/** What it leaves running. */
let running: string[];

beforeAll(async () => {
  app = await emptyFolder();
  library = join(app.folder, 'node_modules', NAME);
  running = await app.follow('Begin');
  settings = (await readJson(join(app.folder, 'local.settings.json'))).Values;
  const ports = await freePorts(2);
  const origins = ports.map(port => `http://localhost:${port}`);
  [origin = '', bundledOrigin = ''] = origins;
  entra = await startEntra({
    redirectUris: origins.map(each => `${each}/auth/callback`),
    clientSecret: newSecret(),
  });
  host = await start(app.folder, origin);
});

const start = (root: string, at: string) =>
  spawnFunctionsHost({
    root,
    port: Number(new URL(at).port),
    env: {
      ...settings,
      AUTH_TENANT_ID: entra.tenantId,
      AUTH_CLIENT_ID: entra.clientId,
      AUTH_CLIENT_SECRET: entra.clientSecret,
      AUTH_AUTHORITY_HOST: entra.url,
      AUTH_REDIRECT_URI: `${at}/auth/callback`,
      AzureWebJobsStorage: freshStorage().connectionString,
    },
  });

afterAll(async () => {
  await Promise.all([host?.stop(), entra?.stop()]);
  await app?.remove();
});

const FOLDERS = [
  'functions',
  ...['src', 'src/access', 'src/entra', 'src/gateway', 'src/http', 'src/keys', 'src/mcp', 'src/oauth', 'src/storage'],
  ...['src/telemetry', 'src/web'],
];

/** Its files, without those of what it depends on. */
async function files(): Promise<string[]> {
  const all = await readdir(library, { recursive: true, withFileTypes: true });
  const own = all.filter(entry => entry.isFile() && !relative(library, entry.parentPath).startsWith('node_modules'));
  return own.map(entry => relative(library, join(entry.parentPath, entry.name)).replaceAll('\\', '/')).sort();
}
const toScript = (source: string) => source.replace(/\.tsx?$/, '.js');
const read = (file: string) => readFile(join(library, file), 'utf8');
const readJson = async (file: string) => JSON.parse(await readFile(file, 'utf8'));

test('the tarball holds the modules that the library needs, their types, what npm shows, and nothing else', async () => {
  const all = await files();
  expect(all.filter(file => !file.includes('/'))).toEqual(['LICENSE', 'README.md', 'package.json']);
  const folders = new Set(all.filter(file => file.includes('/')).map(file => file.split('/').slice(0, -1).join('/')));
  expect([...folders].filter(folder => folder.split('/').length <= 2).sort()).toEqual(FOLDERS);
  // Which those are, two other tools say: of scripts the bundler, of declarations the compiler of an app.
  const { metafile } = await build({
    entryPoints: ['src/index.ts'],
    absWorkingDir: ROOT,
    outdir: 'unwritten',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  });
  const scripts = all.filter(file => file.endsWith('.js'));
  expect(scripts).toEqual(Object.keys(metafile.inputs).map(toScript).sort());
  const listed = await app.run('npx', 'tsc', '--noEmit', '--listFiles');
  const compiled = listed.split(/\r?\n/).filter(path => path.includes(`/node_modules/${NAME}/`));
  const declarations = compiled
    .map(path => path.split(`/node_modules/${NAME}/`)[1])
    .filter(path => path !== 'package.json');
  expect(all.filter(file => file.includes('/') && !scripts.includes(file))).toEqual(declarations.sort());
  expect([scripts.length > 150, declarations.length > 50]).toEqual([true, true]);
  // What is deployed here registers itself, and would do so there.
  expect(all).not.toContain('functions/index.js');
});

test('each file imports what is there, or what is declared', async () => {
  const { dependencies, peerDependencies } = await readJson(join(library, 'package.json'));
  const known = Object.keys({ ...dependencies, ...peerDependencies });
  const all = await files();
  const strangers: string[] = [];
  const used = new Set<string>();
  for (const file of all.filter(name => /\.(?:js|d\.ts)$/.test(name))) {
    // The examples in the words of what is public name the library itself.
    for (const path of importsOf((await read(file)).replace(/\/\*\*.*?\*\//gs, ''))) {
      const [scope = '', name = ''] = path.split('/');
      const dependency = scope.startsWith('@') ? `${scope}/${name}` : scope;
      used.add(dependency);
      const script = relative('.', join(file, '..', path)).replaceAll('\\', '/');
      const target = file.endsWith('.d.ts') ? script.replace(/\.js$/, '.d.ts') : script;
      const isThere = path.startsWith('.') ? all.includes(target) : known.includes(dependency);
      if (!isThere && !isBuiltin(path)) strangers.push(`${file}: ${path}`);
    }
  }
  expect(strangers).toEqual([]);
  expect(known.filter(name => !used.has(name))).toEqual([]);
});

test('nothing of development comes with it, and no second copy of what both sides import', async () => {
  const { devDependencies } = await readJson(join(ROOT, 'package.json'));
  const manifest = await readJson(join(library, 'package.json'));
  expect(Object.keys(manifest).sort()).toEqual(
    'dependencies description engines exports keywords license name peerDependencies sideEffects type version'.split(
      ' ',
    ),
  );
  const installed = Object.keys((await readJson(join(app.folder, 'package-lock.json'))).packages);
  const own = ['typescript', '@types/node', 'esbuild'];
  const ofDevelopment = Object.keys(devDependencies).filter(name => !own.includes(name));
  expect(ofDevelopment.length).toBeGreaterThan(10);
  expect(ofDevelopment.filter(name => installed.includes(`node_modules/${name}`))).toEqual([]);
  expect(installed.filter(path => /node_modules\/(?:zod|@azure\/functions)$/.test(path))).toHaveLength(2);
});

test('the document has all that an app needs: the rest it leaves to two terminals and the registration', async () => {
  expect(running).toEqual(['npx azurite --location azurite-data', 'func start']);
  const example = await readJson(join(ROOT, 'local.settings.example.json'));
  const { AUTH_TENANT_ID, AUTH_CLIENT_ID, AUTH_CLIENT_SECRET, ...others } = settings;
  expect([AUTH_TENANT_ID, AUTH_CLIENT_ID, AUTH_CLIENT_SECRET]).toEqual(['', '', '']);
  expect(Object.keys(others).sort()).toEqual(
    ['FUNCTIONS_WORKER_RUNTIME', 'AzureWebJobsDisableHomepage', 'AzureWebJobsStorage'].sort(),
  );
  expect(example.Values).toMatchObject(others);
  // As it stands, with what the registration gives, it is enough on this machine.
  const given = { AUTH_TENANT_ID: entra.tenantId, AUTH_CLIENT_ID: entra.clientId, AUTH_CLIENT_SECRET: newSecret() };
  expect(loadConfig({ ...settings, ...given })).toMatchObject({
    warnings: [],
    config: { origin: 'http://localhost:7071' },
  });
  const { dependencies, devDependencies, scripts } = await readJson(join(app.folder, 'package.json'));
  expect(scripts).toEqual({ build: 'tsc' });
  expect(Object.keys({ ...dependencies, ...devDependencies }).sort()).toEqual(
    [NAME, '@azure/functions', 'zod', 'typescript', '@types/node'].sort(),
  );
});

test('the app registers the functions of this project', async () => {
  const { triggers } = await import('../../functions/triggers.ts');
  expect(host.functions.map(({ name }) => name).sort()).toEqual(triggers.map(({ name }) => name).sort());
});

/** Has a library sign its person in, and gives what the tool says to them. */
async function greeting(connect: (typeof LIBRARIES)['TypeScript SDK 2'], at: string): Promise<unknown> {
  const connection = await connect({ origin: at, mcpUrl: `${at}/mcp` }, new Application());
  const { structuredContent } = await connection.call('greet', { greeting: 'Good day' });
  await connection.close();
  return structuredContent;
}

test.each(Object.entries(LIBRARIES))('%s signs its person in and calls the tool', async (_name, connect) => {
  expect(await greeting(connect, origin)).toEqual({ text: 'Good day, Ada Lovelace!' });
});

test('bundled, it needs nothing that is installed, and serves alike', async () => {
  await app.follow('Starting fast');
  const root = await mkdtemp(join(tmpdir(), 'bundled-app-'));
  await cp(join(app.folder, 'dist'), join(root, 'dist'), { recursive: true });
  await cp(join(app.folder, 'host.json'), join(root, 'host.json'));
  await cp(join(app.folder, 'package.json'), join(root, 'package.json'));
  const bundled = await start(root, bundledOrigin);
  try {
    expect(bundled.functions.length).toBe(host.functions.length);
    expect(await greeting(LIBRARIES['TypeScript SDK 2'], bundledOrigin)).toEqual({ text: 'Good day, Ada Lovelace!' });
  } finally {
    await bundled.stop();
    await rm(root, { recursive: true });
  }
});

test('what is public has words, each value with an example, and all examples compile', async () => {
  const names = await publicNames(library);
  expect(names.length).toBeGreaterThan(50);
  const lacks = names.filter(({ kind, words, examples }) => !words || (kind === 'value' && examples.length === 0));
  expect(lacks.map(({ name }) => name)).toEqual([]);
  const examples = [...names.flatMap(each => each.examples), ...examplesIn(await document())];
  for (const [n, example] of examples.entries()) await writeFile(join(app.folder, `example-${n}.ts`), example);
  await app.run('npx', 'tsc', '--noEmit');
});

/** What is not taken apart: the settings, which are read as a whole, and what tests alone give. */
const WHOLE = ['Config', 'EntraMcpOptions', 'RequestContext', 'Surroundings'];

test('whoever writes a handler can name all that it is given', async () => {
  await writeFile(join(app.folder, 'parts.ts'), partsModule(await publicNames(library), WHOLE));
  await app.run('npx', 'tsc', '--declaration');
  const written = await readFile(join(app.folder, 'parts.d.ts'), 'utf8');
  const [, parts = ''] = /partsOfToolContext: .*? => \{\n(.*?)\n\};/s.exec(written) ?? [];
  const given = [...parts.matchAll(/^ {4}(?:readonly )?(\w+)/gm)].map(([, name]) => name);
  // The document's table tells of each.
  const [, table = ''] = /\n\| of the context \|.*?\n(.*?)\n\n/s.exec(await document()) ?? [];
  const told = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = '']) => cell.match(/(?<=`)\w+/g) ?? []);
  expect(given).toContain('person');
  expect(told.sort()).toEqual(given.sort());
});
