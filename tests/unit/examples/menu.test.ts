import { expect, test } from 'vitest';
import { shown } from '../../../examples/client/menu.ts';

test('structured content is shown in lines', () => {
  const structuredContent = {
    notes: [
      { id: '1', note: 'Buy tea' },
      { id: '2', note: 'x' },
    ],
    scopes: [],
    sum: 3,
    ok: false,
  };
  expect(shown({ content: [], structuredContent }).split('\n')).toEqual([
    'notes:',
    '  - id: 1',
    '    note: Buy tea',
    '  - id: 2',
    '    note: x',
    'scopes: none',
    'sum: 3',
    'ok: false',
  ]);
});

test('without it, the text is', () => {
  expect(shown({ content: [{ type: 'text', text: 'one\ntwo' }] })).toBe('one\ntwo');
});

test('a tool’s error is told as the tool’s', () => {
  expect(shown({ content: [{ type: 'text', text: 'Too long.' }], isError: true })).toBe('The tool says: Too long.');
});

test('a note cannot repaint the terminal, and keeps its emoji', () => {
  const hostile = '\u001b[2J\u009b1A\u202e👩‍🚀';
  for (const result of [
    { content: [{ type: 'text' as const, text: hostile }] },
    { content: [], structuredContent: { [hostile]: hostile } },
  ]) {
    expect(shown(result)).toContain('\ufffd[2J\ufffd1A\ufffd👩‍🚀');
    expect(shown(result)).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
  }
});
