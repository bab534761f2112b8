import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyOfProject, type Project } from './support/project.ts';

let project: Project;
beforeEach(async () => {
  project = await copyOfProject();
});
afterEach(() => project.remove());

test('does the whole of it, whatever is set for the app', async () => {
  const env = { SERVER_PORT: 'nonsense', AUTH_TENANT_ID: 'mine', AzureWebJobsStorage: 'mine', TMPDIR: project.folder };
  const script = project.run('dev/demo.ts', { env });
  expect([await script.ended, script.output()]).toEqual([
    0,
    expect.stringMatching(/^All of it worked, in [\d.]+ s\.$/m),
  ]);
  expect(script.output()).toMatch(/connected +MCP 2026-07-28/);
  expect(script.output()).toMatch(/connected +MCP 2025-11-25/);
});

test('shows the gateway', async () => {
  const script = project.run('dev/demo.ts', { args: ['gateway'] });
  expect([await script.ended, script.output()]).toEqual([0, expect.stringContaining('All of it worked')]);
  expect(script.output()).toMatch(/client +GET \/\.well-known\/oauth-protected-resource\/everything\/mcp → 200/);
});

test('says what went wrong, and in which step', async () => {
  const tool = join(project.folder, 'src/mcp/tools/calculate-sum.ts');
  await writeFile(tool, (await readFile(tool, 'utf8')).replace('total + number', 'total - number'));
  const script = project.run('dev/demo.ts');
  expect(await script.ended).toBe(1);
  expect(script.output()).toContain('Step 5, "Ada uses the tools", failed:');
});

test('an app that does not start is told in its own words', async () => {
  const source = join(project.folder, 'functions/health.ts');
  await writeFile(source, `throw new Error('This does not start.');\n${await readFile(source, 'utf8')}`);
  const script = project.run('dev/demo.ts');
  expect(await script.ended).toBe(1);
  expect(script.output()).toContain('Step 3, ');
  expect(script.output()).toContain('This does not start.');
});
