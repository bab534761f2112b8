/** Which function answers a request: the real host's rules, which are its own and not those of most routers. */
import type { RegisteredFunction } from './core-module.ts';
import { matchTemplate, parseTemplate, type RouteTemplate } from './route-template.ts';

export interface HttpFunction extends RegisteredFunction {
  name: string;
  /** With the prefix, without the leading slash. */
  route: string;
  methods: readonly string[];
  template: RouteTemplate;
  /** The name of its trigger's binding. */
  trigger: string;
}

/**
 * The HTTP functions in the order in which they are tried: by name, ignoring case.
 *
 * A function whose route is reserved, or taken for one of its methods by a function before it, is dropped.
 * @param drop is told of each one that is dropped
 * @throws Error when a route is malformed
 */
export function buildRoutes(
  functions: Iterable<RegisteredFunction>,
  routePrefix: string,
  drop: (name: string, why: string) => void,
): HttpFunction[] {
  const kept: (HttpFunction & { ownRoute: string })[] = [];
  for (const { metadata, handler } of [...functions].sort(byName)) {
    const [trigger, binding] =
      Object.entries(metadata.bindings).find(([, { type }]) => type.toLowerCase() === 'httptrigger') ?? [];
    if (trigger === undefined || binding === undefined) continue;
    const { name } = metadata;
    const methods = (binding.methods as string[] | undefined) ?? [];
    const ownRoute = ((binding.route as string | undefined)?.trim() || name).replace(/^\/+|\/+$/g, '');
    const rival = kept.find(other => conflict(other, { ownRoute, methods }));

    if (!/^[a-z][a-z0-9_-]{0,127}$/i.test(name) || /^host$/i.test(name)) {
      drop(
        name,
        'a name begins with a letter, and has letters, digits, "-" and "_" only, 128 at most, and is not "host"',
      );
    } else if (/^(admin|runtime)/i.test(ownRoute)) {
      drop(name, `its route "${ownRoute}" begins with "admin" or "runtime", which are the host's own`);
    } else if (kept.some(other => other.name.toUpperCase() === name.toUpperCase())) {
      drop(name, 'another function has this name, but for case');
    } else if (rival) {
      drop(
        name,
        `its route "${ownRoute}" and one of its methods are those of "${rival.name}", which comes first by name`,
      );
    } else {
      const route = routePrefix === '' ? ownRoute : `${routePrefix}/${ownRoute}`;
      let template: RouteTemplate;
      try {
        template = parseTemplate(route);
      } catch (error) {
        throw new Error(`The route "${route}" of the function "${name}": ${(error as Error).message}`);
      }
      kept.push({ metadata, handler, name, route, ownRoute, methods, template, trigger });
    }
  }
  return kept;
}

/**
 * The first function whose template and method match. A method is a constraint like any other: where it does not
 * match, the search goes on, and its end is a 404.
 * @param path decoded, with its leading slash
 */
export function findFunction(
  functions: readonly HttpFunction[],
  method: string,
  path: string,
): { called: HttpFunction; params: Record<string, string> } | undefined {
  for (const called of functions) {
    if (!called.methods.some(each => each.toUpperCase() === method)) continue;
    const params = matchTemplate(called.template, path);
    if (params) return { called, params };
  }
  return undefined;
}

function byName(one: RegisteredFunction, two: RegisteredFunction): number {
  const [a, b] = [one.metadata.name.toUpperCase(), two.metadata.name.toUpperCase()];
  return a < b ? -1 : Number(a > b);
}

function conflict(
  one: { ownRoute: string; methods: readonly string[] },
  two: { ownRoute: string; methods: readonly string[] },
): boolean {
  if (one.ownRoute.toUpperCase() !== two.ownRoute.toUpperCase()) return false;
  return one.methods.some(method => two.methods.includes(method));
}
