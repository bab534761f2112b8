import fc from 'fast-check';
import { anyText } from './any-text.ts';

/** Requests that are right but for a part or two, for fast-check. */

/** A request, as parts that were put together by hand. */
export interface Sent {
  method?: string;
  path: string;
  headers?: Fields;
  body?: string | Uint8Array<ArrayBuffer>;
}

export type Fields = Record<string, string>;
type Entries = [string, string][];
type Break = (fields: Entries) => Entries;

/** Values that programs have stumbled over. */
export const NASTY = fc.oneof(
  anyText({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    ...['', ' ', '\r\nSet-Cookie: a=b', '\0', '\ufeff', '\u202e', '\ud800', '%', '%00', '%zz', '%ED%A0%80', '../..'],
    ...['__proto__', 'constructor', 'toString', 'null', 'undefined', 'true', '0', '-1', '1e999', 'NaN', '[object]'],
    ...['{"Headers":{}}', '[]', '<script>', "' or 1 eq 1", '"', '\\', '.', '..', 'a.b.c', '...', 'e30.e30.e30', '//x'],
    ...['http://[', 'https://evil.example', 'javascript:alert(1)', 'data:,', 'http://localhost:99999/', 'https://a@b'],
    ...['ac.x.y', 'rt.x.y', `ac.${'4'.repeat(28)}.${'A'.repeat(43)}`, `rt.${'A'.repeat(64)}.${'B'.repeat(43)}`],
    ...['x'.repeat(300), 'é'.repeat(3000), '9'.repeat(400), '('.repeat(500)],
  ),
);

/** A header's value: Latin-1 without control characters, for the rest is no request at all. */
export const HEADER = NASTY.map(text => text.replace(/[^\x20-\x7e\x80-\xff]/g, '').trim());

/** Redirect URIs that are nearly right: each part is one that some program takes. */
export const URIS: fc.Arbitrary<string> = fc.oneof(
  NASTY,
  fc
    .tuple(
      fc.constantFrom('http:', 'https:', 'HTTP:', 'cursor:', 'com.example.app:', 'javascript:', 'data:', ''),
      fc.constantFrom('//', '/', '', '\\\\', '///'),
      fc.constantFrom(
        ...['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', 'localhost.'],
        ...[
          'x.example',
          'X.example',
          'user@x.example',
          'a:b@localhost',
          'x.example\\@localhost',
          'xn--a',
          'é.example',
          '',
        ],
      ),
      fc.constantFrom('', ':1', ':', ':99999', ':443'),
      fc.oneof(fc.constantFrom('', '/cb', '/cb?a=b', '/a/../b', '/%2e%2e%2fb', '/cb#', '?', '/[]'), NASTY),
    )
    .map(parts => parts.join('')),
);

/** Bodies that are no forms and no messages. */
export const NOISE: fc.Arbitrary<Exclude<Sent['body'], undefined>> = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map(bytes => new Uint8Array(bytes)),
  NASTY.map(text => text.toWellFormed()),
  fc.json({ maxDepth: 3 }),
);

export const CONTENT_TYPES = fc.constantFrom(
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; charset=utf-16',
  'application/json',
  'text/plain',
  'multipart/form-data; boundary=x',
  'x',
);

/** HTTP Basic, and what is not. */
export const AUTHORIZATION: fc.Arbitrary<Fields> = fc.oneof(
  fc.constant({}),
  NASTY.map(text => ({ authorization: `Basic ${base64(text)}` })),
  fc.tuple(NASTY, NASTY).map(pair => ({ authorization: `Basic ${base64(pair.join(':'))}` })),
  HEADER.map(authorization => ({ authorization })),
);

const base64 = (text: string) => Buffer.from(text).toString('base64');

const without =
  (name: string): Break =>
  fields =>
    fields.filter(([each]) => each !== name);
const replaced =
  (name: string, value: string): Break =>
  fields =>
    fields.map(([each, old]) => [each, each === name ? value : old]);
const added =
  (name: string, value: string): Break =>
  fields => [...fields, [name, value]];
const inCapitals =
  (name: string): Break =>
  fields =>
    fields.map(([each, value]) => [each === name ? each.toUpperCase() : each, value]);
const patched =
  (name: string, at: number, piece: string): Break =>
  fields =>
    fields.map(([each, value]) => [each, each === name ? value.slice(0, at) + piece + value.slice(at + 1) : value]);

/** What may happen to parameters: one or two of them gone, replaced, doubled, renamed, patched, or in company. */
function breaks(names: readonly string[], also: readonly string[]): fc.Arbitrary<Break> {
  const known = fc.constantFrom(...names);
  const one = fc.oneof(
    known.map(without),
    fc.tuple(known, NASTY).map(([name, value]) => replaced(name, value)),
    fc.tuple(known, NASTY).map(([name, value]) => added(name, value)),
    known.map(inCapitals),
    fc.tuple(known, fc.nat(60), NASTY).map(([name, at, piece]) => patched(name, at, piece)),
    fc.tuple(fc.oneof(NASTY, fc.constantFrom('x', ...also)), NASTY).map(([name, value]) => added(name, value)),
  );
  return fc
    .array(one, { minLength: 1, maxLength: 2 })
    .map(all => fields => all.reduce((sofar, each) => each(sofar), fields));
}

const encode = (fields: Entries) =>
  new URLSearchParams(fields.map(([name, value]): [string, string] => [name.toWellFormed(), value.toWellFormed()]));

export interface Shape {
  path: string;
  /** What would be right. */
  fields: Fields;
  /** Further names that the endpoint knows. */
  also?: readonly string[];
  headers?: fc.Arbitrary<Fields>;
}

/** Queries that are nearly right, and some that are noise. */
export function queries({ path, fields, also = [], headers = fc.constant({}) }: Shape): fc.Arbitrary<Sent> {
  const bent = breaks(Object.keys(fields), also).map(bend => encode(bend(Object.entries(fields))).toString());
  const noise = NASTY.map(text => text.toWellFormed().replaceAll('#', ''));
  const search = fc.oneof({ weight: 9, arbitrary: bent }, { weight: 1, arbitrary: noise });
  return fc.tuple(search, headers).map(([query, more]) => ({ path: `${path}?${query}`, headers: more }));
}

/** Posted forms that are nearly right, and some that are none. */
export function forms({ path, fields, also = [], headers = fc.constant({}) }: Shape): fc.Arbitrary<Sent> {
  const bent = fc.tuple(
    breaks(Object.keys(fields), also).map(bend => encode(bend(Object.entries(fields))).toString()),
    fc.constant('application/x-www-form-urlencoded'),
  );
  const body = fc.oneof({ weight: 9, arbitrary: bent }, { weight: 1, arbitrary: fc.tuple(NOISE, CONTENT_TYPES) });
  return fc
    .tuple(body, headers)
    .map(([[sent, type], more]) => ({ method: 'POST', path, headers: { 'content-type': type, ...more }, body: sent }));
}

/** An object in JSON, with a member that comes last, be it `__proto__`. */
export function withMember(whole: object, name: string, value: unknown): string {
  const rest = JSON.stringify(Object.fromEntries(Object.entries(whole).filter(([each]) => each !== name)));
  return `${rest.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value) ?? null}}`;
}
