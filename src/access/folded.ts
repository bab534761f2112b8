/**
 * What a text has in common with its look-alikes: in compatibility form and lower
 * case, without white space, control and format characters, and what else shows
 * nothing (variation selectors, fillers).
 */
export function folded(text: string): string {
  if (PLAIN.test(text)) return text;
  const visible = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Z}\s]/gu, '');
  // What is gone may have stood between a letter and its accent.
  return visible.normalize('NFKC');
}

/** ASCII that is its own folded form. */
const PLAIN = /^[!-@[-~]*$/;
