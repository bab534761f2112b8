import { expect, test } from 'vitest';
import { checkVariables } from '../../../src/mcp/open-variables.ts';

test.each([
  'note://{id}',
  'app://books/{book}/pages{?number}',
  'f://{+a}/{+b}/end',
  'f://{+path}{?a,b}{&c}',
  'f://{a}/{b}/{c}/{d}/end',
  'f://{a},{b},{c},{d}',
  'f://x{/a}{/b}{/c}{/d*}',
  'f://{a}-{b}',
])('%s tells where its variables end', template => {
  expect(() => checkVariables(template)).not.toThrow();
});

test.each([
  ['f://{+a}/{+b}/{+c}/end', 3],
  ['f://{+a}/{+b}/{+c}', 3],
  ['f://{+a}{+b}{c}', 3],
  ['f://{+a}-{+b}-{c}/end', 3],
  ['f://{a}{b}{c}{d}', 4],
  ['f://{a}-{b}-{c}', 3],
  ['f://{a*},{b*},{c*}', 3],
  ['f://{+a}{/b}{#c}/{+d}', 4],
  ['f://x{?a}{?b}{?c}', 3],
])('%s has too many that could end anywhere', (template, open) => {
  expect(() => checkVariables(template)).toThrow(RangeError);
  expect(() => checkVariables(template)).toThrow(`has ${open} variables`);
});
