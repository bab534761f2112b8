/** Runs one function by its schedule: never twice at a time, and never for what was missed. */
import type { Schedule } from './ncrontab.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once, after `delay` milliseconds; what it returns takes that back. */
  after(delay: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delay, callback) => {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};

/** What the function is told, before the library turns its keys to lower case. */
export interface TimerInfo {
  Schedule: { AdjustForDST: boolean };
  ScheduleStatus: { Last: string; Next: string; LastUpdated: string };
  IsPastDue: boolean;
}

export interface Timer {
  /** Runs the function now, whatever its schedule, as the real host does when asked for it. */
  runNow(): Promise<void>;
  /** Ends the schedule; a run that has begun goes on. */
  stop(): void;
}

/** A timer longer than this would fire at once. */
const LONGEST_DELAY = 24 * 86_400_000;
const never = '0001-01-01T00:00:00+00:00';

/**
 * Starts the schedule.
 * @param run must not reject
 */
export function startTimer(options: {
  schedule: Schedule;
  runOnStartup: boolean;
  clock: Clock;
  run: (info: TimerInfo) => Promise<void>;
}): Timer {
  const { schedule, clock, run } = options;
  let stopped = false;
  let cancel: () => void = () => {};
  let last = never;

  const runNow = async () => {
    const now = clock.now();
    const next = new Date(schedule.next(now)).toISOString();
    const status = { Last: last, Next: next, LastUpdated: last };
    last = new Date(now).toISOString();
    await run({ Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: false });
  };
  const wait = (due: number) => {
    if (stopped) return;
    const delay = due - clock.now();
    cancel = clock.after(Math.min(Math.max(delay, 0), LONGEST_DELAY), async () => {
      if (clock.now() >= due) {
        await runNow();
        wait(schedule.next(clock.now()));
      } else {
        wait(due);
      }
    });
  };
  wait(options.runOnStartup ? clock.now() : schedule.next(clock.now()));
  return {
    runNow,
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}
