/**
 * From the start of the process to the first answer, the 401 of `POST /mcp`: the bundle that is deployed, beside the same
 * app with all its runtime dependencies from node_modules.
 *
 * "The same app with all its runtime dependencies from node_modules" is what an app without a bundler is: each package
 * that functions/ and src/ import anywhere is imported from node_modules, whole, at the start. Our own files are one file
 * there too, not a hundred, which favours it. Beside it also the same file with imports where the source has them, so
 * that what is imported later is not loaded: what remains between that and the bundle is what bundling alone gives.
 *
 * All run in the same process around it (start-probe.ts), in turn, so that what else the machine does hits all alike.
 * Node's own start is subtracted: that process without any app, where Node's own HTTP server gives the answer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build as esbuild } from 'esbuild';
import { build } from '../../build.ts';
import manifest from '../../package.json' with { type: 'json' };
import { holds } from './holds.ts';
import { ROOT, scratchFolder } from './scratch.ts';
import { SETTINGS } from './settings.ts';
import type { Start } from './start-probe.ts';
import { median, type Result } from './table.ts';

const ROUNDS = 21;
const TARGET = 0.25;

/** What a sign-in, a managed identity or telemetry needs, and a start does not. */
const LATER = /^@azure\/(msal-\w+|identity|data-tables)$|^@opentelemetry\//;

/** As in the cloud, with a managed identity; nothing is sent there. */
const ENVIRONMENT = {
  ...SETTINGS,
  AzureWebJobsStorage__tableServiceUri: 'https://bench.table.core.windows.net',
  APPLICATIONINSIGHTS_CONNECTION_STRING:
    'InstrumentationKey=33333333-3333-4333-8333-333333333333;IngestionEndpoint=https://insights.example',
};

type Sample = Start & { wallMs: number };

export async function run(): Promise<Result> {
  await using folder = await scratchFolder();
  const probe = join(folder.path, 'probe.mjs');
  await esbuild({ ...nodeModule, entryPoints: [join(ROOT, 'tests/bench/start-probe.ts')], outfile: probe });
  await build({ outdir: join(folder.path, 'bundle') });
  const apps = {
    nothing: undefined,
    bundle: join(folder.path, 'bundle/index.js'),
    packages: await fromPackages(folder.path, 'all at the start'),
    packagesLater: await fromPackages(folder.path, 'where they are imported'),
  };
  const samples = { nothing: [], bundle: [], packages: [], packagesLater: [] } as Record<keyof typeof apps, Sample[]>;
  const names = Object.keys(apps) as (keyof typeof apps)[];
  // The first round only fills the system's cache of files.
  for (let round = -1; round < ROUNDS; round++) {
    for (const name of names) {
      const sample = await start(probe, apps[name]);
      if (round >= 0) samples[name].push(sample);
    }
  }

  const cost = (name: keyof typeof apps, of: 'wallMs' | 'cpuMs') => median(samples[name].map(sample => sample[of]));
  const above = (name: keyof typeof apps, of: 'wallMs' | 'cpuMs') => cost(name, of) - cost('nothing', of);
  const compare = (other: keyof typeof apps, of: 'wallMs' | 'cpuMs') => ({
    measured: milliseconds(above('bundle', of)),
    beside: milliseconds(above(other, of)),
    ratio: above('bundle', of) / above(other, of),
  });
  const wall = compare('packages', 'wallMs');
  return {
    rows: [
      { what: 'Node’s own start and answer, subtracted below', measured: milliseconds(cost('nothing', 'wallMs')) },
      {
        what: 'the bundle, beside all dependencies from node_modules',
        ...wall,
        target: `<= ${TARGET}`,
        reached: wall.ratio <= TARGET,
      },
      { what: 'the same in CPU time', ...compare('packages', 'cpuMs') },
      {
        what: 'the same, nothing subtracted',
        measured: milliseconds(cost('bundle', 'wallMs')),
        beside: milliseconds(cost('packages', 'wallMs')),
        ratio: cost('bundle', 'wallMs') / cost('packages', 'wallMs'),
      },
      { what: 'the bundle, beside node_modules with late imports', ...compare('packagesLater', 'wallMs') },
      await loadedAtStart(probe, apps.bundle),
    ],
  };
}

async function loadedAtStart(probe: string, bundle: string) {
  const { loaded } = await start(probe, bundle, 'trace');
  const files = loaded.filter(url => url.startsWith('file:')).map(url => fileURLToPath(url));
  const packages = new Set((await Promise.all(files.map(holds))).flat());
  const bytes = (await Promise.all(files.map(file => stat(file)))).reduce((sum, { size }) => sum + size, 0);
  const early = [...packages].filter(name => LATER.test(name));
  return {
    what: `loaded until then, in ${files.length} files; MSAL, @azure/identity, tables client or telemetry among it`,
    measured: `${(bytes / 1000).toFixed(0)} KB`,
    beside: early.join(', ') || 'none',
    target: 'none',
    // Our own are looked for so that a trace that saw nothing does not pass.
    reached: early.length === 0 && packages.has('functions'),
  };
}

const milliseconds = (value: number) => `${value.toFixed(0)} ms`;

/** One start, in milliseconds from before the process is there to its answer. */
async function start(probe: string, app?: string, ...trace: string[]): Promise<Sample> {
  const before = performance.now();
  const child = spawn(process.execPath, [probe, ...(app ? [app, ...trace] : [])], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Before the process ends, which takes its own time.
  const answered = once(child.stdout, 'readable').then(() => performance.now() - before);
  const [output, wallMs] = await Promise.all([text(child.stdout), answered, once(child, 'exit')]);
  const { status, cpuMs = 0, loaded = [] } = JSON.parse(output || '{}') as Partial<Start>;
  if (status !== 401) throw new Error(`${basename(app ?? 'Node')} answered ${status}.`);
  return { status, cpuMs, loaded, wallMs };
}

const nodeModule = {
  bundle: true,
  metafile: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
  banner: {
    js: "import { createRequire as __createRequireOfThisBundle } from 'node:module';\nconst require = __createRequireOfThisBundle(import.meta.url);",
  },
} satisfies BuildOptions;

/** The app as one file, its packages left where they are. */
async function fromPackages(folder: string, when: 'all at the start' | 'where they are imported'): Promise<string> {
  const outfile = join(folder, `${when.replaceAll(' ', '-')}.mjs`);
  const options = { ...nodeModule, entryPoints: [join(ROOT, 'functions/index.ts')], outfile };
  const { metafile } = await esbuild(options);
  if (when === 'where they are imported') return outfile;

  const imports = Object.values(metafile.outputs).flatMap(output => output.imports.map(({ path }) => path));
  const packages = [...new Set(imports)].filter(path => !isBuiltin(path));
  for (const dependency of Object.keys(manifest.dependencies)) {
    if (!packages.some(path => path === dependency || path.startsWith(`${dependency}/`))) {
      throw new Error(`${dependency} is a runtime dependency, and nothing imports it.`);
    }
  }
  const js = [...packages.map(path => `import ${JSON.stringify(path)};`), options.banner.js].join('\n');
  await esbuild({ ...options, banner: { js } });
  return outfile;
}
