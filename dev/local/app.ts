/** The app on the local Functions host: started when it is healthy, and started again on the same port. */
import { spawnFunctionsHost } from '../functions-host/index.ts';
import type { Plan } from './plan.ts';

/** Loading an app is cut by the real host after this long, too. */
const healthTimeout = 30_000;
const healthInterval = 50;

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

/**
 * Resolves when `GET /health` is 200.
 * @param stopped ends the waiting, with its own reason
 * @param timeout in milliseconds
 * @throws Error with the last answer when that took too long
 */
export async function untilHealthy(url: string, stopped: AbortSignal, timeout = healthTimeout): Promise<void> {
  const deadline = AbortSignal.timeout(timeout);
  let last = 'nothing';
  while (!deadline.aborted) {
    stopped.throwIfAborted();
    try {
      const answer = await fetch(`${url}/health`, { signal: AbortSignal.any([stopped, deadline]) });
      if (answer.status === 200) return;
      last = `${answer.status} ${(await answer.text()).slice(0, 500)}`;
    } catch (error) {
      last = error instanceof Error ? String(error.cause ?? error) : String(error);
    }
    await new Promise(resolve => setTimeout(resolve, healthInterval));
  }
  throw new Error(`The app is not healthy after ${timeout / 1000} s: GET ${url}/health answers ${last}`);
}
