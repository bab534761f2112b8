import { checkVariables } from './open-variables.ts';

/** Of an absolute URI (RFC 3986): the scheme, and what may come after it. */
const URI = /^[a-z][a-z\d+.-]*:(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[\da-f]{2})+$/i;

/** An expression (RFC 6570 section 2.2), such as {id} or {+a,b*}; the library knows none that cut, such as {id:3}. */
const EXPRESSION = /\{[+#./?&]?(?:NAME)(?:,(?:NAME))*\}/.source.replaceAll('NAME', '(?:[\\w.]|%[\\da-f]{2})+\\*?');

/**
 * Whether what a resource is served under can be asked for.
 * @throws RangeError for what is neither an absolute URI nor a template of one, and as {@link checkVariables} does
 */
export function checkUri(uri: string): void {
  if (!URI.test(uri.replaceAll(new RegExp(EXPRESSION, 'gi'), 'x'))) {
    throw new RangeError(
      `The uri ${JSON.stringify(uri)} is neither absolute, such as note://list, nor a template of such, as note://{id}. What a URI has no place for is written with percent signs.`,
    );
  }
  checkVariables(uri);
}
