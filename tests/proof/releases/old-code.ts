import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from '../../../build.ts';
import { ROOT } from '../../bench/scratch.ts';

const run = promisify(execFile);

/** The commit that is checked out. */
export async function currentCommit(): Promise<string> {
  return (await run('git', ['rev-parse', 'HEAD'], { cwd: ROOT })).stdout.trim();
}

/**
 * Bundles the app as it was at a commit, with the packages of today.
 * @returns whether the commit is there: a clone may be shallow
 */
export async function buildCommit(commit: string, outdir: string): Promise<boolean> {
  const isThere = await run('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: ROOT }).then(
    () => true,
    () => false,
  );
  if (!isThere) return false;
  // Not below node_modules, where the bundler would not read tsconfig.json.
  const folder = await mkdtemp(join(tmpdir(), 'release-'));
  try {
    const archive = join(folder, 'release.tar');
    await run('git', ['archive', '-o', archive, commit, 'functions', 'src', 'tsconfig.json', 'package.json'], {
      cwd: ROOT,
    });
    await run('tar', ['-xf', archive, '-C', folder]);
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await build({ outdir, entry: join(folder, 'functions/index.ts') });
  } finally {
    await rm(folder, { recursive: true });
  }
  return true;
}
