import { setImmediate } from 'node:timers/promises';
import { median } from './table.ts';

export type Handle = (request: Request) => Promise<Response>;

export interface Turns {
  /** Short turns with the event loop between them, as a server has it. Long ones measure the garbage collector's moods. */
  readonly calls: number;
  readonly turns: number;
  /** Turns before them, to make the code hot. */
  readonly warmUp: number;
  /** What every answer has in it. */
  readonly expected: string;
}

/** What a call costs each of these in this process, which take turns: microseconds of CPU time, the median of their turns. */
export async function costPerCall<Contender extends string>(
  contenders: Readonly<Record<Contender, Handle>>,
  request: () => Request,
  { calls, turns, warmUp, expected }: Turns,
): Promise<Record<Contender, number>> {
  const entries = Object.entries<Handle>(contenders).map(([name, handle]) => ({ name, handle, costs: [] as number[] }));
  for (let turn = -warmUp; turn < turns; turn++) {
    for (const { handle, costs } of entries) {
      const cost = await oneTurn(handle, request, calls, expected);
      if (turn >= 0) costs.push(cost);
    }
    // So that none always comes after the same other one.
    entries.reverse();
  }
  return Object.fromEntries(entries.map(({ name, costs }) => [name, median(costs)])) as Record<Contender, number>;
}

/** Making the request and reading the answer are in it. */
async function oneTurn(handle: Handle, request: () => Request, calls: number, expected: string): Promise<number> {
  // Lets what the app does behind the scenes go on, such as reading the list of revocations.
  await setImmediate();
  const start = process.cpuUsage();
  for (let n = 0; n < calls; n++) {
    const text = await (await handle(request())).text();
    if (!text.includes(expected)) throw new Error(text);
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}
