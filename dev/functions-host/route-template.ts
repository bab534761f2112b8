/** One route template of ASP.NET Core, such as `notes/{id:int}/{*rest}`, as far as a Functions app needs it. */

type Constraint = (value: string) => boolean;

interface Parameter {
  name: string;
  optional: boolean;
  catchAll: boolean;
  default: string | undefined;
  constraints: Constraint[];
}

type Segment = { literal: string } | { parameter: Parameter };
export type RouteTemplate = readonly Segment[];

/**
 * @param template without the leading slash; may be empty
 * @throws Error when it is malformed, or has something that this host does not know
 */
export function parseTemplate(template: string): RouteTemplate {
  const texts = template.replace(/^\/|\/$/g, '').split('/');
  if (texts.length === 1 && texts[0] === '') return [];
  return texts.map((text, index) => {
    const segment = parseSegment(text);
    if ('parameter' in segment && segment.parameter.catchAll && index < texts.length - 1) {
      throw new Error(`"${text}" takes the whole rest of the path, so nothing may follow it.`);
    }
    return segment;
  });
}

/**
 * @param path decoded, with its leading slash
 * @returns the route's parameters, those that are there; undefined when it does not match
 */
export function matchTemplate(template: RouteTemplate, path: string): Record<string, string> | undefined {
  const parts = segmentsOf(path);
  const values: Record<string, string> = {};
  for (const [index, segment] of template.entries()) {
    const part = parts[index];
    if ('literal' in segment) {
      if (part?.toUpperCase() !== segment.literal.toUpperCase()) return undefined;
      continue;
    }
    const { parameter } = segment;
    // What a catch-all takes keeps its slashes, the last one too.
    const value = parameter.catchAll
      ? path
          .split('/')
          .slice(index + 1)
          .join('/')
      : part;
    if (part === '' || (part === undefined && !isOmissible(parameter))) return undefined;
    const chosen = value || parameter.default;
    if (chosen === undefined) continue;
    if (!parameter.constraints.every(allows => allows(chosen))) return undefined;
    values[parameter.name] = chosen;
    if (parameter.catchAll) return values;
  }
  const last = template.at(-1);
  const open = last !== undefined && 'parameter' in last && last.parameter.catchAll;
  return parts.length > template.length && !open ? undefined : values;
}

function isOmissible(parameter: Parameter): boolean {
  return parameter.catchAll || parameter.optional || parameter.default !== undefined;
}

/** One slash at the end does not count; an empty segment elsewhere matches nothing. */
function segmentsOf(path: string): string[] {
  const parts = path.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

function parseSegment(text: string): Segment {
  if (!/[{}]/.test(text)) {
    if (text === '' || text.includes('?')) throw new Error(`"${text}" is not a segment of a route.`);
    return { literal: text };
  }
  const [, stars = '', name = '', constraints = '', fallback, optional] =
    /^\{(\*{0,2})([^:=?*{}]+)((?::[^:=?()]+(?:\([^()]*\))?)*)(?:=([^?]*))?(\?)?\}$/.exec(text) ?? [];
  if (name === '') throw new Error(`"${text}" is a segment that this host does not know.`);
  return {
    parameter: {
      name,
      catchAll: stars !== '',
      optional: optional !== undefined,
      default: fallback,
      constraints: [...constraints.matchAll(/:([^:(]+)(?:\(([^()]*)\))?/g)].map(([, kind = '', argument = '']) =>
        constraintOf(kind, argument),
      ),
    },
  };
}

function constraintOf(kind: string, argument: string): Constraint {
  const [low = Number.NaN, high = low] = argument === '' ? [] : argument.split(',').map(Number);
  const integer = /^[+-]?\d+$/;
  switch (kind.toLowerCase()) {
    case 'alpha':
      return value => /^[a-z]*$/i.test(value);
    case 'bool':
      return value => /^(true|false)$/i.test(value);
    case 'guid':
      return value => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
    case 'int':
      return value => integer.test(value) && Number(value) === (Number(value) | 0);
    case 'long':
      return value => integer.test(value);
    case 'length':
      return value => value.length >= low && value.length <= high;
    case 'minlength':
      return value => value.length >= low;
    case 'maxlength':
      return value => value.length <= low;
    case 'min':
      return value => integer.test(value) && Number(value) >= low;
    case 'max':
      return value => integer.test(value) && Number(value) <= low;
    case 'range':
      return value => integer.test(value) && Number(value) >= low && Number(value) <= high;
    default:
      throw new Error(`This host does not know the route constraint "${kind}".`);
  }
}
