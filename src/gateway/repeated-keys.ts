/** How deep keys are looked at: those of the message, and those of its `params`. */
const DEEPEST = 2;

/**
 * Whether a JSON text has a key twice in its object or in one directly in that.
 * Parsers disagree on which of them counts, so what was checked here need not be
 * what is done elsewhere.
 *
 * @param json has been parsed, so it is well-formed
 */
export function repeatsKey(json: string): boolean {
  const keys = Array.from({ length: DEEPEST + 1 }, () => new Set<string>());
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') keys[++depth]?.clear();
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === '"') {
      const end = endOfText(json, at);
      const seen = keys[depth];
      if (seen && isKey(json, end)) {
        const key = JSON.parse(json.slice(at, end)) as string;
        if (seen.has(key)) return true;
        seen.add(key);
      }
      at = end - 1;
    }
  }
  return false;
}

/** Behind the quote that ends the text which begins at `start`. */
function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

const COLON = /\s*:/y;

function isKey(json: string, end: number): boolean {
  COLON.lastIndex = end;
  return COLON.test(json);
}
