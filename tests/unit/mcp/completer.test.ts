import { expect, test } from 'vitest';
import { type Completer, complete } from '../../../src/mcp/completer.ts';
import type { ToolContext } from '../../../src/mcp/define-tool.ts';

const values = Array.from({ length: 150 }, (_, n) => `Value ${n}`);
const completed = async (completer: Completer, written = '') =>
  (await complete({ it: completer }, { name: 'it', value: written }, {}, {} as ToolContext)).completion;

test('no more than 100 values are given, whatever finds them (MCP, completion)', async () => {
  const first = values.slice(0, 100);
  expect(await completed(values)).toEqual({ values: first, total: 150, hasMore: true });
  expect(await completed(() => values)).toEqual({ values: first, total: 150, hasMore: true });
  expect(await completed(() => ({ values, hasMore: true }))).toEqual({ values: first, hasMore: true });
});

test('a list is narrowed to what begins with what was written, in any case', async () => {
  expect(await completed(values, 'vALUE 14')).toMatchObject({ total: 11, hasMore: false });
  expect(await completed(values, 'alue')).toEqual({ values: [], total: 0, hasMore: false });
});
