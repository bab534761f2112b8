/** Waiting for an app to serve. */

/** Loading an app is cut by the real host after this long, too; in milliseconds. */
const healthTimeout = 30_000;
const healthInterval = 50;

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
