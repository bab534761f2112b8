import { expect, test } from 'vitest';
import { answerForm } from '../../../examples/client/form.ts';

const fields = {
  who: { type: 'string', title: 'Who\u001b[2J' },
  count: { type: 'integer' },
  isAll: { type: 'boolean' },
  color: { type: 'string', enum: ['red', 'blue'] },
  tags: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
} as const;

/** The answer of somebody who types these lines. */
async function answered(properties: Record<string, (typeof fields)[keyof typeof fields]>, ...lines: string[]) {
  const read: string[] = [];
  const left = [...lines];
  const question = {
    message: 'Really?\u001b[2J',
    requestedSchema: { type: 'object' as const, properties: properties as never, required: ['who'] },
  };
  const ask = async (prompt: string) => {
    read.push(prompt);
    return left.shift();
  };
  return { answer: await answerForm(question, ask, text => read.push(text)), read: read.join('\n'), left };
}

test('a question without fields wants a yes, and nothing else is one', async () => {
  expect((await answered({}, 'Y')).answer).toEqual({ action: 'accept', content: {} });
  for (const line of ['', 'n', 'yeah', undefined]) {
    const lines = line === undefined ? [] : [line];
    expect((await answered({}, ...lines)).answer).toEqual({ action: 'decline' });
  }
});

test('fields are filled in one by one, as what they are, and sent when the person says so', async () => {
  const lines = ['Ada', '3', 'yes', 'red', 'a, b'];
  const content = { who: 'Ada', count: 3, isAll: true, color: 'red', tags: ['a', 'b'] };
  expect((await answered(fields, ...lines, 'yes')).answer).toEqual({ action: 'accept', content });
  expect((await answered(fields, ...lines, 'no')).answer).toEqual({ action: 'decline' });
});

test('what may be left out is; what may not ends it', async () => {
  const { who, count } = fields;
  expect((await answered({ who, count }, 'Ada', '', 'y')).answer).toEqual({
    action: 'accept',
    content: { who: 'Ada' },
  });
  expect((await answered({ who, count }, '')).answer).toEqual({ action: 'cancel' });
  expect((await answered({ who, count })).answer).toEqual({ action: 'cancel' });
});

test('what the server says cannot repaint the terminal', async () => {
  const { read } = await answered(fields, 'Ada', '3', 'yes', 'red', 'a', 'y');
  expect(read).not.toContain('\u001b');
  expect(read).toContain('color (red, blue)');
});
