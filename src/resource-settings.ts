import * as z from 'zod';
import { because } from './setting-problems.ts';
import { isBare, isSecure, json, repeated, role } from './setting-values.ts';

/** What the settings of other protected resources look like: servers that verify our tokens, and those behind the gateway. */

/** A scope (RFC 6749 section 3.3), with what it allows in the words of the consent page. */
export interface ScopeWords {
  readonly name: string;
  readonly description: string;
}

/** A server elsewhere that verifies our tokens by itself: one of RESOURCES. */
export interface ExternalResource {
  /** Its URL as the operator wrote it: RFC 8707's `resource`, and the `aud` of its tokens. */
  readonly resource: string;
  readonly name: string;
  readonly scopes: readonly ScopeWords[];
  /** The app roles that its tokens tell of, where the person has them. */
  readonly roles: readonly string[];
}

/** Which tools who may use: tools' names, or beginnings of names with `*` after, by app role; `*` stands for everybody. */
export type ToolsByRole = Readonly<Record<string, readonly string[]>>;

/** Rules for the tools of one upstream; see `access/tool-rules.ts`. */
export interface ToolRules {
  readonly allow?: ToolsByRole | undefined;
  readonly deny?: ToolsByRole | undefined;
}

/** A name that an upstream of the gateway has here, and where it is. */
export interface NamedUpstream {
  readonly name: string;
  /** Canonical, without query: where calls go, and the `aud` of the tokens that it gets. */
  readonly url: string;
}

const scope = z
  .string()
  .refine(
    name => /^[!#-[\]-~]{1,100}$/.test(name),
    because('is not the name of a scope: 1 to 100 characters, no spaces'),
  )
  .refine(name => name !== 'offline_access', because('is no scope of a server: clients stay signed in without it'));
const words = z.string().trim().min(1).max(200);
/** Scopes with their words, by name. */
export const scopeWords = z
  .record(scope, words)
  .refine(all => Object.keys(all).length > 0, because('is empty'))
  .transform(all => Object.entries(all).map(([name, description]): ScopeWords => ({ name, description })));

const externalResource = z.strictObject({
  resource: z.string().superRefine((text, context) => {
    const problem = urlProblem(text);
    if (problem) context.addIssue({ code: 'custom', ...because(problem) });
  }),
  name: words,
  scopes: scopeWords,
  roles: z.array(role).max(100).default([]),
});

export const externalResources: z.ZodType<readonly ExternalResource[], string> = json(
  z.array(externalResource).max(50),
).superRefine((all, context) => {
  for (const twice of repeated(all.map(({ resource }) => resource.replace(/\/$/, '')))) {
    context.addIssue({ code: 'custom', ...because(`${twice} is there twice`) });
  }
});

/** The first steps of this app's own paths, which no upstream can have as its name. */
const OWN_PATHS: ReadonlySet<string> = new Set(['account', 'auth', 'health', 'manage', 'mcp', 'oauth']);

/** `name=https://host/mcp`, several, with commas or spaces between. */
export const gatewayUpstreams: z.ZodType<readonly NamedUpstream[], string> = z.string().transform((text, context) => {
  const all = text.split(/[\s,]+/).filter(Boolean);
  const parsed = all.map(part => {
    const [name = '', ...rest] = part.split('=');
    return { name, url: rest.join('=') };
  });
  const problems = parsed.flatMap((upstream, index) => upstreamProblem(upstream, index + 1) ?? []);
  for (const twice of repeated(parsed.map(({ name }) => name))) problems.push(`the name ${twice} is there twice`);
  if (parsed.length > 50) problems.push('there are more than 50');
  for (const reason of problems) context.addIssue({ code: 'custom', ...because(reason) });
  return parsed;
});

/** @param entry which of all it is, from 1 */
function upstreamProblem({ name, url }: NamedUpstream, entry: number): string | undefined {
  // A URL in the name's place may have a password.
  const isPlain = /^[\w.-]+$/.test(name);
  if (!url) return `${isPlain ? name : `entry ${entry}`} is not of the form name=https://host/path`;
  if (!/^[a-z0-9-]{1,32}$/.test(name))
    return `the name ${isPlain ? name : `of entry ${entry}`} is not 1 to 32 of a-z, 0-9 and -`;
  // The last two are the Functions host's.
  if (OWN_PATHS.has(name) || /^(admin|runtime)/.test(name)) return `the name ${name} is of a path that is taken`;
  const problem = urlProblem(url);
  return problem && `the URL of ${name} ${problem}`;
}

/** The scopes of upstreams, by their names here. */
export const gatewayScopes: z.ZodType<Readonly<Record<string, readonly ScopeWords[]>>, string> = json(
  z.record(z.string(), scopeWords),
);

const toolPattern = z
  .string()
  .refine(
    text => /^(?=.)[^\s*]{0,200}\*?$/.test(text),
    because('is not a tool’s name, nor the beginning of one with * after'),
  );
const toolsByRole = z.record(role, z.array(toolPattern).max(500));
const toolRules = z.strictObject({ allow: toolsByRole.optional(), deny: toolsByRole.optional() });

/** The rules for tools of upstreams, by their names here. */
export const gatewayTools: z.ZodType<Readonly<Record<string, ToolRules>>, string> = json(
  z.record(z.string(), toolRules),
);

/** Why a text cannot name a server: it has to be an absolute URL, written canonically, without query (RFC 8707 section 2). */
function urlProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !isSecure(url)) return 'is not https (http on this machine only)';
  if (!isBare(url) || /[?#]/.test(text)) return 'has a query, a fragment or a user';
  return url.href === text || url.href === `${text}/` ? undefined : `is not written canonically, as ${url.href}`;
}
