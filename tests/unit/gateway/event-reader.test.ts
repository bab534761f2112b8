import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventReader, type StreamEvent, writeEvent } from '../../../src/gateway/event-reader.ts';

const SEED = 20261124;
const read = (pieces: readonly Uint8Array[], limit = 10_000) => {
  const reader = new EventReader(limit);
  return pieces.flatMap(piece => [...reader.push(piece)]);
};
const readText = (text: string) => read([Buffer.from(text)]);

test.each<[string, StreamEvent[]]>([
  ['data: {}\n\n', [{ data: '{}' }]],
  ['event: message\nid: 7\nretry: 10\ndata: a\ndata:b\n\n', [{ event: 'message', id: '7', retry: '10', data: 'a\nb' }]],
  ['data: a\r\n\r\ndata: b\r\rdata: c\n\n', [{ data: 'a' }, { data: 'b' }, { data: 'c' }]],
  [': nothing\n\n', [{}]],
  ['\n\n\n', []],
  ['data\n\n', [{ data: '' }]],
  ['data: unfinished\n', []],
  ['unknown: x\ndata:  two spaces\n\n', [{ data: ' two spaces' }]],
  ['\ufeffdata: é😀\n\n', [{ data: 'é😀' }]],
])('%j', (text, events) => {
  expect(readText(text)).toEqual(events);
});

const line = fc
  .oneof(fc.constantFrom('', '{"a":1}', ': x'), fc.string({ unit: 'grapheme' }))
  .map(text => text.replace(/[\r\n]/g, ''));
const event = fc.record(
  { id: line, event: line, data: fc.array(line, { minLength: 1 }).map(lines => lines.join('\n')) },
  { requiredKeys: ['data'] },
);

test('what is written is read again, wherever it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(event),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat(), { maxLength: 20 }),
      (events, end, places) => {
        const bytes = Buffer.from(events.map(writeEvent).join('').replaceAll('\n', end));
        const cuts = [0, ...places.map(place => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const pieces = cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
        expect(read(pieces)).toEqual(events);
      },
    ),
    { seed: SEED },
  );
});

test('an event that is too long is refused before it is whole, many short ones are not', () => {
  const reader = new EventReader(100);
  const push = (text: string) => [...reader.push(Buffer.from(text))];
  expect(push(`data: ${'x'.repeat(90)}`)).toEqual([]);
  expect(() => push('xxxxx')).toThrow('an event of more than 100 characters');
  expect(read([Buffer.from('data: short\n\n'.repeat(100))], 100)).toHaveLength(100);
  expect(() => readText(`${'data: x\n'.repeat(5000)}`)).toThrow('an event of more than');
});

test('what is not UTF-8 is refused', () => {
  expect(() => read([Buffer.from([0x64, 0xff])])).toThrow(TypeError);
});
