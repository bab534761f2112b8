/**
 * Strings from outside, made fit to be read. Escaping is the JSX library's; this
 * is about what the eye is told: no hidden characters, no turned direction, no
 * name as long as the page.
 */

/** What a name may take of the page, in characters. */
const LONGEST_NAME = 100;

/** What no eye sees, white space aside: controls, formats and direction overrides, fillers, lone surrogates. */
const UNSEEN = /(?!\s)[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text as a page shows it: characters that cannot be seen are dropped, white
 * space is one blank, and what is longer than `longest` characters is cut with
 * an ellipsis. Gives an empty string when nothing is left to read.
 */
export function plainText(text: string, longest = LONGEST_NAME): string {
  const characters = [...text.replace(UNSEEN, '').replace(/\s+/gu, ' ').trim()];
  return characters.length > longest ? `${characters.slice(0, longest).join('')}…` : characters.join('');
}

/** {@link plainText} for a name that stands in quotation marks: none of its own can end them. */
export function quotedText(text: string): string {
  return plainText(text).replace(/["“”„‟«»‹›〝〞＂]/gu, '’');
}

/**
 * A URI as a page shows it: whole, in printable ASCII, everything else
 * percent-encoded (RFC 3986 section 2.1), so that two that differ look different.
 */
export function plainUri(uri: string): string {
  return uri.replace(/[^\x21-\x7e]/gu, character =>
    [...new TextEncoder().encode(character)]
      .map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
