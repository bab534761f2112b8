/** Work took longer than it may. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

/**
 * Runs work that may take `limitMs`, and waits no longer even for work that
 * does not heed its signal.
 *
 * @param parent ends the work too
 * @throws TimeLimitError; the parent's reason; what the work throws
 */
export async function withTimeLimit<T>(
  limitMs: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent.throwIfAborted();
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new TimeLimitError('the time limit is over')), limitMs);
  const stop = () => controller.abort(parent.reason);
  parent.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([
      work(controller.signal),
      new Promise<never>((_resolve, reject) => {
        controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', stop);
  }
}
