import { UriTemplate } from '@modelcontextprotocol/server';

/** The longest URI that is looked at, in characters: with two open variables the work grows with its square. */
const LONGEST_URI = 2048;

/**
 * A template of URIs (RFC 6570) that is read in both directions. It is the
 * library's own, loaded when the first URI is held against a template.
 */
export interface Template {
  /** The values of the variables, percent-decoded; `undefined` where the URI is none of these. */
  match(uri: string): Record<string, string> | undefined;
  expand(variables: Readonly<Record<string, string>>): string;
}

/** @throws Error for a template that the library cannot read */
export function createTemplate(text: string): Template {
  const template = new UriTemplate(text);
  return {
    match(uri) {
      const found = uri.length <= LONGEST_URI ? template.match(uri) : null;
      if (!found) return undefined;
      try {
        return Object.fromEntries(
          Object.entries(found).map(([name, value]) => [name, decodeURIComponent(String(value))]),
        );
      } catch {
        // Not UTF-8 behind its percent signs: nothing has that name.
        return undefined;
      }
    },
    expand: variables => template.expand({ ...variables }),
  };
}

/** Whether a URI has expressions to fill in. */
export function isTemplate(uri: string): boolean {
  return UriTemplate.isTemplate(uri);
}
