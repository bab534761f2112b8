/**
 * What the real host tells the library about a request in the streaming mode. It throws everything into one bag, by
 * names that ignore case: the keys of a JSON body, then of the query, then the route's; and last, unless something of
 * that name is there, the query as `Query` and the request's headers as `Headers`. The library takes the headers of the
 * request from that last one, and everything that is a string for a parameter of the route.
 */
import { parseLenientObject } from './lenient-json.ts';
import type { TypedData } from './rpc.ts';

/**
 * @param body absent when the request has none, or a chunked one
 */
export function triggerMetadata(request: {
  headers: Record<string, string>;
  query: string;
  params: Record<string, string>;
  body?: Uint8Array | undefined;
}): Record<string, TypedData> {
  const bag = new Bag();
  if (request.body) {
    for (const [name, value] of Object.entries(membersOf(request.body))) {
      if (value === null || value === undefined || Array.isArray(value)) continue;
      bag.set(name, typeof value === 'object' ? { json: JSON.stringify(value) } : { string: text(value) });
    }
  }
  const query = queryOf(request.query, values => values.at(-1) ?? '');
  for (const [name, value] of Object.entries(query)) {
    if (name.toLowerCase() !== 'code') bag.set(name, { string: value });
  }
  for (const [name, value] of Object.entries(request.params)) bag.set(name, { string: value });
  bag.setUnlessThere('Query', { json: JSON.stringify(query) });
  bag.setUnlessThere('Headers', { json: JSON.stringify(request.headers) });
  return bag.contents();
}

/** The query's values by name; names ignore case, and are spelled as the first one is. */
export function queryOf(query: string, join: (values: string[]) => string): Record<string, string> {
  const found = new Map<string, { name: string; values: string[] }>();
  for (const [name, value] of new URLSearchParams(query)) {
    const key = name.toUpperCase();
    const entry = found.get(key) ?? { name, values: [] };
    entry.values.push(value);
    found.set(key, entry);
  }
  return Object.fromEntries([...found.values()].map(({ name, values }) => [name, join(values)]));
}

class Bag {
  readonly #entries = new Map<string, { name: string; data: TypedData }>();

  /** The first spelling of a name stays. */
  set(name: string, data: TypedData): void {
    const key = name.toUpperCase();
    this.#entries.set(key, { name: this.#entries.get(key)?.name ?? name, data });
  }

  setUnlessThere(name: string, data: TypedData): void {
    if (!this.#entries.has(name.toUpperCase())) this.set(name, data);
  }

  contents(): Record<string, TypedData> {
    return Object.fromEntries([...this.#entries.values()].map(({ name, data }) => [name, data]));
  }
}

/** The body is looked at whatever its content type says. */
function membersOf(body: Uint8Array): Record<string, unknown> {
  const written = decode(body).trim();
  const looksIt = written.startsWith('{') && written.endsWith('}');
  return (looksIt && parseLenientObject(written)) || {};
}

/** By its byte-order mark, and without one as UTF-8. */
function decode(body: Uint8Array): string {
  const [a, b, c, d] = body;
  const four = [a, b, c, d].join(' ');
  if (four === '255 254 0 0' || four === '0 0 254 255') return decodeUtf32(body, a === 255);
  if (a === 0xff && b === 0xfe) return new TextDecoder('utf-16le').decode(body);
  if (a === 0xfe && b === 0xff) return new TextDecoder('utf-16be').decode(body);
  return new TextDecoder().decode(body);
}

function decodeUtf32(body: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let found = '';
  for (let at = 4; at + 4 <= view.byteLength; at += 4) {
    const point = view.getUint32(at, littleEndian);
    found += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
  }
  return found;
}

/** Scalars as .NET writes them. */
function text(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
