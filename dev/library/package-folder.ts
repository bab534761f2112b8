/** The folder that `npm run pack` packs: the sources as JavaScript, their types, and a package.json of its own. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { reachable } from './reachable.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** What an app that embeds the library imports too, and so must have the very same copy of. */
const PEERS: readonly string[] = ['@azure/functions', 'zod'];

interface Manifest {
  name: string;
  version: string;
  description: string;
  keywords: readonly string[];
  license: string;
  homepage?: string;
  repository?: unknown;
  bugs?: unknown;
  engines: Record<string, string>;
  dependencies: Record<string, string>;
}

/**
 * Makes the folder anew.
 * @throws Error with the compiler's own words when the sources do not compile
 */
export async function makePackageFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await compile(folder);
  await keepWhatIsNeeded(folder);
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(packageJson(own), undefined, 2)}\n`);
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  await copyFile(join(root, 'docs/library.md'), join(folder, 'README.md'));
}

/** The repository's own package.json names the bundle that the Functions host loads, so it cannot be the library's. */
function packageJson({ dependencies, ...own }: Manifest) {
  const those = (isPeer: boolean) =>
    Object.fromEntries(Object.entries(dependencies).filter(([each]) => PEERS.includes(each) === isPeer));
  const { name, version, description, keywords, license, homepage, repository, bugs, engines } = own;
  return {
    name,
    version,
    description,
    keywords,
    license,
    // JSON leaves out what is not there.
    homepage,
    repository,
    bugs,
    type: 'module',
    exports: {
      '.': { types: './src/index.d.ts', default: './src/index.js' },
      './package.json': './package.json',
    },
    sideEffects: false,
    engines,
    dependencies: those(false),
    peerDependencies: those(true),
  };
}

async function compile(folder: string): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const project = join(import.meta.dirname, 'tsconfig.json');
  await run(process.execPath, [tsc, '-p', project, '--outDir', folder]).catch((error: { stdout: string }) => {
    throw new Error(`The library does not compile:\n${error.stdout}`);
  });
}

/**
 * Of modules that only give types no script is needed, and of what the public types do not name no declaration. The
 * compiler leaves `.ts` in declarations, which only the newest ones follow.
 */
async function keepWhatIsNeeded(folder: string): Promise<void> {
  const sources = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    sources.set(relative(folder, file).replaceAll('\\', '/'), await readFile(file, 'utf8'));
  }
  const needed = new Set([
    ...reachable(sources, 'src/index.js'),
    ...reachable(sources, 'src/index.d.ts', path => path.replace(/\.tsx?$/, '.d.ts')),
  ]);
  for (const [path, source] of sources) {
    const file = join(folder, path);
    if (!needed.has(path)) await rm(file);
    else if (path.endsWith('.d.ts'))
      await writeFile(file, source.replace(/(['"]\.{1,2}\/[^'"]+)\.tsx?(['"])/g, '$1.js$2'));
  }
  for (const [path] of sources) await removeIfEmpty(folder, dirname(path));
}

async function removeIfEmpty(folder: string, path: string): Promise<void> {
  const inside = await readdir(join(folder, path)).catch(() => undefined);
  if (path === '.' || inside === undefined || inside.length > 0) return;
  await rm(join(folder, path), { recursive: true });
  await removeIfEmpty(folder, dirname(path));
}
