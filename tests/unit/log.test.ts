import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLogger, LOG_LEVELS } from '../../src/log.ts';
import { anyText } from '../support/any-text.ts';

function logging(level: (typeof LOG_LEVELS)[number] = 'debug') {
  const lines: string[] = [];
  return { lines, log: createLogger(level, (_level, line) => lines.push(line)) };
}

describe('a foreign string in a log line', () => {
  test.each([
    ['a line end', 'a\r\n{"level":"info"}', 'a\\u000d\\u000a{"level":"info"}'],
    ['a line separator', 'a\u2028b\u2029c\u0085d', 'a\\u2028b\\u2029c\\u0085d'],
    ['a change of direction', 'a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
    ['what cannot be seen', 'a\u200bb\ufeffc\u00add', 'a\\u200bb\\ufeffc\\u00add'],
    ['a command of a terminal', '\u001b[2J\u009b2J\u0007', '\\u001b[2J\\u009b2J\\u0007'],
    ['a character beyond 16 bits', '\u{e0041}', '\\ue0041'],
  ])('has %s escaped, in a list too', (_name, text, escaped) => {
    const { lines, log } = logging();
    log.info('x', { text, list: [text] });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ text: escaped, list: [escaped] });
  });

  test('is cut at 200 characters, and a list at 20 entries', () => {
    const { lines, log } = logging();
    log.with({ of: 'y'.repeat(201) }).warn('x', { text: 'x'.repeat(100_000), list: Array(30).fill('z'.repeat(300)) });
    const line = JSON.parse(lines[0] ?? '');
    expect([line.text, line.of]).toEqual([`${'x'.repeat(200)}…`, `${'y'.repeat(200)}…`]);
    expect(line.list).toEqual(Array(20).fill(`${'z'.repeat(200)}…`));
  });

  test('never makes more than one line, nor one that is no JSON', () => {
    const { lines, log } = logging();
    const text = anyText({ maxLength: 300 });
    fc.assert(
      fc.property(text, fc.array(text), (one, list) => {
        lines.length = 0;
        log.info('x', { one, list });
        expect(lines).toHaveLength(1);
        expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
        expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', event: 'x' });
      }),
      { seed: 6, numRuns: 500 },
    );
  });
});

test('a level leaves out what is less important', () => {
  for (const level of LOG_LEVELS) {
    const { lines, log } = logging(level);
    for (const each of LOG_LEVELS) log[each](each);
    expect(lines.map(line => JSON.parse(line).event)).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(level)));
  }
});
