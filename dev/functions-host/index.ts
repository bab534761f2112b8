/** The local Functions host: runs what is deployed as the real host runs it, in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FunctionInfo } from './host.ts';
import { type TimeLimits, timeLimits } from './limits.ts';
import type { FromHost } from './messages.ts';

export interface HostOptions {
  /** Folder with host.json and package.json, whose "main" is the bundle. */
  root: string;
  /** Absent: 127.0.0.1. */
  host?: string;
  /** 0 or absent: a free one. */
  port?: number;
  /** The app's environment, whole; absent: this process's own. */
  env?: Record<string, string | undefined>;
  /** Gets each line that the app or its host writes. */
  onOutput?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Shorter times than the real host's. */
  limits?: Partial<TimeLimits>;
  /** Modules to load before the app (`node --import`): paths. */
  preload?: string[];
}

export interface RunningHost {
  /** http://localhost:PORT */
  url: string;
  port: number;
  pid: number;
  /** For messages to and from what was preloaded. */
  process: ChildProcess;
  /** HTTP functions in the order in which they are tried, with their whole routes; then the timers. */
  functions: FunctionInfo[];
  /** Resolves when the process has ended, by whatever cause, with its exit code; null when a signal ended it. */
  ended: Promise<number | null>;
  /** Lets running requests end for two seconds, and resolves when the process has ended. */
  stop(): Promise<void>;
  /** Ends the process at once (SIGKILL). */
  kill(): Promise<void>;
}

/** A process that does not end by itself after this many milliseconds is ended. */
const patience = 5000;

/**
 * Starts a host and resolves when its functions are registered and it listens.
 * @throws Error that says what is wrong: the port is in use, the folder has no app, the app does not load, or nothing
 *   was registered
 */
export async function spawnFunctionsHost(options: HostOptions): Promise<RunningHost> {
  const limits = { ...timeLimits, ...options.limits };
  const flags = {
    root: options.root,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    'answer-limit': limits.answer,
    'load-limit': limits.load,
  };
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = fork(main, args, {
    env: options.env ?? process.env,
    execArgv: (options.preload ?? []).map(path => `--import=${pathToFileURL(path)}`),
    // A process group of its own: Ctrl-C reaches the parent alone, which then stops this one in its turn.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = passLines(child, options.onOutput);
  // Not 'close': it never comes where the parent was the one to disconnect.
  const ended = Promise.all([once(child, 'exit'), output.ended]).then(([[code]]) => code as number | null);
  const message = await Promise.race([once(child, 'message').then(([said]) => said as FromHost), ended]);
  if (message === null || typeof message === 'number') {
    throw new Error(`The Functions host ended before the app was ready. ${output.complaint()}`.trim());
  }
  if ('failed' in message) {
    await ended;
    throw new Error(message.failed);
  }
  const { port, functions } = message.ready;
  return {
    url: `http://localhost:${port}`,
    port,
    pid: child.pid ?? 0,
    process: child,
    functions,
    ended,
    stop: async () => {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), patience);
      await ended;
      clearTimeout(timer);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Hands each line on, and keeps the last ones of stderr for a complaint. */
function passLines(child: ChildProcess, onOutput: HostOptions['onOutput']) {
  const last: string[] = [];
  const ended = (['stdout', 'stderr'] as const).map(async stream => {
    const input = child[stream];
    if (!input) return;
    const lines = createInterface({ input }).on('line', line => {
      if (stream === 'stderr') last.push(line);
      if (last.length > 20) last.shift();
      onOutput?.(line, stream);
    });
    await once(lines, 'close');
  });
  return { ended: Promise.all(ended), complaint: () => last.join('\n') };
}
