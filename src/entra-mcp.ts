import { type App, createApp, type Surroundings } from './app.ts';
import type { LoadedConfig } from './config.ts';
import { createLogger } from './log.ts';
import { type FunctionsApp, registerAll } from './register.ts';
import { VERSION } from './version.ts';

/**
 * What to serve, and to whom: `config` (and `warnings`, which are logged) of {@link loadConfig}; tools, resources and
 * prompts; the name and the version that clients see. All but `config` may be left out; what an app reaches outside of
 * itself is for tests to give.
 */
export interface EntraMcpOptions extends Partial<LoadedConfig>, Partial<Surroundings> {
  readonly config: LoadedConfig['config'];
}

/** An MCP server with its own sign-in: its endpoints, and the way to have them served. */
export interface EntraMcp extends App {
  /**
   * Registers all functions with the host, and asks it to stream. The routes begin at the root: host.json needs
   * `"extensions": { "http": { "routePrefix": "" } }`. Functions of one's own may stand beside them; what is no function's
   * path is answered 404 by `zz-not-found`, which their names have to come before.
   *
   * @param app that of `@azure/functions`
   */
  register(app: FunctionsApp): void;
}

/**
 * Makes an MCP server that people sign in to with Microsoft Entra ID. Nothing is sent anywhere before the first request.
 *
 * @throws TypeError without what `loadConfig` makes of the settings, and for what is served and not of a definer
 * @throws Error where two tools, resources or prompts bear one name, one needs a scope that there is not, or `scopes` has
 *   something that is none
 * @example
 * ```ts
 * import { app } from '@azure/functions';
 * import { createEntraMcp, defineTool, loadConfig } from 'entra-mcp-functions';
 * import * as z from 'zod';
 *
 * const greet = defineTool({
 *   name: 'greet',
 *   title: 'Greet me',
 *   description: 'Greets the signed-in person.',
 *   scopes: ['profile'],
 *   input: z.object({}),
 *   handler: (_args, { person }) => `Hello, ${person.name ?? 'you'}!`,
 * });
 *
 * createEntraMcp({ ...loadConfig(process.env), tools: [greet] }).register(app);
 * ```
 */
export function createEntraMcp(options: EntraMcpOptions): EntraMcp {
  const { config, warnings = [], ...given } = options ?? {};
  if (typeof config?.origin !== 'string') {
    throw new TypeError(
      'createEntraMcp needs the settings: createEntraMcp({ ...loadConfig(process.env), tools: […] }).',
    );
  }
  checkServed('tools', given.tools, 'call', 'defineTool');
  checkServed('resources', given.resources, 'read', 'defineResource');
  checkServed('prompts', given.prompts, 'get', 'definePrompt');
  const log = given.log ?? createLogger(config.logLevel, (level, line) => console[level](line));
  for (const warning of warnings) log.warn('setting without meaning', { warning });
  const app = createApp(config, { ...given, log, version: given.version ?? VERSION });
  return { ...app, register: functions => registerAll(functions, app, config) };
}

/** What the types say already, said to those who write JavaScript. */
function checkServed<T>(
  option: string,
  all: readonly T[] | undefined,
  method: keyof T & string,
  definer: string,
): void {
  if (all === undefined) return;
  const isMade = (one: T) => typeof one?.[method] === 'function';
  if (!Array.isArray(all) || !all.every(isMade))
    throw new TypeError(`\`${option}\` takes a list of what ${definer} makes.`);
}
