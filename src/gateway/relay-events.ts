import { EventReader, writeEvent } from './event-reader.ts';
import { Refusal } from './refusal.ts';

export interface Relay {
  /** How long an event may be, in characters. */
  readonly limit: number;
  /** How much may come in all, in bytes. */
  readonly total: number;
  /**
   * Looks at the data of each event, and gives what goes on.
   * @throws Refusal when it cannot go on
   */
  readonly check: (data: string) => string;
  /**
   * Told once, when nothing more comes.
   * @param failure why, unless the upstream ended by itself
   * @returns the data of a last event, if there is to be one
   */
  readonly ended: (failure: unknown, isResumable: boolean) => string | undefined;
}

/** Hands an upstream's event stream on, event by event, each when it is complete and looked at. */
export function relayEvents(
  body: ReadableStream<Uint8Array>,
  { limit, total, check, ended }: Relay,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const events = new EventReader(limit);
  const encoder = new TextEncoder();
  /** Whether the client can ask for the rest: events have names (MCP 2025-11-25, resumability). */
  let isResumable = false;
  let length = 0;

  /** What the next piece makes, and whether nothing comes after it, and why. */
  async function next(): Promise<{ out: string; end?: { failure?: unknown } }> {
    let out = '';
    try {
      const { done, value } = await reader.read();
      if (done) return { out, end: {} };
      length += value.byteLength;
      if (length > total) throw new Refusal(502, `sent a stream of more than ${total} bytes`);
      for (const event of events.push(value)) {
        isResumable ||= event.id !== undefined;
        out += writeEvent(event.data ? { ...event, data: check(event.data) } : event);
      }
      return { out };
    } catch (failure) {
      reader.cancel(failure).catch(() => {});
      return { out, end: { failure } };
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // It is asked again only after something was put in.
        let step = await next();
        while (step.out === '' && !step.end) step = await next();
        const { out, end } = step;
        const last = end && ended(end.failure, isResumable);
        const text = last === undefined ? out : out + writeEvent({ event: 'message', data: last });
        if (text !== '') controller.enqueue(encoder.encode(text));
        if (end) controller.close();
      },
      async cancel(reason) {
        await reader.cancel(reason).catch(() => {});
        ended(undefined, true);
      },
    },
    { highWaterMark: 0 },
  );
}
