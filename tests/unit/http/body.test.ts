import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormParameters, parseJson, readForm } from '../../../src/http/body.ts';
import { BadRequestError } from '../../../src/http/errors.ts';

const FORM = 'application/x-www-form-urlencoded';
const post = (body: string | Uint8Array<ArrayBuffer>, type = FORM) =>
  new Request('http://localhost/', { method: 'POST', body, headers: { 'content-type': type } });

describe('a form', () => {
  test('is read whole, each parameter once, empty ones as absent', async () => {
    const form = await readForm(post('a=1&b=&c=x%20y+z&d=%E2%82%AC'));
    expect(['a', 'b', 'c', 'd', 'e'].map(name => form.get(name))).toEqual(['1', undefined, 'x y z', '€', undefined]);
  });

  test('a parameter that comes twice is refused when it is asked for (RFC 6749 section 3.2)', async () => {
    const form = await readForm(post('a=1&a=2'));
    expect(() => form.get('a')).toThrow(BadRequestError);
    expect(form.all('a')).toEqual(['1', '2']);
  });

  test.each([
    '{"Headers":{"Cookie":"x"}}',
    "{'Headers':{}}",
    '{Headers:{}}',
    '\ufeff{"Headers":{}}',
    ' {"Headers":{}}',
    '/*x*/{"Headers":{}}',
    '{"\\u0048eaders":{}}',
    'a=1 ',
    'a="1"',
    "a='1'",
    'a=ä',
    'a=\n',
  ])('%s is no form: the host could take it for JSON and replace the headers', async body => {
    await expect(readForm(post(body))).rejects.toMatchObject({ status: 400 });
  });

  test('UTF-16 is no form either', async () => {
    await expect(readForm(post(Buffer.from('{"Headers":{}}', 'utf16le')))).rejects.toMatchObject({ status: 400 });
  });

  test.each(['text/plain', 'application/json', 'multipart/form-data; boundary=x'])('%s is 415', async type => {
    await expect(readForm(post('a=1', type))).rejects.toMatchObject({ status: 415 });
  });

  test('is read up to its limit, whatever length was declared', async () => {
    await expect(readForm(post('a='.padEnd(101, 'x')), 100)).rejects.toMatchObject({ status: 413 });
    expect((await readForm(post('a='.padEnd(100, 'x')), 100)).get('a')).toHaveLength(98);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(1000).fill(97));
      },
    });
    const request = new Request('http://localhost/', { method: 'POST', body: endless, duplex: 'half' } as RequestInit);
    await expect(readForm(request)).rejects.toMatchObject({ status: 413 });
    expect(sent).toBeLessThan(100);
  });

  test('whatever bytes come, it is a form or a refusal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async bytes => {
        const form = await readForm(post(new Uint8Array(bytes))).catch((error: unknown) => error);
        expect(form instanceof FormParameters || form instanceof BadRequestError).toBe(true);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  test('whatever URLSearchParams writes is taken', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async value => {
        const form = await readForm(post(new URLSearchParams({ value }).toString()));
        expect(form.get('value')).toBe(value);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('JSON', () => {
  const parse = (text: string) => parseJson(Buffer.from(text));

  test('is strict', () => {
    expect(parse('{"a":[1]}')).toEqual({ a: [1] });
    for (const text of ['', '{a:1}', "{'a':1}", '\ufeff{}', '{} x', '{"a":1,}', '// x\n{}', 'NaN']) {
      expect(() => parse(text), text).toThrow(BadRequestError);
    }
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(BadRequestError);
    expect(() => parseJson(Buffer.from('{}', 'utf16le'))).toThrow(BadRequestError);
  });

  test.each(['{"Headers":{}}', '{"headers":1}', '{"HEADERS":null}', '{"\\u0048eaders":{}}'])(
    '%s has a key that replaces headers',
    text => {
      expect(() => parse(text)).toThrow(BadRequestError);
    },
  );

  test('the key is no matter further in', () => {
    expect(parse('{"params":{"headers":1}}')).toEqual({ params: { headers: 1 } });
  });
});
