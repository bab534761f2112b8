/** The app on the local Functions host: started when it is healthy, and started again on the same port. */
import { spawnFunctionsHost } from '../functions-host/index.ts';
import { untilHealthy } from './health.ts';
import type { Plan } from './plan.ts';

export interface App {
  /** Stops the app if it runs, and starts it from what is in `root` now. Rejects with the reason, readable. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The app of `root` (host.json, package.json and the bundle), not started yet.
 * @param stopped ends the waiting for its health
 * @param say gets each line that the app writes
 */
export function appOf(plan: Plan, root: string, stopped: AbortSignal, say: (line: string) => void): App {
  let running: Awaited<ReturnType<typeof spawnFunctionsHost>> | undefined;
  const stop = async () => {
    const last = running;
    running = undefined;
    await last?.stop();
  };
  return {
    stop,
    restart: async () => {
      await stop();
      running = await spawnFunctionsHost({
        root,
        host: plan.app.host.replace(/^\[|\]$/g, '').replace('localhost', '127.0.0.1'),
        port: plan.app.port,
        env: plan.env,
        onOutput: say,
      });
      await untilHealthy(plan.app.url, stopped);
    },
  };
}
