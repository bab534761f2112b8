/** Looks at text that others can read, such as logs, for what must never stand in it. */
export interface LeakWatch {
  /** Looks at a text, such as a line of a log. */
  look(text: string): void;
  /** Adds secrets that are to be found wherever they stand, such as a note's text. Short ones are not looked for. */
  add(...secrets: string[]): void;
  /** How many texts were looked at. */
  readonly looked: number;
  /** Texts with a secret in them, cut. */
  readonly found: readonly string[];
}

/** A code, a refresh token, a signed token with its signature. */
const PATTERNS = [
  /\bac\.[\w-]{16,}\.[\w-]{43}/,
  /\brt\.[\w-]{64}\.[\w-]{43}/,
  /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{20,}/,
];
/** Shorter ones would be found by chance. */
const SHORTEST = 8;

export function createLeakWatch(secrets: readonly string[]): LeakWatch {
  const known = new Set<string>();
  const found: string[] = [];
  let looked = 0;
  const add = (...more: string[]) => {
    for (const each of more) if (each.length >= SHORTEST) known.add(each);
  };
  add(...secrets);
  return {
    look: text => {
      looked++;
      const leaks = PATTERNS.some(pattern => pattern.test(text)) || [...known].some(each => text.includes(each));
      if (leaks) found.push(text.slice(0, 500));
    },
    add,
    get looked() {
      return looked;
    },
    found,
  };
}
