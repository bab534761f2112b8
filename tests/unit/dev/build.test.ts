import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { build, type Rebuilt, watch } from '../../../build.ts';

let folder: string;
let entry: string;
let outdir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-'));
  entry = join(folder, 'entry.ts');
  outdir = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true }));

test('bundles into a folder that a Functions host can load', async () => {
  await writeFile(join(folder, 'later.ts'), 'export const later: string = "loaded later";');
  await writeFile(entry, 'export const load = () => import("./later.ts");');
  const { files } = await build({ outdir, entry });

  expect(files[0]?.path).toBe('index.js');
  expect(files[1]?.path).toMatch(/^chunks\/later-\w+\.js$/);
  expect(await readdir(outdir)).toEqual(
    expect.arrayContaining(['index.js', 'index.js.map', 'chunks', 'host.json', 'package.json']),
  );
  const version = createRequire(import.meta.url)('../../../package.json').version;
  expect(JSON.parse(await readFile(join(outdir, 'package.json'), 'utf8'))).toEqual({
    type: 'module',
    main: 'index.js',
    version,
  });
  expect(await readFile(join(outdir, 'host.json'), 'utf8')).toBe(await readFile('host.json', 'utf8'));
  const { load } = await import(pathToFileURL(join(outdir, 'index.js')).href);
  expect(await load()).toMatchObject({ later: 'loaded later' });
});

test('a bundled library reaches the @azure/functions-core of its host', async () => {
  await writeFile(entry, 'try { require("@azure/functions-core") } catch (error) { globalThis.why = error.code }');
  await build({ outdir, entry });
  await import(pathToFileURL(join(outdir, 'index.js')).href);
  // Node's own answer: it was asked, and no host is here. Without a `require` it would be a TypeError with no code.
  expect((globalThis as { why?: string }).why).toBe('MODULE_NOT_FOUND');
});

test('a module of its own name for require, or for its maker, can be bundled', async () => {
  await writeFile(
    entry,
    'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' +
      'export const found = typeof require("node:path").join;',
  );
  await build({ outdir, entry });
  expect(await import(pathToFileURL(join(outdir, 'index.js')).href)).toMatchObject({ found: 'function' });
});

test('says what does not bundle, with file and line, and leaves the last build', async () => {
  await writeFile(entry, 'export const n = 1;');
  await build({ outdir, entry });
  const before = await readFile(join(outdir, 'index.js'), 'utf8');

  await writeFile(entry, '\nimport { x } from "./missing.ts"; console.log(x);');
  await expect(build({ outdir, entry })).rejects.toThrow(/Could not resolve "\.\/missing\.ts"[\s\S]*entry\.ts:2:18/);
  expect(await readFile(join(outdir, 'index.js'), 'utf8')).toBe(before);
});

test('removes the chunks of an earlier build', async () => {
  const later = join(folder, 'later.ts');
  await writeFile(entry, 'export const load = () => import("./later.ts");');
  await writeFile(later, 'export const n = 1;');
  const first = await build({ outdir, entry });
  await writeFile(later, 'export const n = 2;');
  const second = await build({ outdir, entry });

  expect(second.fingerprint).not.toBe(first.fingerprint);
  const scripts = (await readdir(join(outdir, 'chunks'))).filter(name => name.endsWith('.js'));
  expect(scripts.map(name => `chunks/${name}`)).toEqual([second.files[1]?.path]);
});

test('removes what no build wrote, since all of the folder is deployed', async () => {
  await writeFile(entry, 'export const n = 1;');
  await build({ outdir, entry });
  const before = await readdir(outdir, { recursive: true });
  await mkdir(join(outdir, 'old'));
  for (const stray of ['.env', 'local.settings.json', 'old/index.js', 'chunks/notes.txt']) {
    await writeFile(join(outdir, stray), 'stray');
  }
  await build({ outdir, entry });
  expect(await readdir(outdir, { recursive: true })).toEqual(before);
});

test('watching tells each change and each failure once, and nothing when the outcome is the same', async () => {
  await writeFile(entry, 'export const n = 1;');
  const last = await build({ outdir, entry });
  const told: Rebuilt[] = [];
  let wake = () => {};
  const watching = await watch({
    outdir,
    entry,
    last,
    onRebuild: async result => {
      told.push(result);
      wake();
    },
  });
  const after = async (source: string) => {
    const next = new Promise<void>(resolve => {
      wake = resolve;
    });
    await writeFile(entry, source);
    await next;
    return told.at(-1);
  };
  try {
    expect(await after('export const n = 2;')).toMatchObject({ ok: true, built: { outdir } });
    expect(await after('export const n = ;')).toMatchObject({
      ok: false,
      message: expect.stringContaining('entry.ts'),
    });
    // The comment changes the source and not what comes of it, so of these two only the second is told.
    expect(await after('export const n = 2; ')).toMatchObject({ ok: true });
    await writeFile(entry, 'export const n = 2; // the same');
    expect(await after('export const n = 3;')).toMatchObject({ ok: true });
    expect(told).toHaveLength(4);
  } finally {
    await watching.stop();
  }
});
