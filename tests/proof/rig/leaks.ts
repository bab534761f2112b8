/** Looks at text that others can read, such as logs, for what must never stand in it. */
export interface LeakWatch {
  /** Looks at a text, such as a line of a log. */
  look(text: string): void;
  /** Looks once more at texts that were looked at, for what was added since. */
  lookAgain(texts: readonly string[]): void;
  /** Adds secrets that are to be found wherever they stand, such as a note's text. Short ones are not looked for. */
  add(...secrets: string[]): void;
  /** How many texts were looked at. */
  readonly looked: number;
  /** Texts with a secret in them, cut. */
  readonly found: readonly string[];
}

/** A code, a refresh token, a client secret, a signed token with its signature. */
const PATTERNS = [
  /\bac\.[\w-]{16,}\.[\w-]{43}/,
  /\brt\.[\w-]{64}\.[\w-]{43}/,
  /\bcs\.[\w-]{43}/,
  /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{20,}/,
];
/** Shorter ones would be found by chance. */
const SHORTEST = 8;
/** How much of a text is kept, in characters. */
const LONGEST = 500;

export function createLeakWatch(secrets: readonly string[]): LeakWatch {
  const known = new Set<string>();
  const found: string[] = [];
  let looked = 0;
  const add = (...more: string[]) => {
    for (const each of more) if (each.length >= SHORTEST) known.add(each);
  };
  add(...secrets);
  const leaks = (text: string) =>
    PATTERNS.some(pattern => pattern.test(text)) || [...known].some(each => text.includes(each));
  return {
    look: text => {
      looked++;
      if (leaks(text)) found.push(text.slice(0, LONGEST));
    },
    lookAgain: texts => {
      const before = new Set(found);
      for (const text of texts) {
        const cut = text.slice(0, LONGEST);
        if (!before.has(cut) && leaks(text)) found.push(cut);
      }
    },
    add,
    get looked() {
      return looked;
    },
    found,
  };
}
