import { EventReader, writeEvent } from './event-reader.ts';

export interface Relay {
  /** How long an event may be, in characters. */
  readonly limit: number;
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
  { limit, check, ended }: Relay,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const events = new EventReader(limit);
  const encoder = new TextEncoder();
  /** Whether the client can ask for the rest: events have names (MCP 2025-11-25, resumability). */
  let isResumable = false;

  /** What the next piece makes; `undefined` at the end. */
  async function next(): Promise<string | undefined> {
    const { done, value } = await reader.read();
    if (done) return undefined;
    let out = '';
    for (const event of events.push(value)) {
      isResumable ||= event.id !== undefined;
      out += writeEvent(event.data ? { ...event, data: check(event.data) } : event);
    }
    return out;
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let failure: unknown;
        try {
          for (let out = await next(); out !== undefined; out = await next()) {
            // The stream asks again only after something was put in.
            if (out !== '') return controller.enqueue(encoder.encode(out));
          }
        } catch (error) {
          failure = error;
          reader.cancel(error).catch(() => {});
        }
        const last = ended(failure, isResumable);
        if (last !== undefined) controller.enqueue(encoder.encode(writeEvent({ event: 'message', data: last })));
        controller.close();
      },
      async cancel(reason) {
        await reader.cancel(reason).catch(() => {});
        ended(undefined, true);
      },
    },
    { highWaterMark: 0 },
  );
}
