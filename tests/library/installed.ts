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

/** Failures of npm that are the network's. */
const OFFLINE = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

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
      if (command === 'npm' && OFFLINE.test(stderr)) {
        throw new Error(`The registry cannot be reached, and check:library installs from it:\n${stderr}`);
      }
      throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
    }
  }

  const install = ['install', '--no-audit', '--no-fund', '--fetch-retries=1'];
  await run('npm', ...install, join(ROOT, tarball), '@azure/functions', 'zod');
  await run('npm', ...install, '--save-dev', 'typescript', '@types/node', 'esbuild');
  return { folder, run, remove: () => rm(folder, { recursive: true }) };
}
