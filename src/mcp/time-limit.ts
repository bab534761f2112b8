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
  let end = (_reason: unknown) => {};
  const timer = setTimeout(() => end(new TimeLimitError('the time limit is over')), limitMs);
  const stop = () => end(parent.reason);
  parent.addEventListener('abort', stop);
  try {
    // One promise and no listener of its own signal: each call of a tool pays for this.
    return await new Promise<T>((resolve, reject) => {
      end = reason => {
        controller.abort(reason);
        reject(reason);
      };
      work(controller.signal).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', stop);
  }
}
