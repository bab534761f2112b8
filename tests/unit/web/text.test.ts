import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainText, plainUri, quotedText } from '../../../src/web/index.ts';
import { anyText } from '../../support/any-text.ts';

describe('plainText', () => {
  it.each([
    ['a plain name', 'Ada Lovelace', 'Ada Lovelace'],
    ['other scripts', 'Adélaïde 李 علي', 'Adélaïde 李 علي'],
    ['a right-to-left override', 'Claude\u202Egpj.exe', 'Claudegpj.exe'],
    ['isolates and marks', '\u2066a\u2069\u200Eb\u200Fc\u061Cd', 'abcd'],
    ['zero-width characters', 'Cl\u200Bau\u200Dde\uFEFF\u2060', 'Claude'],
    ['fillers that look like blanks', '\u3164\u115F\u034Fx', 'x'],
    ['tag characters', `x${String.fromCodePoint(0xe0041)}`, 'x'],
    ['controls and escape sequences', 'a\u0000b\u001B[31mc\u007Fd\u0085e', 'ab[31mcde'],
    ['line ends and wide blanks', ' a\r\n\tb\u2028c\u00A0\u3000d ', 'a b c d'],
    ['a lone surrogate', 'a\uD800b', 'ab'],
    ['nothing to read', '\u200B \u202E\n', ''],
  ])('%s', (_what, text, shown) => {
    expect(plainText(text)).toBe(shown);
  });

  it('cuts what is too long, never in the middle of a character', () => {
    expect(plainText('a'.repeat(100))).toBe('a'.repeat(100));
    expect(plainText('a'.repeat(101))).toBe(`${'a'.repeat(100)}…`);
    expect(plainText('😀'.repeat(101))).toBe(`${'😀'.repeat(100)}…`);
    expect(plainText('abc', 2)).toBe('ab…');
  });

  it('leaves nothing unseen, whatever comes, and changes nothing the second time', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 100 }), text => {
        const shown = plainText(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Cs}\u200B-\u200D\u2060\uFEFF]/u);
        expect(plainText(shown)).toBe(shown);
      }),
    );
  });
});

describe('quotedText', () => {
  it.each([
    ['Claude” (verified by Microsoft). “x', 'Claude’ (verified by Microsoft). ’x'],
    ['"«‹„‟›»"', '’’’’’’’’'],
    ['It’s mine', 'It’s mine'],
  ])('%s cannot end its quotation marks', (name, shown) => {
    expect(quotedText(name)).toBe(shown);
  });
});

describe('plainUri', () => {
  it.each([
    ['https://claude.ai/api/mcp/auth_callback?a=b&c=%20', 'https://claude.ai/api/mcp/auth_callback?a=b&c=%20'],
    ['https://example.com/\u202Eé x', 'https://example.com/%E2%80%AE%C3%A9%20x'],
    ['https://ex\u200Bample.com/\n😀', 'https://ex%E2%80%8Bample.com/%0A%F0%9F%98%80'],
  ])('%s', (uri, shown) => {
    expect(plainUri(uri)).toBe(shown);
  });

  it('is printable ASCII, whole, whatever comes', () => {
    fc.assert(
      fc.property(anyText(), uri => {
        expect(plainUri(uri)).toMatch(/^[\x21-\x7e]*$/);
        expect(decodeURIComponent(plainUri(uri.replaceAll('%', '')))).toBe(
          Buffer.from(uri.replaceAll('%', '')).toString(),
        );
      }),
    );
  });
});
