/** The app on the local Functions host: started when it is healthy, and started again on the same port. */
import { type RunningHost, spawnFunctionsHost } from '../functions-host/index.ts';
import { untilHealthy } from './health.ts';
import type { Plan } from './plan.ts';

export interface App {
  /** Stops the app if it runs, and starts it from what is in `root` now. Rejects with the reason, readable. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface AppOptions {
  plan: Plan;
  /** Folder with host.json, package.json and the bundle. */
  root: string;
  /** Ends the waiting for the app's health. */
  stopped: AbortSignal;
  /** Gets each line that the app writes. */
  say(line: string): void;
  /** Told when the app has ended by itself; its exit code, or null when a signal ended it. */
  died?(code: number | null): void;
}

/** The app, not started yet. */
export function appOf({ plan, root, stopped, say, died }: AppOptions): App {
  let running: RunningHost | undefined;
  const stop = async () => {
    const last = running;
    running = undefined;
    await last?.stop();
  };
  return {
    stop,
    restart: async () => {
      await stop();
      const host = await spawnFunctionsHost({
        root,
        host: plan.app.host.replace(/^\[|\]$/g, '').replace('localhost', '127.0.0.1'),
        port: plan.app.port,
        env: plan.env,
        onOutput: say,
      });
      running = host;
      await healthy(host, plan.app.url, stopped);
      void host.ended.then(code => {
        if (running !== host) return;
        running = undefined;
        if (!stopped.aborted) died?.(code);
      });
    },
  };
}

async function healthy(host: RunningHost, url: string, stopped: AbortSignal): Promise<void> {
  const over = new AbortController();
  const gone = host.ended.then(code => {
    throw new Error(`The app ended with code ${code} before it was healthy.`);
  });
  try {
    await Promise.race([untilHealthy(url, AbortSignal.any([stopped, over.signal])), gone]);
  } finally {
    over.abort();
    gone.catch(() => {});
  }
}
