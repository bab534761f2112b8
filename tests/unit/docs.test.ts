/** The documents say what the code does: settings, scripts, links, tables, rooms. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { entraRefusal } from '../../src/entra/errors.ts';
import type { Prompt } from '../../src/mcp/define-prompt.ts';
import type { Resource } from '../../src/mcp/define-resource.ts';
import type { Tool, ToolContext } from '../../src/mcp/define-tool.ts';
import { SETTINGS } from '../../src/settings.ts';
import { VERSION } from '../../src/version.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'docs/architecture.md',
  'docs/deploy.md',
  'docs/clients.md',
  'docs/entra.md',
  'docs/library.md',
  'docs/operations.md',
  'docs/protect-your-server.md',
  'docs/reliability.md',
  'docs/security.md',
  'docs/storage-schema.md',
  'examples/README.md',
];
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

/** The section of a document under a heading, up to the next one of its level. */
function section(text: string, heading: string): string {
  const [, after = ''] = text.split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
}

test('README’s table of settings is that of the code', async () => {
  const settings = section(await read('README.md'), 'Settings');
  const rows = [...settings.matchAll(/^\| `.*$/gm)].map(([row]) => row);
  expect(rows).toEqual(SETTINGS.map(({ name, about, fallback }) => `| \`${name}\` | ${about} | ${fallback} |`));
});

test.each(DOCUMENTS)('%s names only scripts that there are', async path => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
  const text = await read(path);
  const named = [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(([, run, short]) => run ?? short);
  expect(named.filter(name => name === undefined || !(name in scripts))).toEqual([]);
  const files = [...text.matchAll(/\bnpx node ([\w./-]+\.ts)/g)].map(([, file = '']) => file);
  expect(files.filter(file => !existsSync(join(ROOT, file)))).toEqual([]);
});

test.each(DOCUMENTS)('the links and files of %s are there', async path => {
  const text = await read(path);
  const links = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = '']) => target);
  for (const link of links) {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
    expect(existsSync(target), `${path}: ${link}`).toBe(true);
    if (anchor) expect(headings(await readFile(target, 'utf8')), `${path}: ${link}`).toContain(anchor);
  }
  const files = [...text.matchAll(/`((?:src|dev|functions|examples|tests|docs)\/[\w./-]*)`/g)].map(
    ([, file = '']) => file,
  );
  expect(files.filter(file => !existsSync(join(ROOT, file)))).toEqual([]);
});

/** The anchors of a document's headings, as GitHub makes them. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('docs/storage-schema.md has a section for each table, and for nothing else', async () => {
  const names = /TABLE_NAMES = \[([^\]]+)\]/.exec(await read('src/storage/tables.ts'))?.[1] ?? '';
  const tables = [...names.matchAll(/'(\w+)'/g)].map(([, name]) => name);
  const sections = [...(await read('docs/storage-schema.md')).matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  expect(tables.length).toBeGreaterThan(0);
  expect(sections).toEqual(tables);
});

test.each(['signins', 'grants', 'clients', 'sessions'])('its section on %s has every column', async table => {
  const types = { signins: ['Common', 'Answered', 'RedeemedSignin'], grants: ['Grant'] }[table] ?? [
    { clients: 'StoredClient', sessions: 'Session' }[table] ?? '',
  ];
  const source = await read(`src/storage/${table}.ts`);
  const columns = types.flatMap(type => {
    const body = new RegExp(`(?:type|interface) ${type} (?:= )?(?:\\w+ & )?\\{([^}]+)\\}`).exec(source)?.[1] ?? '';
    return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  });
  expect(columns.length).toBeGreaterThan(2);
  const documented = section(await read('docs/storage-schema.md'), table);
  expect(columns.filter(name => !documented.includes(`\`${name}\``))).toEqual([]);
});

test('docs/entra.md has every error of Entra’s that the code knows, in the same words, and no other', async () => {
  const known = /BY_NUMBER = new Map[^(]+\(\[(.+?)\n\]\);/s.exec(await read('src/entra/errors.ts'))?.[1] ?? '';
  const codes = [...known.matchAll(/\[\s*(\d{5,}),/g)].map(([, number]) => `AADSTS${number}`);
  expect(codes.length).toBeGreaterThan(50);
  const rows = [
    ...section(await read('docs/entra.md'), 'Error codes').matchAll(/^\| (AADSTS.+?) \| (.+?) \| .+ \|$/gm),
  ];
  const documented = rows.flatMap(([, names = '', what]) => names.split(', ').map(code => [code, what]));
  expect(documented.sort()).toEqual(codes.map(code => [code, entraRefusal('', code).what]).sort());
});

test('docs/entra.md names only settings that there are', async () => {
  const named = (await read('docs/entra.md')).match(/\b(?:AUTH|TOKEN|HTTP)_[A-Z_]+\b/g) ?? [];
  const settings = new Set<string>(SETTINGS.map(({ name }) => name));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(name => !settings.has(name))).toEqual([]);
});

test('README names every tool, with its scope', async () => {
  const { tools } = await import('../../src/mcp/tools/index.ts');
  const rows = [...section(await read('README.md'), 'Tools and scopes').matchAll(/^\| `(\w+)` \|.*\| (.+) \|$/gm)];
  const documented = rows.map(([, name, scope]) => [name, scope]);
  const served = tools.map(({ name, scopes }) => [name, scopes.map(scope => `\`${scope}\``).join(', ') || 'any token']);
  expect(documented.sort()).toEqual(served.sort());
});

/** What a file of `src/mcp/` that README shows defines. */
async function shownIn<T>(folder: string, definer: string): Promise<{ defined: T; lines: number }> {
  const code = new RegExp(`\`\`\`ts\\n(// src/mcp/${folder}/.+?)\`\`\``, 's').exec(await read('README.md'))?.[1] ?? '';
  await mkdir(join(ROOT, '.local'), { recursive: true });
  const place = await mkdtemp(join(ROOT, '.local/readme-'));
  try {
    const file = join(place, `${definer}.ts`);
    await writeFile(file, code.replace(`../${definer}.ts`, join(ROOT, `src/mcp/${definer}.ts`)));
    const { default: defined } = (await import(file)) as { default: T };
    return { defined, lines: code.trimEnd().split('\n').length };
  } finally {
    await rm(place, { recursive: true });
  }
}

test('the tool, the resource and the prompt that README adds work as they stand', async () => {
  const context = { person: { tid: 'tenant', oid: 'ada', name: 'Ada' } } as ToolContext;
  const tool = await shownIn<Tool>('tools', 'define-tool');
  expect(tool.lines).toBeLessThanOrEqual(15);
  expect(await tool.defined.call({}, context)).toMatchObject({ structuredContent: { text: 'Hello, Ada!' } });

  const { defined: resource } = await shownIn<Resource>('resources', 'define-resource');
  const { resources } = await resource.list({ cursor: undefined, limit: 100 }, context);
  expect(resources.map(({ uri }) => uri)).toEqual(['team://blue', 'team://red']);
  const variables = (await resource.match('team://red')) ?? {};
  expect(await resource.read('team://red', variables, context)).toMatchObject({ contents: [{ text: 'Alan' }] });
  expect(await resource.read('team://gray', { color: 'gray' }, context)).toBeUndefined();

  const { defined: prompt } = await shownIn<Prompt>('prompts', 'define-prompt');
  const { messages } = await prompt.get({ tone: 'formal' }, context);
  expect(messages).toMatchObject([{ content: { text: 'Write a formal introduction of Ada for the team.' } }]);
});

test('README and docs/library.md show the app that embeds the library as it is', async () => {
  const shown = async (path: string, file: string, language: string) =>
    (await read(path)).includes(`\`\`\`${language}\n${await read(`examples/library/${file}`)}\`\`\`\n`);
  expect(await shown('README.md', 'index.ts', 'ts')).toBe(true);
  expect((await read('examples/library/index.ts')).trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  expect(await shown('docs/library.md', 'index.ts', 'ts')).toBe(true);
  expect(await shown('docs/library.md', 'bundle.js', 'js')).toBe(true);
  for (const file of ['host.json', 'package.json', 'tsconfig.json']) {
    expect(await shown('docs/library.md', file, 'json'), file).toBe(true);
  }
});

test('docs/protect-your-server.md shows the samples as they are', async () => {
  const folder = 'examples/protect';
  const text = await read('docs/protect-your-server.md');
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter(entry => entry.isFile() && !/\/(bin|obj)(\/|$)/.test(entry.parentPath));
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) {
    const path = relative(ROOT, join(file.parentPath, file.name)).replaceAll('\\', '/');
    const [, language, shown] = text.split(`](../${path}):\n\n`)[1]?.match(/^```(\w+)\n(.*?)```\n/s) ?? [];
    expect(language, path).toBeDefined();
    expect(shown, path).toBe(await read(path));
  }
});

test('docs/security.md names tests for each threat, and every one of them is there', async () => {
  const [, ...tables] = (await read('docs/security.md')).split('| threat | defence | tests |');
  const rows = tables.flatMap(table => table.split('\n\n')[0]?.trim().split('\n').slice(1) ?? []);
  expect(rows.length).toBeGreaterThan(30);
  const missing: string[] = [];
  for (const row of rows) {
    const tests = [...(row.split(' | ').at(-1) ?? '').matchAll(/`([\w/-]+)`: ((?:“[^”]+”(?:, )?)+)/g)];
    if (tests.length === 0) missing.push(row);
    for (const [, file = '', names = ''] of tests) {
      const source = await read(`tests/${file}.test.ts`);
      for (const [, name = ''] of names.matchAll(/“([^”]+)”/g)) {
        if (![`'${name}'`, `"${name}"`, `\`${name}\``].some(title => source.includes(title))) missing.push(name);
      }
    }
  }
  expect(missing).toEqual([]);
});

test('the version is that of package.json', async () => {
  expect(VERSION).toBe(JSON.parse(await read('package.json')).version);
});

/** From below to above, as docs/architecture.md draws them: each may import those before it. */
const ROOMS = [
  ['log.ts', 'settings.ts', 'version.ts'],
  ['http'],
  ['keys'],
  ['setting-problems.ts', 'setting-warnings.ts'],
  ['setting-values.ts'],
  ['resource-settings.ts'],
  ['config.ts'],
  ['access', 'telemetry'],
  ['storage', 'web'],
  ['entra', 'health.ts'],
  ['oauth', 'mcp', 'gateway'],
  ['authorization-server.ts'],
  ['app.ts'],
  ['trigger.ts', 'samples.ts'],
  ['../functions/triggers.ts'],
  ['register.ts'],
  ['entra-mcp.ts'],
  ['index.ts'],
];

test('imports point one way', async () => {
  const level = (room: string) => ROOMS.findIndex(rooms => rooms.includes(room));
  const wrong: string[] = [];
  for (const entry of await readdir(join(ROOT, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const from = roomOf(file);
    for (const target of importsOf(await readFile(file, 'utf8'), file)) {
      const to = roomOf(target);
      if (level(to) < 0 || level(from) < 0 || (to !== from && level(to) >= level(from))) {
        wrong.push(`${relative(ROOT, file)} imports ${relative(ROOT, target)}`);
      }
    }
  }
  for (const name of await readdir(join(ROOT, 'functions'))) {
    const file = join(ROOT, 'functions', name);
    for (const target of importsOf(await readFile(file, 'utf8'), file)) {
      const allowed = relative(ROOT, target) === 'src/index.ts';
      if (!allowed && dirname(target) !== join(ROOT, 'functions')) wrong.push(`functions/${name} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

function importsOf(source: string, file: string): string[] {
  return [...source.matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    join(dirname(file), path),
  );
}

/** The first step below src/, or the whole path of what is outside. */
function roomOf(file: string): string {
  const path = relative(join(ROOT, 'src'), file).replaceAll('\\', '/');
  return path.startsWith('..') ? path : (path.split('/')[0] ?? '');
}
