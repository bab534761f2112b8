import type {
  Annotations,
  Icon,
  ReadResourceResult,
  Resource as ResourceListing,
  ResourceTemplateType as TemplateListing,
} from '@modelcontextprotocol/server';
import { checkDefinition } from './check-definition.ts';
import { checkUri } from './check-uri.ts';
import type { Completers } from './completer.ts';
import type { ToolContext } from './define-tool.ts';
import type { Template } from './uri-template.ts';

/** A resource, or a template of many, as one writes it; see {@link defineResource}. */
export interface ResourceDefinition<Uri extends string> {
  /** Its absolute URI (RFC 3986); or a template (RFC 6570) for many of a kind, such as `note://{id}`. */
  uri: Uri;
  /** What programs call it by. */
  name: string;
  /** What people see. */
  title: string;
  description: string;
  mimeType: string;
  /** The scopes that reading and completing need; it is left out of the lists for a token without them. */
  scopes: readonly string[];
  /** App roles of the registration, one of which the person needs; none: nobody needs any. */
  roles?: readonly string[];
  icons?: Icon[];
  annotations?: Annotations;
  /**
   * Of a template: one page of what is there, for `resources/list`.
   * @param page.cursor the `cursor` of the page before; it travels sealed, so it is our own
   * @param page.limit how many at most
   */
  list?(
    page: { cursor: string | undefined; limit: number },
    context: ToolContext,
  ): Promise<ResourcePage<Uri>> | ResourcePage<Uri>;
  /** Of a template: completes its variables. */
  complete?: Completers<VariableOf<Uri>>;
  /**
   * Gives the content: text, or bytes, or `undefined` when there is no such thing.
   * @param variables those of the template, decoded; nothing else about them is checked
   * @throws ToolError for what the caller can mend; UnavailableError becomes 503; anything else is logged and hidden
   */
  read(
    variables: Readonly<Record<VariableOf<Uri>, string>>,
    context: ToolContext,
  ): Promise<ResourceContent> | ResourceContent;
}

/** What a resource gives: text, bytes, or `undefined` for what is not there. */
export type ResourceContent = string | Uint8Array | undefined;

/** One page of what a template leads to. */
export interface ResourcePage<Uri extends string> {
  resources: readonly {
    /** What the URI is made of. */
    variables: Readonly<Record<VariableOf<Uri>, string>>;
    name: string;
    title?: string;
    description?: string;
    /** In bytes. */
    size?: number;
    /** Milliseconds since the epoch. */
    lastModified?: number;
  }[];
  /** Where the next page begins, in terms of the lister alone; absent on the last one. */
  cursor?: string | undefined;
}

/** A resource, or a template of many, as the endpoint sees it, its types checked and forgotten. */
export interface Resource {
  readonly name: string;
  readonly uri: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Its entry in `resources/list`, or in `resources/templates/list`. */
  readonly listing: ResourceListing | TemplateListing;
  readonly isTemplate: boolean;
  readonly completers: Completers;
  /** The variables of a URI of this template; `undefined` for any other. What is no template has none. */
  match(uri: string): Promise<Record<string, string> | undefined>;
  /** One page of what a template leads to; none for what is no template, or cannot be listed. */
  list(
    page: { cursor: string | undefined; limit: number },
    context: ToolContext,
  ): Promise<{ resources: ResourceListing[]; cursor?: string }>;
  /** @returns `undefined` when there is no such thing */
  read(uri: string, variables: Record<string, string>, context: ToolContext): Promise<ReadResourceResult | undefined>;
}

/**
 * Makes a resource of its definition: typed by the variables of its template for who writes it.
 * @throws RangeError for what is neither a URI nor a template of one, and for a template with more than two variables that
 *   nothing beside them ends
 * @throws TypeError for scopes that are no list
 *
 * @example
 * ```ts
 * import { defineResource } from 'entra-mcp-functions';
 *
 * const teams: Record<string, string> = { blue: 'Ada, Grace', red: 'Alan' };
 *
 * export const team = defineResource({
 *   uri: 'team://{color}',
 *   name: 'team',
 *   title: 'Team',
 *   description: 'Who is in a team',
 *   mimeType: 'text/plain',
 *   scopes: [],
 *   complete: { color: Object.keys(teams) },
 *   read: ({ color }) => teams[color],
 * });
 * ```
 */
export function defineResource<const Uri extends string>(definition: ResourceDefinition<Uri>): Resource {
  const { uri, name, title, description, mimeType, scopes, roles = [], icons, annotations, complete = {} } = definition;
  const isTemplate = uri.includes('{');
  checkUri(uri);
  checkDefinition(name, scopes);
  let loaded: Promise<Template> | undefined;
  const template = () => {
    loaded ??= import('./uri-template.ts').then(({ createTemplate }) => createTemplate(uri));
    return loaded;
  };
  const more = { title, description, mimeType, ...(icons && { icons }), ...(annotations && { annotations }) };
  return {
    name,
    uri,
    scopes,
    roles,
    listing: isTemplate ? { uriTemplate: uri, name, ...more } : { uri, name, ...more },
    isTemplate,
    completers: complete,

    async match(wanted) {
      if (!isTemplate) return wanted === uri ? {} : undefined;
      return (await template()).match(wanted);
    },

    async list(page, context) {
      if (!definition.list) return { resources: [] };
      const [{ expand }, { resources, cursor }] = await Promise.all([template(), definition.list(page, context)]);
      return {
        resources: resources.map(({ variables, lastModified, ...rest }) => ({
          uri: expand(variables),
          mimeType,
          ...(icons && { icons }),
          ...rest,
          ...(lastModified !== undefined && { annotations: { lastModified: new Date(lastModified).toISOString() } }),
        })),
        ...(cursor !== undefined && { cursor }),
      };
    },

    async read(wanted, variables, context) {
      const content = await definition.read(variables as Record<VariableOf<Uri>, string>, context);
      if (content === undefined) return undefined;
      const body = typeof content === 'string' ? { text: content } : { blob: Buffer.from(content).toString('base64') };
      return { contents: [{ uri: wanted, mimeType, ...body }] };
    },
  };
}

/** The names of a template's variables: `'a' | 'b'` of `x://{a}/{?b*}`. */
export type VariableOf<Uri extends string> = Uri extends `${string}{${infer Expression}}${infer Rest}`
  ? NamesOf<Expression> | VariableOf<Rest>
  : never;

type NamesOf<Expression extends string> = Expression extends `${'+' | '#' | '.' | '/' | '?' | '&'}${infer Names}`
  ? Listed<Names>
  : Listed<Expression>;

type Listed<Names extends string> = Names extends `${infer First},${infer Rest}`
  ? Bare<First> | Listed<Rest>
  : Bare<Names>;

type Bare<Name extends string> = Name extends `${infer Without}*` ? Without : Name;
