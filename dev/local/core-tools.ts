/** Azure Functions Core Tools, the real host, as a process. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Environment } from './plan.ts';

const onWindows = process.platform === 'win32';

/** How long it may take to end when asked to. */
const patience = 10_000;

/** Where `func` is, or undefined when it is not on the PATH. */
export function findFunc(env: Environment): string | undefined {
  const names = onWindows ? ['func.exe', 'func.cmd'] : ['func'];
  const folders = (env.PATH ?? env.Path ?? '').split(delimiter).filter(Boolean);
  return folders.flatMap(folder => names.map(name => join(folder, name))).find(isExecutable);
}

export interface CoreTools {
  /** Resolves with the exit code when it has ended, whatever ended it. */
  ended: Promise<number>;
  stop(): Promise<void>;
}

/** Starts `func start` in `folder`; it writes to this terminal. */
export function startFunc(func: string, folder: string, port: number, env: Environment): CoreTools {
  // A group of its own: Ctrl-C reaches us alone, and stopping the group reaches the workers that it starts.
  const child = spawn(func, ['start', '--port', String(port)], {
    cwd: folder,
    env: { ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: !onWindows,
    shell: func.endsWith('.cmd'),
  });
  const ended = Promise.race([
    once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : 1)),
    once(child, 'error').then(([error]) => {
      throw new Error(`${func} did not start: ${error.message}`);
    }),
  ]);
  ended.catch(() => {});
  return {
    ended,
    stop: async () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      end(child.pid, 'SIGINT');
      const timer = setTimeout(() => end(child.pid, 'SIGKILL'), patience);
      await ended.catch(() => {});
      clearTimeout(timer);
    },
  };
}

function end(pid: number | undefined, signal: 'SIGINT' | 'SIGKILL'): void {
  if (pid === undefined) return;
  if (onWindows) spawnSync('taskkill', ['/pid', String(pid), '/t', '/f']);
  else process.kill(-pid, signal);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
