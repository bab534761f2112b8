import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type RunningHost, spawnFunctionsHost } from '../../../dev/functions-host/index.ts';
import type { ClockMessage } from './clock.ts';

/** One process of the built app, on the local Functions host. */
export interface Instance {
  /** Straight to this instance, past the balancer. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly isUp: boolean;
  /** Adds milliseconds to its clock, or makes it stand still; with nothing, it is the real clock again. */
  setClock(clock?: Partial<ClockMessage['clock']>): Promise<void>;
  /** Ends the process at once (SIGKILL). */
  kill(): Promise<void>;
  /** Ends it as a deployment does: running requests may end. */
  stop(): Promise<void>;
  /** Starts it again on its port, after it was ended; other settings are added to its own and stay. The clock is kept. */
  start(settings?: Record<string, string>): Promise<void>;
  /** Memory that the process holds, in bytes (resident set, from the kernel). */
  memory(): Promise<number>;
  /** Processor time that the process has used so far, in milliseconds. */
  processorTime(): Promise<number>;
}

const CLOCK = fileURLToPath(new URL('clock.ts', import.meta.url));

export async function startInstance(options: {
  /** The folder of the built app. */
  bundle: string;
  env: Record<string, string>;
  onLine: (line: string) => void;
}): Promise<Instance> {
  let { env } = options;
  let host: RunningHost | undefined;
  let port = 0;
  let clock: ClockMessage['clock'] = { shift: 0 };

  async function tell(): Promise<void> {
    if (!host) return;
    const { process: child } = host;
    const heard = once(child, 'message');
    child.send({ clock } satisfies ClockMessage);
    await heard;
  }

  const instance: Instance = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get pid() {
      return host?.pid ?? 0;
    },
    get isUp() {
      return host !== undefined;
    },
    setClock: async next => {
      clock = { shift: 0, ...next };
      await tell();
    },
    kill: async () => {
      const last = host;
      host = undefined;
      await last?.kill();
    },
    stop: async () => {
      const last = host;
      host = undefined;
      await last?.stop();
    },
    start: async settings => {
      if (host) throw new Error('The instance runs already.');
      env = { ...env, ...settings };
      const started = await spawnFunctionsHost({
        root: options.bundle,
        port,
        env,
        preload: [CLOCK],
        onOutput: options.onLine,
      });
      host = started;
      port = started.port;
      void started.ended.then(() => {
        if (host === started) host = undefined;
      });
      if (clock.shift !== 0 || clock.frozenAt !== undefined) await tell();
    },
    memory: async () => {
      const status = await readFile(`/proc/${instance.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024;
    },
    processorTime: async () => {
      const stat = await readFile(`/proc/${instance.pid}/stat`, 'utf8');
      // Fields 14 and 15, user and system, in ticks of a hundredth; the name, field 2, may hold spaces.
      const [user = 0, system = 0] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13)
        .map(Number);
      return (user + system) * 10;
    },
  };
  await instance.start();
  return instance;
}
