import fc from 'fast-check';
import { expect, test } from 'vitest';
import { repeatsKey } from '../../../src/gateway/repeated-keys.ts';

test.each([
  ['{"a":1,"b":{"a":1}}', false],
  ['{"a":1,"a":2}', true],
  ['{"a":1,"\\u0061":2}', true],
  ['{"a" : 1,\n"a"\t:2}', true],
  ['{"p":{"x":1,"x":2}}', true],
  ['{"p":{"x":1},"q":{"x":2}}', false],
  ['{"p":{"deep":{"x":1,"x":2}}}', false],
  ['{"p":["x","x",{"x":1,"x":1}]}', false],
  ['{"a":"a","b":"a"}', false],
  ['{"a":"\\"a\\":","b":"{\\"b\\":"}', false],
  ['{"a\\\\":1,"a":2}', false],
  ['{"a\\\\":1,"a\\\\":2}', true],
  ['{"a":"\\\\","a":2}', true],
  ['{"__proto__":1,"constructor":2}', false],
  ['"a"', false],
])('%s: %s', (json, isRepeated) => {
  expect(JSON.parse(json)).toBeDefined();
  expect(repeatsKey(json)).toBe(isRepeated);
});

test('no value of JSON’s own making has a key twice; with one more of the same it has', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1 }), object => {
      const json = JSON.stringify(object);
      expect(repeatsKey(json)).toBe(false);
      expect(repeatsKey(JSON.stringify(object, null, 2))).toBe(false);
      const [key] = Object.keys(object);
      expect(repeatsKey(`${json.slice(0, -1)},${JSON.stringify(key)}:0}`)).toBe(true);
      expect(repeatsKey(`{"params":${json.slice(0, -1)},${JSON.stringify(key)}:0}}`)).toBe(true);
    }),
    { seed: 20261124 },
  );
});
