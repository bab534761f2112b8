/** Things of which each is used by one at a time. */
export interface Pool<T> {
  /** Waits for one that is free, takes it for `work`, and gives it back: the one that was free longest comes first. */
  use<R>(work: (one: T) => Promise<R>): Promise<R>;
}

export function createPool<T>(all: readonly T[]): Pool<T> {
  const free = [...all];
  const waiting: ((one: T) => void)[] = [];
  const take = () => {
    const one = free.shift();
    return one === undefined ? new Promise<T>(resolve => waiting.push(resolve)) : one;
  };
  const give = (one: T) => {
    const next = waiting.shift();
    if (next) next(one);
    else free.push(one);
  };
  return {
    use: async work => {
      const one = await take();
      try {
        return await work(one);
      } finally {
        give(one);
      }
    },
  };
}
