/** The library as others get it: packed, installed into an empty folder, and built into an app with a tool of its own. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Entra, startEntra } from '../../dev/entra/index.ts';
import { type RunningHost, spawnFunctionsHost } from '../../dev/functions-host/index.ts';
import { importsOf } from '../../dev/library/reachable.ts';
import { freePorts } from '../../dev/local/ports.ts';
import { Application, LIBRARIES } from '../clients/support/application.ts';
import { newSecret } from '../support/app-server.ts';
import { freshStorage } from '../support/azurite.ts';
import { type Installed, installLibrary, ROOT } from './installed.ts';

const NAME = 'entra-mcp-functions';
let app: Installed;
let library: string;
let entra: Entra;
let host: RunningHost;
let origin: string;
let bundledOrigin: string;

beforeAll(async () => {
  app = await installLibrary();
  library = join(app.folder, 'node_modules', NAME);
  await app.run('npm', 'run', 'build');
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

/** Its files, without those of what it depends on. */
async function files(): Promise<string[]> {
  const all = await readdir(library, { recursive: true, withFileTypes: true });
  const own = all.filter(entry => entry.isFile() && !relative(library, entry.parentPath).startsWith('node_modules'));
  return own.map(entry => relative(library, join(entry.parentPath, entry.name)).replaceAll('\\', '/')).sort();
}
const read = (file: string) => readFile(join(library, file), 'utf8');
const readJson = async (file: string) => JSON.parse(await readFile(file, 'utf8'));

test('the tarball holds scripts and types of src/ and functions/, what npm shows, and nothing else', async () => {
  const others = (await files()).filter(file => !/^(?:src|functions)\/[\w/-]+\.(?:js|d\.ts)$/.test(file));
  expect(others).toEqual(['LICENSE', 'README.md', 'package.json']);
  // What is deployed here registers itself, and would do so there.
  expect(await files()).not.toContain('functions/index.js');
  expect(await files()).toEqual(expect.arrayContaining(['src/index.js', 'src/index.d.ts', 'functions/triggers.js']));
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
    'dependencies description engines exports license name peerDependencies sideEffects type version'.split(' '),
  );
  const installed = Object.keys((await readJson(join(app.folder, 'package-lock.json'))).packages);
  const own = ['typescript', '@types/node', 'esbuild'];
  const ofDevelopment = Object.keys(devDependencies).filter(name => !own.includes(name));
  expect(ofDevelopment.length).toBeGreaterThan(10);
  expect(ofDevelopment.filter(name => installed.includes(`node_modules/${name}`))).toEqual([]);
  expect(installed.filter(path => /node_modules\/(?:zod|@azure\/functions)$/.test(path))).toHaveLength(2);
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
  await app.run('node', 'bundle.js');
  const root = await mkdtemp(join(tmpdir(), 'bundled-app-'));
  await cp(join(app.folder, 'dist'), join(root, 'dist'), { recursive: true });
  await cp(join(app.folder, 'host.json'), join(root, 'host.json'));
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/index.js' }));
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
  const exported = [...(await read('src/index.d.ts')).matchAll(/^export (type )?\{ ([^}]+) \} from '([^']+)\.js';$/gm)];
  expect(exported.length).toBeGreaterThan(10);
  const wordless: string[] = [];
  const examples: string[] = [];
  for (const [, allTypes, names = '', from] of exported) {
    const source = await read(join('src', `${from}.d.ts`));
    for (const each of names.split(', ')) {
      const name = each.replace('type ', '');
      const declared = `export (?:declare )?(?:const|function|class|interface|type) ${name}\\b`;
      const [, words = ''] = new RegExp(`/\\*\\*((?:(?!\\*/).)*)\\*/\\s*${declared}`, 's').exec(source) ?? [];
      const isType = Boolean(allTypes) || each.startsWith('type ');
      const code = [...words.matchAll(/```ts\n(.*?)```/gs)].map(([, text = '']) => text.replaceAll(/^ *\* ?/gm, ''));
      if (words === '' || (!isType && code.length === 0)) wordless.push(name);
      examples.push(...code);
    }
  }
  expect(wordless).toEqual([]);
  for (const [n, example] of examples.entries()) await writeFile(join(app.folder, `example-${n}.ts`), example);
  await app.run('npx', 'tsc', '--noEmit');
});
