import { SETTINGS } from './settings.ts';

/** What is told of an environment whose settings can be read: those without meaning, and names that nobody reads. */

type Environment = Readonly<Record<string, string | undefined>>;

/** What is Azure's is named like it in many ways; only what is this app's alone is looked for. */
const OWN = SETTINGS.map(({ name }) => name as string).filter(name => !/^(Azure|APPLICATIONINSIGHTS_)/.test(name));

/** @param onLoopback whether the app's public origin is this very machine */
export function warningsFor(environment: Environment, onLoopback: boolean): string[] {
  const warnings: string[] = [];
  if (environment.AUTH_SERVER_PORT) {
    warnings.push('AUTH_SERVER_PORT has no meaning: sign-in and MCP are one server, and its port is SERVER_PORT.');
  }
  if (environment.ALLOWED_ORIGINS && onLoopback) {
    warnings.push('ALLOWED_ORIGINS has no meaning on a laptop: there pages of loopback origins alone may call /mcp.');
  }
  return [...warnings, ...misspelled(environment)];
}

/** Names that are nearly those of settings: one letter off, or two in a name that is long enough not to meet another by chance. */
function misspelled(environment: Environment): string[] {
  const known = new Set<string>(SETTINGS.map(({ name }) => name));
  const strangers = Object.keys(environment).filter(name => environment[name]?.trim() && !known.has(name));
  return strangers.flatMap(name => {
    const meant = OWN.find(own => {
      const most = own.length >= 12 ? 2 : 1;
      return Math.abs(own.length - name.length) <= most && distance(name.toUpperCase(), own) <= most;
    });
    // Windows does not tell cases apart: there it is read all the same.
    if (meant === undefined || (name.toUpperCase() === meant && environment[meant])) return [];
    return `${name} is no setting of this app, and is not read. Is ${meant} meant?`;
  });
}

/** How many letters are too many, missing, or others (Levenshtein); two that changed places count as two. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const [above = 0, left = 0, diagonal = 0] = [row[j + 1], next[j], row[j]];
      next.push(Math.min(above + 1, left + 1, diagonal + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
