import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mutation, mutate } from './mutation.ts';

/** A copy of the project in which a check can be taken out while others work on the original. */
export interface WorkCopy {
  readonly folder: string;
  /** Does something while a check is missing, and puts it back. */
  without<T>(mutation: Mutation, action: () => Promise<T>): Promise<T>;
  remove(): Promise<void>;
}

/** What the tests read of the project. */
const PARTS = [
  'src',
  'functions',
  'dev',
  'examples',
  'tests',
  'docs',
  'build.ts',
  'host.json',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'local.settings.example.json',
  'README.md',
];

/**
 * Copies the project as it stands; its packages are linked. Not below
 * `node_modules`, for what lies there is not taken for source.
 *
 * @param project its folder
 */
export async function copyProject(project: string): Promise<WorkCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'mutation-'));
  await Promise.all(PARTS.map(part => cp(join(project, part), join(folder, part), { recursive: true })));
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return {
    folder,
    async without(mutation, action) {
      const path = join(folder, mutation.file);
      const source = await readFile(path, 'utf8');
      await writeFile(path, mutate(source, mutation));
      try {
        return await action();
      } finally {
        await writeFile(path, source);
      }
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
