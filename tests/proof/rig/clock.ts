/**
 * A clock that can be shifted and stopped, for one process: loaded before the app (`node --import`), it stands in for
 * `Date`. Timers go on by the real clock. The process that started this one sets it by a message.
 */

/** What is sent to the process; the same message comes back once it counts. */
export interface ClockMessage {
  readonly clock: {
    /** Milliseconds that are added to the real time. */
    readonly shift: number;
    /** Milliseconds since 1970 at which the clock stands still; absent: it goes. */
    readonly frozenAt?: number;
  };
}

const RealDate = Date;
let set: ClockMessage['clock'] = { shift: 0 };
const now = () => set.frozenAt ?? RealDate.now() + set.shift;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});

process.on('message', message => {
  if (typeof message !== 'object' || message === null || !('clock' in message)) return;
  set = (message as ClockMessage).clock;
  process.send?.(message);
});
// The process lives as long as the app does, whether or not somebody may still set its clock.
process.channel?.unref();
