/** An app that embeds the library, made by what docs/library.md tells, in a folder of its own. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type Step, stepsOf } from './document.ts';

export const ROOT = join(import.meta.dirname, '../..');

export interface Installed {
  readonly folder: string;
  /** Runs a command in the folder, as a person does there; gives what it printed. */
  run(command: string, ...args: string[]): Promise<string>;
  /** Writes the files of a section of the document, and runs its commands; gives those that run until they are ended. */
  follow(heading: string): Promise<string[]>;
  remove(): Promise<void>;
}

/** What a person leaves running in a terminal: the emulator and the host. The check has its own of both. */
const STAYS = /^(?:npx azurite|func start)\b/;

/**
 * Packs the library, and puts the tarball into an empty folder.
 * @throws Error that says so when the registry cannot be reached
 */
export async function emptyFolder(): Promise<Installed> {
  const { stdout } = await promisify(execFile)(process.execPath, ['dev/library/pack.ts'], { cwd: ROOT });
  const [tarball = ''] = /\S+\.tgz/.exec(stdout) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'embedding-app-'));
  await copyFile(join(ROOT, tarball), join(folder, basename(tarball)));

  async function run(command: string, ...args: string[]): Promise<string> {
    try {
      const shell = process.platform === 'win32';
      const env = { ...process.env, npm_config_audit: 'false', npm_config_fund: 'false' };
      return (await promisify(execFile)(command, args, { cwd: folder, shell, env })).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
    }
  }

  async function take(step: Step): Promise<string[]> {
    if ('file' in step) await writeFile(join(folder, step.file), step.text);
    else if (STAYS.test(step.command)) return [step.command];
    else {
      const [command = '', ...args] = step.command.split(' ');
      await run(command, ...args);
    }
    return [];
  }

  async function follow(heading: string): Promise<string[]> {
    const left: string[] = [];
    for (const step of await stepsOf(heading)) left.push(...(await take(step)));
    return left;
  }

  const remove = () => rm(folder, { recursive: true });
  // Without a registry an installation says that nothing fits.
  await run('npm', 'view', 'zod', 'version', '--fetch-retries=1', '--fetch-retry-mintimeout=1000').catch(
    async error => {
      await remove();
      throw new Error(`The registry cannot be reached, and check:library installs from it. ${error.message}`);
    },
  );
  return { folder, run, follow, remove };
}
