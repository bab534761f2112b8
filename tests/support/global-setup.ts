/** One in-memory Azurite for the whole run. `azurite.ts` gives each test an account of its own on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startAzurite } from '../../dev/azurite/index.ts';

/** Kept short: together they must fit into one environment variable, 32,767 characters on Windows. */
const accounts = Array.from({ length: 1000 }, (_, n) => ({
  name: `t${String(n).padStart(3, '0')}`,
  key: 'bm90IGEgc2VjcmV0',
}));

export interface StorageForTests {
  port: number;
  accounts: typeof accounts;
  /** A folder with one empty file for each account that is taken. */
  claims: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    storage: StorageForTests;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const newClaims = () => mkdtemp(join(tmpdir(), 'accounts-'));
  let claims = await newClaims();
  let azurite = await startAzurite({ accounts });
  const { port } = azurite;
  project.provide('storage', { port, accounts, claims });

  // In watch mode each run starts with empty tables and all accounts free.
  project.onTestsRerun(async () => {
    await azurite.stop();
    await rm(claims, { recursive: true });
    claims = await newClaims();
    azurite = await startAzurite({ port, accounts });
    project.provide('storage', { port, accounts, claims });
  });

  return async () => {
    await azurite.stop();
    await rm(claims, { recursive: true });
  };
}
