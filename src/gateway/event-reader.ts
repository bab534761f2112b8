import { Refusal } from './refusal.ts';

/** One event of a stream (HTML standard, "Server-sent events"); without data it only keeps the connection open. */
export interface StreamEvent {
  id?: string;
  retry?: string;
  event?: string;
  data?: string;
}

/** Puts events together from the pieces in which they come, none of them looked at twice. */
export class EventReader {
  readonly #limit: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #line: string[] = [];
  #data: string[] = [];
  #event: StreamEvent = {};
  #length = 0;
  #endedWithReturn = false;
  #isEmpty = true;

  /** @param limit how long an event may be, in characters */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * The events that a piece completes, up to what is wrong with it.
   * @throws Refusal when an event is too long
   * @throws TypeError when it is not UTF-8
   */
  *push(piece: Uint8Array): Generator<StreamEvent, void> {
    const text = this.#decoder.decode(piece, { stream: true });
    let at = 0;
    for (const { 0: end, index } of text.matchAll(/\r\n?|\n/g)) {
      const isRest = index === 0 && end === '\n' && this.#endedWithReturn;
      this.#endedWithReturn = false;
      if (!isRest) {
        this.#take(text.slice(at, index));
        const event = this.#endLine();
        if (event) yield event;
      }
      at = index + end.length;
    }
    this.#take(text.slice(at));
    if (text.length > 0) this.#endedWithReturn = text.endsWith('\r');
  }

  #take(text: string): void {
    this.#length += text.length;
    if (this.#length > this.#limit) throw new Refusal(502, `sent an event of more than ${this.#limit} characters`);
    if (text !== '') this.#line.push(text);
  }

  /** @returns the event that an empty line ends */
  #endLine(): StreamEvent | undefined {
    const line = this.#line.join('');
    this.#line = [];
    if (line === '') {
      const event = this.#data.length > 0 ? { ...this.#event, data: this.#data.join('\n') } : this.#event;
      const isEmpty = this.#isEmpty;
      this.#data = [];
      this.#event = {};
      this.#length = 0;
      this.#isEmpty = true;
      return isEmpty ? undefined : event;
    }
    this.#isEmpty = false;
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'data') this.#data.push(value);
    else if (name === 'id' || name === 'event' || name === 'retry') this.#event[name] = value;
    return undefined;
  }
}

/** An event as it goes over the wire; only what MCP uses of it. */
export function writeEvent({ id, retry, event, data }: StreamEvent): string {
  const lines = [
    ...(event !== undefined ? [`event: ${event}`] : []),
    ...(id !== undefined ? [`id: ${id}`] : []),
    ...(retry !== undefined && /^\d{1,9}$/.test(retry) ? [`retry: ${retry}`] : []),
    ...(data !== undefined ? data.split('\n').map(line => `data: ${line}`) : []),
  ];
  return `${lines.length > 0 ? lines.join('\n') : ':'}\n\n`;
}
