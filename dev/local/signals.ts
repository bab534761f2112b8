/** Ending in order: what was started is stopped, whatever asks for the end. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes Ctrl-C on to a script that has it from the terminal already: signals this close together are one. */
const oneKeyPress = 1000;

/** Aborted by the first Ctrl-C, SIGTERM or closed terminal; a second one ends the process at once. */
export function untilStopped(): AbortSignal {
  const controller = new AbortController();
  let first: number | undefined;
  for (const signal of signals) {
    process.on(signal, () => {
      if (first === undefined) {
        first = performance.now();
        controller.abort();
      } else if (performance.now() - first > oneKeyPress) {
        process.exit(130);
      }
    });
  }
  return controller.signal;
}

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
