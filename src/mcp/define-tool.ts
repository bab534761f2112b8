import type {
  CallToolResult,
  ContentBlock,
  Icon,
  ToolAnnotations,
  Tool as ToolListing,
} from '@modelcontextprotocol/server';
import type * as z from 'zod';
import type { AccessToken } from '../access/access-token.ts';
import type { DownstreamToken, TokenFor } from '../access/downstream.ts';
import type { Person } from '../access/person.ts';
import type { Logger } from '../log.ts';
import type { StorageCheck } from '../storage/check.ts';
import type { Notes } from '../storage/notes.ts';
import { checkDefinition } from './check-definition.ts';
import type { ClientLog, Progress } from './notify-client.ts';
import type { AskBack } from './questions.ts';

/** What tools and resources work with. */
export interface Services {
  readonly notes: Notes;
  readonly storageAnswers: StorageCheck;
  readonly tokenFor: TokenFor;
  readonly graph: GraphAccess;
}

/** Microsoft Graph, of the cloud that people sign in to. */
export interface GraphAccess {
  /** Its address, with the version. */
  readonly url: string;
  /** The way to it, and to any other API. */
  readonly fetch: typeof globalThis.fetch;
  /** Whether everybody has consented to `User.Read` at sign-in (`AUTH_SCOPES`). */
  readonly userRead: boolean;
}

/** What a tool may tell about the server. */
export interface ServerFacts {
  readonly name: string;
  readonly version: string;
  /** What people see instead of the name. */
  readonly title?: string;
  /** Where people read more of it. */
  readonly websiteUrl?: string;
  readonly icons?: readonly Icon[];
  /** What a model is told of the server as a whole. */
  readonly instructions?: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Who calls, and all that a handler may use. */
export interface ToolContext extends AskBack {
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly token: AccessToken;
  readonly services: Services;
  /**
   * A token of another API, as the person, for scopes of that one API:
   * `['https://graph.microsoft.com/User.Read']`. It is remembered until five
   * minutes before it expires, so ask for it in each call.
   *
   * @param options.claims what the API has asked for: see `claims-challenge.ts`
   * @throws DownstreamRefusedError which, let through, tells the caller what the person has to do, and where
   * @throws UnavailableError
   */
  tokenFor(scopes: readonly string[], options?: { claims?: string }): Promise<DownstreamToken>;
  readonly graph: GraphAccess;
  readonly server: ServerFacts;
  readonly log: Logger;
  /** Fires when the time limit of the call is over, or the client is seen to be gone: stop then. */
  readonly signal: AbortSignal;
  /**
   * Tells the client how far the work is, as it happens: `progress(3, 10, '3 of 10 files')`, the total only where it is
   * known. Sent to who asked for it and dropped for all others, so call it as it comes. `done` has to grow each time.
   */
  readonly progress: Progress;
  /**
   * Sends a message to the client's log, which its user or model may read: `clientLog('warning', 'One file is empty.')`.
   * Sent to a client that asks for this level. For the operator's log there is `log`.
   */
  readonly clientLog: ClientLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * A mistake that the caller can mend. Its message is the answer, so it says what to do.
 *
 * @example
 * ```ts
 * import { ToolError } from 'entra-mcp-functions';
 *
 * export function find(reports: Map<string, string>, id: string): string {
 *   const report = reports.get(id);
 *   if (report === undefined) throw new ToolError(`There is no report ${id}: list_reports tells which there are.`);
 *   return report;
 * }
 * ```
 */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/** What both kinds of tools have. */
interface AnyToolDefinition<Input extends z.ZodObject> {
  /** What clients call it by: 1 to 128 of A-Z, a-z, 0-9, `_`, `-` and `.` (MCP 2026-07-28, "Tool Names"). */
  name: string;
  /** What people see. */
  title: string;
  /** What a model reads to decide whether to call it. */
  description: string;
  icons?: Icon[];
  /** The scopes that a call needs; none: any valid token will do. */
  scopes: readonly string[];
  /** App roles of the registration, one of which the person needs; none: nobody needs any. Tokens carry only what tools name here. */
  roles?: readonly string[];
  input: Input;
  /** Hints for clients; a tool that says nothing counts as one that changes things. */
  annotations?: ToolAnnotations;
  /** How long a call may take: more than 0, up to 200 seconds; absent: as the setting `TOOL_TIMEOUT_SECONDS` says. */
  timeLimitSeconds?: number;
  /** How many calls of one person may be under way at once on an instance, 1 or more; absent: any number. */
  callsAtOnce?: number;
}

/** A tool as one writes it, its result checked by a schema; see {@link defineTool}. */
export interface ToolDefinition<Input extends z.ZodObject, Output extends z.ZodObject>
  extends AnyToolDefinition<Input> {
  output: Output;
  /**
   * Does the work.
   * @throws ToolError for what the caller can mend; UnavailableError becomes 503; anything else is logged and hidden
   */
  handler(args: z.output<Input>, context: ToolContext): Promise<z.input<Output>> | z.input<Output>;
}

/** A tool whose result is for people and models to see, not for programs: it has no schema. */
export interface ContentToolDefinition<Input extends z.ZodObject> extends AnyToolDefinition<Input> {
  output?: undefined;
  /** Does the work, as that of {@link ToolDefinition} does. */
  handler(args: z.output<Input>, context: ToolContext): Promise<ToolContent> | ToolContent;
}

/** A text, or blocks of any kind: images, audio, resources. */
export type ToolContent = string | ContentBlock[];

/** A tool as the endpoint sees it, its types checked and forgotten. */
export interface Tool {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** How long a call may take, in milliseconds, where the tool says so itself. */
  readonly timeLimitMs?: number;
  /** How many calls of one person may be under way at once on an instance, where the tool limits that. */
  readonly callsAtOnce?: number;
  /** Its entry in `tools/list`, the schemas as JSON Schema. */
  readonly listing: ToolListing;
  /**
   * Checks the arguments, runs the handler, checks its result.
   * @throws ToolError also when the arguments do not fit the input schema
   */
  call(args: unknown, context: ToolContext): Promise<CallToolResult>;
}

/** The longest time limit of a tool: Azure's front end ends an answer after 230 seconds. */
export const LONGEST_TOOL_SECONDS = 200;

const NAME = /^[\w.-]{1,128}$/;

/**
 * Makes a tool of its definition: typed for who writes it, checked at run time for who calls it.
 *
 * @throws RangeError for a name that clients may not send, and for a limit that is out of range
 * @throws TypeError for scopes that are no list, and for a schema that is no object's
 * @example
 * ```ts
 * import { createEntraMcp, defineTool, loadConfig } from 'entra-mcp-functions';
 * import * as z from 'zod';
 *
 * const listReports = defineTool({
 *   name: 'list_reports',
 *   title: 'Reports',
 *   description: 'Lists the reports of the signed-in person.',
 *   scopes: ['reports:read'],
 *   input: z.object({ year: z.int().min(2000) }),
 *   output: z.object({ titles: z.array(z.string()) }),
 *   handler: ({ year }, { person }) => ({ titles: [`${year} of ${person.oid}`] }),
 * });
 *
 * export const mcp = createEntraMcp({
 *   ...loadConfig(process.env),
 *   scopes: { profile: 'See your name', 'reports:read': 'Read your reports' },
 *   tools: [listReports],
 * });
 * ```
 */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output> | ContentToolDefinition<Input>,
): Tool {
  const {
    name,
    title,
    description,
    scopes,
    roles = [],
    icons,
    input,
    output,
    annotations,
    timeLimitSeconds,
    callsAtOnce,
  } = definition;
  if (!NAME.test(name)) {
    throw new RangeError(`The tool name ${JSON.stringify(name)} is not 1 to 128 of A-Z, a-z, 0-9, _, - and .`);
  }
  checkDefinition(name, scopes, output === undefined ? { input } : { input, output });
  if (timeLimitSeconds !== undefined && !(timeLimitSeconds > 0 && timeLimitSeconds <= LONGEST_TOOL_SECONDS)) {
    throw new RangeError(
      `${name}: timeLimitSeconds is ${timeLimitSeconds}. Expected: more than 0, up to ${LONGEST_TOOL_SECONDS}.`,
    );
  }
  if (callsAtOnce !== undefined && !(Number.isSafeInteger(callsAtOnce) && callsAtOnce > 0)) {
    throw new RangeError(`${name}: callsAtOnce is ${callsAtOnce}. Expected: a whole number, 1 or more.`);
  }
  let listing: ToolListing | undefined;
  return {
    name,
    scopes,
    roles,
    ...(timeLimitSeconds === undefined ? {} : { timeLimitMs: timeLimitSeconds * 1000 }),
    ...(callsAtOnce === undefined ? {} : { callsAtOnce }),
    get listing() {
      listing ??= {
        name,
        title,
        description,
        ...(icons ? { icons } : {}),
        inputSchema: jsonSchema(input, 'input'),
        ...(output ? { outputSchema: jsonSchema(output, 'output') } : {}),
        ...(annotations ? { annotations } : {}),
      };
      return listing;
    },
    async call(args, context) {
      const parsed = input.safeParse(args ?? {});
      if (!parsed.success) throw new ToolError(`The arguments do not fit: ${explain(parsed.error)}`);
      const made = await definition.handler(parsed.data, context);
      if (!output) return { content: contentOf(made as ToolContent) };
      const result = output.parse(made);
      // The text is for clients of revisions that know no structured content.
      return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result };
    },
  };
}

function contentOf(content: ToolContent): ContentBlock[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function jsonSchema(schema: z.ZodObject, side: 'input' | 'output') {
  return {
    ...schema['~standard'].jsonSchema[side]({ target: 'draft-2020-12' }),
    type: 'object' as const,
  };
}

/** Each issue with the place where it is. Zod's messages do not repeat the value. */
export function explain(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => (path.length ? `${path.join('.')}: ${message}` : message)).join('; ');
}
