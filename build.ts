/**
 * The build: bundles functions/index.ts and all it needs into dist/, the folder that is deployed and that the local
 * host runs. `node build.ts` builds once and prints the sizes.
 *
 * dist/ holds index.js, chunks/ (what is loaded when it is first used), host.json and a package.json of its own.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import {
  type BuildResult,
  context,
  type BuildOptions as EsbuildOptions,
  build as esbuild,
  formatMessages,
  type Plugin,
} from 'esbuild';
import { collect } from './dev/collect.ts';
import { readFlags, runScript } from './dev/local/script.ts';

const root = import.meta.dirname;

/**
 * `@azure/functions` asks for its host with `require`, swallows a failure, and then registers nothing at all: so each
 * file of the bundle gets a `require`. The alias must be a name that no bundled module declares.
 */
const banner = [
  "import { createRequire as __createRequireOfThisBundle } from 'node:module';",
  'const require = __createRequireOfThisBundle(import.meta.url);',
].join('\n');

/** Brings a list of what src/mcp/ defines up to date before it is bundled; a file that comes to or goes from its folder is a change. */
const lists: Plugin = {
  name: 'lists',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]src[\\/]mcp[\\/](?:tools|resources|prompts)[\\/]index\.ts$/ }, async ({ path }) => {
      await collect(dirname(path));
      return { contents: await readFile(path), loader: 'ts', watchDirs: [dirname(path)] };
    });
  },
};

export interface BuildOptions {
  /** Folder to write to; made when missing, and emptied of all that is not of the build. */
  outdir: string;
  /** The file to bundle; absent: functions/index.ts. */
  entry?: string;
}

export interface Built {
  outdir: string;
  /** The JavaScript, the entry first; paths are relative to `outdir`, with `/`. */
  files: { path: string; bytes: number }[];
  /** Equal for two builds exactly when their JavaScript is. */
  fingerprint: string;
}

/** What became of a rebuild: the new files are in place, or the old ones are untouched. */
export type Rebuilt = { ok: true; built: Built } | { ok: false; message: string };

/** Source that does not bundle; its message is esbuild's own, with file, line and column. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

/**
 * Builds once.
 * @throws BuildError with esbuild's messages; the output folder is then left as it was
 */
export async function build(options: BuildOptions): Promise<Built> {
  let result: Result;
  try {
    result = await esbuild(esbuildOptions(options));
  } catch (error) {
    throw new BuildError(await readable((error as Partial<Result>).errors, String(error)));
  }
  return write(result, options.outdir);
}

/**
 * Builds again whenever a bundled file changes, and tells `onRebuild`: what came out, when it differs from the last, or
 * why the source does not bundle. The next build is not written before `onRebuild` has ended.
 * @param options `last` is the build that is in the output folder now
 * @returns ends the watching
 */
export async function watch(
  options: BuildOptions & { last: Built; onRebuild: (result: Rebuilt) => Promise<void> },
): Promise<{ stop(): Promise<void> }> {
  let last: string | undefined = options.last.fingerprint;
  let queue = Promise.resolve();
  let stopped = false;

  const handle = async (result: Result) => {
    if (stopped) return;
    if (result.errors.length > 0) {
      last = undefined;
      return options.onRebuild({ ok: false, message: await readable(result.errors) });
    }
    if (fingerprint(result) === last) return;
    const built = await write(result, options.outdir);
    last = built.fingerprint;
    return options.onRebuild({ ok: true, built });
  };

  const tell: Plugin = {
    name: 'tell',
    setup: ({ onEnd }) =>
      onEnd(result => {
        queue = queue
          .then(() => handle(result as Result))
          .catch(error => console.error('The rebuild could not be used:', error));
      }),
  };
  const watching = await context({ ...esbuildOptions(options), plugins: [lists, tell] });
  await watching.watch();
  return {
    stop: async () => {
      stopped = true;
      // Not waited for: Ctrl-C ends esbuild's own process too, which then never answers.
      watching.dispose().catch(() => {});
      await queue;
    },
  };
}

function esbuildOptions(options: BuildOptions) {
  return {
    absWorkingDir: root,
    entryPoints: { index: resolve(root, options.entry ?? 'functions/index.ts') },
    outdir: resolve(options.outdir),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'external',
    external: ['@azure/functions-core'],
    banner: { js: banner },
    plugins: [lists],
    metafile: true,
    write: false,
    logLevel: 'silent',
  } satisfies EsbuildOptions;
}

type Result = BuildResult<ReturnType<typeof esbuildOptions>>;

const scriptsOf = (result: Result) => result.outputFiles.filter(file => file.path.endsWith('.js'));

function fingerprint(result: Result): string {
  const hash = createHash('sha256');
  for (const { path, contents } of scriptsOf(result)) hash.update(path).update('\0').update(contents);
  return hash.digest('hex');
}

async function readable(errors: Result['errors'] | undefined, otherwise = ''): Promise<string> {
  if (errors === undefined) return otherwise;
  return (await formatMessages(errors, { kind: 'error', color: process.stderr.isTTY })).join('').trimEnd();
}

/** Writes the new files first and only then removes old ones: what runs from the folder may still load its chunks. */
async function write(result: Result, outdir: string): Promise<Built> {
  const folder = resolve(outdir);
  await mkdir(join(folder, 'chunks'), { recursive: true });
  for (const { path, contents } of result.outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  await writeFile(join(folder, 'host.json'), await readFile(join(root, 'host.json')));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ type: 'module', main: 'index.js', version })}\n`);

  // All that lies here is deployed: what no build wrote goes.
  const written = new Set([
    ...result.outputFiles.map(file => file.path),
    ...['chunks', 'host.json', 'package.json'].map(name => join(folder, name)),
  ]);
  for (const inside of [folder, join(folder, 'chunks')]) {
    for (const name of await readdir(inside)) {
      const path = join(inside, name);
      if (!written.has(path)) await rm(path, { recursive: true });
    }
  }

  const files = scriptsOf(result).map(({ path, contents }) => ({
    path: relative(folder, path).replaceAll('\\', '/'),
    bytes: contents.byteLength,
  }));
  files.sort((a, b) => Number(b.path === 'index.js') - Number(a.path === 'index.js') || b.bytes - a.bytes);
  return { outdir, files, fingerprint: fingerprint(result) };
}

const help = `npm run build: bundles the app into dist/, the folder that is deployed, and prints the sizes.

  npm run build              builds once; npm start builds again at each change
  npm run build -- --help    shows this`;

if (import.meta.main) {
  await runScript(async () => {
    if (readFlags(process.argv.slice(2), ['help']).has('help')) return console.log(help);
    const started = performance.now();
    const { outdir, files } = await build({ outdir: join(root, 'dist') });
    const big = files.filter(({ path, bytes }) => path === 'index.js' || bytes >= 20_000);
    const rest = files.filter(file => !big.includes(file));
    const kilobytes = (of: typeof files) =>
      (of.reduce((sum, { bytes }) => sum + bytes, 0) / 1000).toFixed(0).padStart(5);
    for (const file of big) console.log(`${kilobytes([file])} KB  ${file.path}`);
    if (rest.length > 0) console.log(`${kilobytes(rest)} KB  ${rest.length} smaller chunks`);
    console.log(`Built ${relative(root, outdir)} in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  });
}
