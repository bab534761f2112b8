/** The real host puts everything into one bag, and so the headers of a request can be replaced by its query or body. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLenientObject } from '../../../dev/functions-host/lenient-json.ts';
import { ask, buildFixture, chunks, type Fixture, type Run, run } from './fixture.ts';

let fixture: Fixture;
let host: Run;
beforeAll(async () => {
  fixture = await buildFixture('echo.ts');
  host = await run({ root: fixture.root, env: {} });
});
afterAll(async () => {
  await host?.stop();
  await fixture?.remove();
});

const own = { cookie: 'session=mine', 'content-type': 'text/plain' };

async function headersOf(path: string, options: Partial<Parameters<typeof ask>[2]> = {}) {
  const answer = await ask(host, path, { ...options, headers: { ...own, ...options.headers } });
  const { headers } = answer.json() as { headers: Record<string, string> };
  return headers;
}

const theirs = { cookie: 'session=theirs' };
const json = '{"Cookie":"session=theirs"}';

describe('by the query', () => {
  test.each([`/echo?Headers=${json}`, `/echo?%48eaders=${json}`, `/echo?a=b&Headers=x&Headers=${json}`])(
    "%s puts the sender's own headers there",
    async path => {
      expect(await headersOf(path)).toEqual(theirs);
    },
  );

  test.each(['/echo?Headers', '/echo?Headers=x', `/echo?headers=${json}`, `/echo?HEADERS=${json}`, '/echo?headers='])(
    '%s empties them',
    async path => {
      expect(await headersOf(path)).toEqual({});
    },
  );

  test.each([`/echo?Headers[]=${json}`, `/echo?Headers.Cookie=x`, `/echo?%20Headers=${json}`, '/echo?x=Headers'])(
    '%s changes nothing',
    async path => {
      expect(await headersOf(path)).toMatchObject(own);
    },
  );
});

describe('by the body', () => {
  const types = [
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ];
  test.each(types)('of type %s', async type => {
    const headers = { 'content-type': type };
    expect(await headersOf('/echo', { method: 'POST', headers, body: `{"Headers":${json}}` })).toEqual(theirs);
    expect(await headersOf('/echo', { method: 'POST', headers, body: `{"headers":${json}}` })).toEqual({});
  });

  const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');
  const replacing: [string, string | Uint8Array][] = [
    ['a byte-order mark', `\ufeff{"Headers":${json}}`],
    ['UTF-16', utf16(`{"Headers":${json}}`)],
    ['UTF-16, big-endian', utf16(`{"Headers":${json}}`).swap16()],
    ['UTF-32', utf32(`{"Headers":${json}}`)],
    ['white space around', ` \r\n{"Headers":${json}}\t`],
    ['comments', `{/* a comment */"Headers"/**/:${json}// another\n}`],
    ['single quotes', `{'Headers':{'Cookie':'session=theirs'}}`],
    ['no quotes', `{Headers:{Cookie:"session=theirs"}}`],
    ['an escaped name', `{"\\u0048eaders":${json}}`],
    ['a comma too many', `{"Headers":${json},}`],
    ['JSON in a string', `{"Headers":${JSON.stringify(json)}}`],
    ['the last of two', `{"Headers":"x","Headers":${json}}`],
  ];
  test.each(replacing)('with %s', async (_, body) => {
    expect(await headersOf('/echo', { method: 'POST', body })).toEqual(theirs);
  });

  test("a GET's too", async () => {
    expect(await headersOf('/echo', { method: 'GET', body: `{"Headers":${json}}` })).toEqual(theirs);
  });

  test('the first spelling counts, and the query beats the body', async () => {
    expect(await headersOf('/echo', { method: 'POST', body: `{"headers":1,"Headers":${json}}` })).toEqual({});
    expect(await headersOf(`/echo?Headers=${json}`, { method: 'POST', body: '{"Headers":{"Cookie":"no"}}' })).toEqual(
      theirs,
    );
  });

  const harmless: [string, string][] = [
    ['an array', `[{"Headers":${json}}]`],
    ['a form', `Headers=${json}`],
    ['a key deeper down', `{"a":{"Headers":${json}}}`],
    ['null', '{"Headers":null}'],
    ['a list of headers', `{"Headers":[${json}]}`],
    ['another name', `{" Headers":${json},"Headers.x":1,"Headers[]":1}`],
    ['something after the object', `{"Headers":${json}} {}`],
    ['no end', `{"Headers":${json}`],
    ['too deep', `{"a":${'['.repeat(64)}${']'.repeat(64)},"Headers":${json}}`],
  ];
  test.each(harmless)('%s changes nothing', async (_, body) => {
    expect(await headersOf('/echo', { method: 'POST', body })).toMatchObject(own);
  });

  test('a chunked body changes nothing', async () => {
    expect(await headersOf('/echo', { method: 'POST', body: chunks(`{"Headers":${json}}`) })).toMatchObject(own);
  });
});

test('otherwise all headers arrive, several values joined, in UTF-8', async () => {
  const headers: Record<string, string | string[]> = {
    'X-Several': ['a', 'b'],
    'x-name': Buffer.from('Zoë').toString('latin1'),
  };
  expect(await headersOf('/echo', { headers })).toMatchObject({
    ...own,
    'x-several': 'a,b',
    'x-name': 'Zoë',
    host: `127.0.0.1:${host.port}`,
  });
});

test('what the lenient parser reads', () => {
  expect(
    parseLenientObject(`{a:-0x1F,b:.5,c:1e3,'d':"\\t\\"\\'\\/",$e_1:[1,,{}],f:NaN,g:-Infinity,h:,i:true}`),
  ).toEqual({
    a: Number.NaN,
    b: 0.5,
    c: 1000,
    d: '\t"\'/',
    $e_1: [1, undefined, {}],
    f: Number.NaN,
    g: Number.NEGATIVE_INFINITY,
    h: undefined,
    i: true,
  });
  expect(Object.keys(parseLenientObject('{"__proto__":1}') ?? {})).toEqual(['__proto__']);
  for (const text of ['{,}', '{a}', '{a:}', '{"a":1 "b":2}', '{a:b}', '{"a":"\\x"}', '{"a', '{"":1', '{a:1}}', '']) {
    expect(parseLenientObject(text), text).toBeUndefined();
  }
});

function utf32(text: string): Uint8Array {
  const points = new DataView(new ArrayBuffer(4 + 4 * text.length));
  for (const [index, letter] of [...`\ufeff${text}`].entries())
    points.setUint32(index * 4, letter.codePointAt(0) ?? 0, true);
  return new Uint8Array(points.buffer);
}
