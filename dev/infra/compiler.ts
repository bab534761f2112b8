/** The Bicep compiler: where it is, how it is brought, and how it is called. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { UsageError } from '../local/script.ts';

const project = join(import.meta.dirname, 'compiler');
const restoredPackages = join(import.meta.dirname, '../../.local/bicep');
const program = process.platform === 'win32' ? 'bicep.exe' : 'bicep';

/** Pinned, for another version may warn of other things. */
const version = /Version="\[(.+)\]"/.exec(readFileSync(join(project, 'bicep.csproj'), 'utf8'))?.[1] ?? '';

const howToGet = `The Bicep compiler is not here, and without it infra/ cannot be checked. Any of these brings it:
  the .NET SDK (8 or newer): it is then restored from NuGet, version ${version}, into .local/
  az bicep install, and BICEP_PATH=~/.azure/bin/bicep
  the program from Bicep's releases, on the PATH or named by BICEP_PATH`;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds the compiler: the one of `BICEP_PATH`, else `bicep` on the PATH, else the one that `dotnet restore` has brought
 * or brings now.
 * @returns its path
 * @throws UsageError telling how to get it
 */
export function findCompiler(env: Environment, packages = restoredPackages): string {
  if (env.BICEP_PATH) {
    if (!isExecutable(env.BICEP_PATH)) throw new UsageError(`BICEP_PATH is ${env.BICEP_PATH}: no program is there.`);
    return env.BICEP_PATH;
  }
  const folders = (env.PATH ?? env.Path ?? '').split(delimiter).filter(Boolean);
  const onPath = folders.map(folder => join(folder, program)).find(isExecutable);
  if (onPath) return onPath;

  const platform = platformOf(process.platform, process.arch);
  const restored = join(packages, `azure.bicep.commandline.${platform}`, version, 'tools', program);
  if (!isExecutable(restored)) restore(platform, packages, env);
  if (!isExecutable(restored)) throw new UsageError(howToGet);
  return restored;
}

/** As NuGet names it. */
function platformOf(platform: string, arch: string): string {
  return `${{ win32: 'win', darwin: 'osx' }[platform] ?? platform}-${arch}`;
}

function restore(platform: string, packages: string, env: Environment): void {
  const { error, status, stdout } = spawnSync(
    'dotnet',
    [
      'restore',
      project,
      '--packages',
      packages,
      `-p:BicepPlatform=${platform}`,
      `-p:MSBuildProjectExtensionsPath=${join(packages, 'obj')}/`,
    ],
    { encoding: 'utf8', env: { ...env } },
  );
  if (error) throw new UsageError(howToGet);
  if (status !== 0) throw new UsageError(`dotnet restore failed.\n${stdout.trim()}\n${howToGet}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Compiled {
  /** What the command was to write. */
  output: string;
  /** Errors, warnings and remarks of the compiler, a line each. */
  diagnostics: string[];
}

/**
 * Runs one command of the compiler.
 * @param env the variables that parameter files read
 * @throws Error when the compiler does not start
 */
export function runCompiler(compiler: string, args: readonly string[], env: Environment = {}): Compiled {
  const { error, status, stdout, stderr } = spawnSync(compiler, args, {
    encoding: 'utf8',
    maxBuffer: 50_000_000,
    env: { ...withoutParameters(process.env), ...env },
  });
  if (error) throw error;
  const diagnostics = stderr
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !isExperimental(line));
  if (status !== 0 && diagnostics.length === 0) diagnostics.push(`bicep ${args[0]} ended with code ${status}.`);
  return { output: stdout, diagnostics };
}

/** Nothing of this shell gets into what is compiled. */
function withoutParameters(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(AZURE|INFRA|APP)_/.test(name)));
}

/** Said of every `publish-extension`. */
function isExperimental(line: string): boolean {
  return line.startsWith("WARNING: The 'publish-extension' CLI command group is an experimental feature.");
}
