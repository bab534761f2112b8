import type { GetPromptResult, Icon, Prompt as PromptListing, PromptMessage } from '@modelcontextprotocol/server';
import type * as z from 'zod';
import { checkDefinition } from './check-definition.ts';
import type { Completers } from './completer.ts';
import { explain, type ToolContext, ToolError } from './define-tool.ts';

/** A prompt as one writes it; see {@link definePrompt}. */
export interface PromptDefinition<Args extends z.ZodObject> {
  /** What clients call it by. */
  name: string;
  /** What people see, in a menu or after a slash. */
  title: string;
  description: string;
  /** The scopes that using and completing it need; none: any valid token will do. */
  scopes: readonly string[];
  /** App roles of the registration, one of which the person needs; none: nobody needs any. */
  roles?: readonly string[];
  icons?: Icon[];
  /** The arguments, each of which comes as a text that a person has written. Those that may be missing are optional. */
  args: Args;
  complete?: Completers<Extract<keyof z.output<Args>, string>>;
  /**
   * Drafts the messages; a text alone is one of the person's.
   * @throws ToolError for what the caller can mend; UnavailableError becomes 503; anything else is logged and hidden
   */
  handler(args: z.output<Args>, context: ToolContext): Promise<Draft> | Draft;
}

/** What a prompt gives: a text of the person's, or messages of either side. */
export type Draft = string | PromptMessage[];

/** A prompt as the endpoint sees it, its types checked and forgotten. */
export interface Prompt {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Its entry in `prompts/list`. */
  readonly listing: PromptListing;
  readonly completers: Completers;
  /**
   * Checks the arguments and drafts the messages.
   * @throws ToolError also when the arguments do not fit
   */
  get(args: unknown, context: ToolContext): Promise<GetPromptResult>;
}

/**
 * Makes a prompt of its definition: typed for who writes it, checked at run time for who calls it.
 *
 * @throws TypeError for scopes that are no list, and for arguments that are no object's schema
 * @example
 * ```ts
 * import { definePrompt } from 'entra-mcp-functions';
 * import * as z from 'zod';
 *
 * export const introduceMe = definePrompt({
 *   name: 'introduce_me',
 *   title: 'Introduce me',
 *   description: 'Asks for an introduction of the signed-in person.',
 *   scopes: ['profile'],
 *   args: z.object({ tone: z.enum(['formal', 'friendly']).default('friendly') }),
 *   handler: ({ tone }, { person }) => `Write a ${tone} introduction of ${person.name ?? 'me'}.`,
 * });
 * ```
 */
export function definePrompt<Args extends z.ZodObject>(definition: PromptDefinition<Args>): Prompt {
  const { name, title, description, scopes, roles = [], icons, args: schema, complete = {} } = definition;
  checkDefinition(name, scopes, { args: schema });
  let listing: PromptListing | undefined;
  return {
    name,
    scopes,
    roles,
    completers: complete,
    get listing() {
      listing ??= { name, title, description, ...(icons && { icons }), arguments: argumentsOf(schema) };
      return listing;
    },
    async get(args, context) {
      const parsed = schema.safeParse(args ?? {});
      if (!parsed.success) throw new ToolError(`The arguments do not fit: ${explain(parsed.error)}`);
      const draft = await definition.handler(parsed.data, context);
      const messages =
        typeof draft === 'string'
          ? [{ role: 'user' as const, content: { type: 'text' as const, text: draft } }]
          : draft;
      return { description, messages };
    },
  };
}

function argumentsOf(schema: z.ZodObject): NonNullable<PromptListing['arguments']> {
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => ({
    name,
    ...(field.meta()?.title && { title: field.meta()?.title }),
    ...(field.description && { description: field.description }),
    required: !field.safeParse(undefined).success,
  }));
}
