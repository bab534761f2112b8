/**
 * What a text has in common with its look-alikes: in compatibility form and lower
 * case, without white space, control and format characters.
 */
export function folded(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{Cc}\p{Cf}\p{Z}\s]/gu, '');
}

/** ASCII that is its own folded form. */
const PLAIN = /^[!-@[-~]*$/;
