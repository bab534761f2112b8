import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CredentialFile } from '../../../examples/client/credentials.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'credentials-')), 'below');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

const tokens = { access_token: 'a', token_type: 'Bearer' };
const file = (url: string) => new CredentialFile(new URL(url), folder);

test('keeps what was saved, and nobody else can read it', async () => {
  const store = file('https://mcp.example/mcp');
  expect(await store.load()).toEqual({});
  await store.save({ tokens });
  expect(await file('https://mcp.example/mcp').load()).toEqual({ tokens });
  expect((await stat(store.path)).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('a file that others could read, or half a file, is replaced', async () => {
  const store = file('https://mcp.example/mcp');
  await store.save({});
  await writeFile(store.path, '{"tokens"', { mode: 0o644 });
  expect(await store.load()).toEqual({});
  await store.save({ tokens });
  expect((await stat(store.path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toHaveLength(1);
});

test('each server has its own, whatever its address looks like', async () => {
  const urls = ['http://localhost:7071/mcp', 'http://localhost:7072/mcp', 'https://x/../../y', 'http://[::1]:1/mcp'];
  for (const [n, url] of urls.entries()) await file(url).save({ tokens: { ...tokens, access_token: String(n) } });
  for (const [n, url] of urls.entries()) {
    expect((await file(url).load()).tokens?.access_token).toBe(String(n));
  }
  expect(await readdir(folder)).toHaveLength(urls.length);
});
