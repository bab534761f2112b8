/**
 * JSON as the real host's parser reads it, which takes far more for JSON than the standard does: comments, single
 * quotes, names without quotes, a comma too many, `NaN`, `undefined`, hexadecimal numbers.
 */

/** The real parser refuses deeper nesting. */
const MAX_DEPTH = 64;

/** A name or a value without quotes: letters, digits, `_` and `$`, and for values what numbers have besides. */
const bareName = /[\p{L}\p{Nd}_$]+/uy;
const bareValue = /[-+.\p{L}\p{Nd}_$]+/uy;
const blank = /(?:\s+|\/\*[\s\S]*?\*\/|\/\/[^\r\n]*)*/y;
const number = /^-?(?:0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;

const words = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

const escapes = new Map([...'bfnrt'].map((letter, index) => [letter, '\b\f\n\r\t'.charAt(index)]));

/**
 * The members of the object that the text is; of members with the same name the last one counts.
 * @returns undefined when the parser would not take the text for an object
 */
export function parseLenientObject(text: string): Record<string, unknown> | undefined {
  const reader = new Reader(text);
  try {
    return reader.whole();
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

class NotJson extends Error {}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Record<string, unknown> {
    this.#blank();
    const found = this.#object(1);
    this.#blank();
    if (this.#at < this.#text.length) throw new NotJson();
    return found;
  }

  #object(depth: number): Record<string, unknown> {
    if (depth > MAX_DEPTH || !this.#take('{')) throw new NotJson();
    const members: [string, unknown][] = [];
    for (;;) {
      this.#blank();
      if (this.#take('}')) return Object.fromEntries(members);
      const name = this.#quoted() ?? this.#match(bareName);
      this.#blank();
      if (name === '' || name === undefined || !this.#take(':')) throw new NotJson();
      members.push([name, this.#value(depth)]);
      this.#blank();
      if (!this.#take(',') && this.#text[this.#at] !== '}') throw new NotJson();
    }
  }

  #array(depth: number): unknown[] {
    if (depth > MAX_DEPTH) throw new NotJson();
    this.#at++;
    const items: unknown[] = [];
    for (;;) {
      this.#blank();
      if (this.#take(']')) return items;
      items.push(this.#value(depth));
      this.#blank();
      if (!this.#take(',') && this.#text[this.#at] !== ']') throw new NotJson();
    }
  }

  #value(depth: number): unknown {
    this.#blank();
    const next = this.#text[this.#at];
    if (next === '{') return this.#object(depth + 1);
    if (next === '[') return this.#array(depth + 1);
    if (next === ',') return undefined;
    const text = this.#quoted();
    if (text !== undefined) return text;
    const bare = this.#match(bareValue);
    if (words.has(bare)) return words.get(bare);
    if (number.test(bare)) return Number(bare);
    throw new NotJson();
  }

  #quoted(): string | undefined {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return undefined;
    let found = '';
    let from = ++this.#at;
    for (;;) {
      const letter = this.#text[this.#at];
      if (letter === undefined) throw new NotJson();
      if (letter !== quote && letter !== '\\') {
        this.#at++;
        continue;
      }
      found += this.#text.slice(from, this.#at++);
      if (letter === quote) return found;
      found += this.#escape();
      from = this.#at;
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? '';
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at, this.#at + 4);
      if (!/^[0-9a-f]{4}$/i.test(digits)) throw new NotJson();
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const found = escapes.get(letter) ?? ('"\'\\/'.includes(letter) ? letter : '');
    if (found === '') throw new NotJson();
    return found;
  }

  #blank(): void {
    this.#match(blank);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #take(letter: string): boolean {
    if (this.#text[this.#at] !== letter) return false;
    this.#at++;
    return true;
  }
}
