/** An app that embeds the library, as docs/library.md tells people to make it, in a folder of its own. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(import.meta.dirname, '../..');

export interface Installed {
  readonly folder: string;
  /** Runs a command in the folder, as a person does there; gives what it printed. */
  run(command: string, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Packs the library, and installs it beside what an app needs.
 * @throws Error that says so when the registry cannot be reached
 */
export async function installLibrary(): Promise<Installed> {
  const { stdout } = await promisify(execFile)(process.execPath, ['dev/library/pack.ts'], { cwd: ROOT });
  const [tarball = ''] = /\S+\.tgz/.exec(stdout) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'embedding-app-'));
  await cp(join(ROOT, 'examples/library'), folder, { recursive: true });

  async function run(command: string, ...args: string[]): Promise<string> {
    try {
      const shell = process.platform === 'win32';
      return (await promisify(execFile)(command, args, { cwd: folder, shell })).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
    }
  }

  const remove = () => rm(folder, { recursive: true });
  try {
    // Without a registry an installation says that nothing fits.
    await run('npm', 'view', 'zod', 'version', '--fetch-retries=1', '--fetch-retry-mintimeout=1000').catch(error => {
      throw new Error(`The registry cannot be reached, and check:library installs from it. ${error.message}`);
    });
    const install = ['install', '--no-audit', '--no-fund'];
    await run('npm', ...install, join(ROOT, tarball), '@azure/functions', 'zod');
    await run('npm', ...install, '--save-dev', 'typescript', '@types/node', 'esbuild');
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, run, remove };
}
