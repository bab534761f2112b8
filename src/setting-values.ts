import * as z from 'zod';
import { isLoopbackHost } from './http/loopback.ts';
import { parseCertificate } from './keys/certificate.ts';
import { parseSecrets } from './keys/secret.ts';
import { because } from './setting-problems.ts';

/** What the values of settings look like: a schema each, from the text of the environment to what the app uses. */

export const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const guid = z.string().regex(GUID).toLowerCase();
/** A tenant, or the words that Entra has for many. */
export const tenant = z
  .string()
  .toLowerCase()
  .pipe(z.union([guid, z.enum(['organizations', 'common', 'consumers'])]));
/** Tenants, or a star for all. */
export const tenants = z.union([z.literal('*'), list(guid)]);
export const guids = list(guid);
/** An app role's value, as Entra allows it. */
export const role = z
  .string()
  .refine(
    text => /^[\w!#$%&'()*+\-./:;<=>?@[\]^`{|}~]{1,120}$/.test(text),
    because('is not the value of an app role: 1 to 120 characters, no spaces'),
  );
export const roles = list(role);
/** A page that people can open. */
export const webAddress = z.string().refine(text => /^https?:\/\//.test(text) && URL.canParse(text));
export const onOrOff = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['on', 'off', 'true', 'false']))
  .transform(value => value === 'on' || value === 'true');
export const logLevel = z
  .string()
  .toLowerCase()
  .transform(level => (level === 'warning' ? 'warn' : level))
  .pipe(z.enum(['debug', 'info', 'warn', 'error']));
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** https anywhere, http on loopback only; no path, query, fragment or user. */
export const origin = z
  .string()
  .transform(text => (URL.canParse(text) ? new URL(text) : undefined))
  .refine(url => url !== undefined && isSecure(url) && url.pathname === '/' && isBare(url))
  .transform(url => url?.origin ?? '');
export const origins = z
  .string()
  .transform(text => text.split(',').map(part => part.trim()))
  .pipe(z.array(origin).min(1));
export const serviceUrl = z.string().refine(text => URL.canParse(text) && isSecure(new URL(text)));
export const callbackUrl = z
  .string()
  .transform(text => (URL.canParse(text) ? new URL(text) : undefined))
  .refine(url => url !== undefined && isSecure(url) && url.pathname === '/auth/callback' && isBare(url))
  .transform(url => url?.href ?? '');
export const entraScopes = z
  .string()
  .transform(text => text.split(/\s+/).filter(Boolean))
  .refine(list => list.includes('openid') && list.includes('profile'));

const OPENID_CONNECT = new Set(['openid', 'profile', 'email', 'offline_access']);
const GRAPH = /^https:\/\/(graph\.microsoft\.(com|us)|microsoftgraph\.chinacloudapi\.cn)$/;

/**
 * The APIs that scopes of Entra's belong to: what stands before a scope's last
 * `/`. Those of Microsoft Graph may stand alone, and OpenID Connect's own are of none.
 */
export function apisOf(scopes: readonly string[]): string[] {
  const apis = scopes
    .filter(scope => !OPENID_CONNECT.has(scope))
    .map(scope => scope.slice(0, Math.max(scope.lastIndexOf('/'), 0)))
    .map(api => (api === '' || GRAPH.test(api) ? 'Microsoft Graph' : api));
  return [...new Set(apis)];
}

export const loopbackHost = z.enum(['localhost', '127.0.0.1', '[::1]']);
export const secretKeys = parsedBy(parseSecrets);
export const certificate = parsedBy(parseCertificate);
/** A part of a whole. */
export const fraction = z
  .string()
  .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/)
  .transform(Number);

/** Application Insights' connection string, as far as it is of use. */
export const insightsConnection = z
  .string()
  .transform(pairs)
  .pipe(
    z.object({
      instrumentationkey: guid,
      ingestionendpoint: serviceUrl.transform(url => new URL(url).origin),
      /** What a token for it is asked for, in clouds of their own. */
      aadaudience: serviceUrl.optional(),
    }),
  );
/** How the app proves itself there: always as an identity; the system-assigned one unless another is named. */
export const insightsIdentity = z
  .string()
  .transform(pairs)
  .pipe(z.object({ authorization: z.literal('AAD'), clientid: guid.optional() }));

/** `Name=value;…`, the names in lower case. */
function pairs(text: string): unknown {
  const parts = text.split(';').map(part => part.trim());
  return Object.fromEntries(
    parts.filter(Boolean).map(part => {
      const equals = part.indexOf('=');
      return [part.slice(0, Math.max(equals, 0)).trim().toLowerCase(), part.slice(equals + 1).trim()];
    }),
  );
}

/** Without query, fragment and user. */
export function isBare(url: URL): boolean {
  return !url.search && !url.hash && !url.username && !url.password;
}

/** https, or http to this very machine. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}

/** Host names; `*.example.com` stands for every host below. */
export const hosts = list(
  z
    .string()
    .toLowerCase()
    .regex(/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/),
);

/** URI schemes (RFC 3986 section 3.1) of native clients, without the colon; none that a browser runs or reads itself. */
export const schemes = list(
  z
    .string()
    .toLowerCase()
    .regex(/^[a-z][a-z0-9+.-]{1,60}$/)
    .refine(scheme => !BROWSER_SCHEMES.has(scheme)),
);

/** Schemes that a browser runs or reads itself, so that no client can have them. */
export const BROWSER_SCHEMES: ReadonlySet<string> = new Set(
  'about,blob,data,file,filesystem,ftp,http,https,intent,javascript,mailto,view-source,vbscript,ws,wss'.split(','),
);

/** A client that the operator has registered by hand. */
export interface PreregisteredClient {
  readonly client_id: string;
  readonly client_name?: string | undefined;
  readonly redirect_uris: readonly string[];
  /** SHA-256 of its secret, in base64url; a client without one is public. */
  readonly client_secret_sha256?: string | undefined;
  /** Whether it may introspect tokens for its resource (RFC 7662). */
  readonly introspection: boolean;
  /** The one resource that it gets, or introspects, tokens for; absent: whichever it names, or introspects our own. */
  readonly resource?: string | undefined;
}

const preregisteredClient = z
  .strictObject({
    // Not of the forms that this server gives out, that name a document, or that a person's `sub` has (RFC 9700 section 4.15.1).
    client_id: z
      .string()
      .refine(
        id => /^(?!pc\.|cc\.|landing-page$|[0-9a-f-]{36}\.)[\w.~-]{1,100}$/i.test(id),
        because(
          'is not 1 to 100 of A-Z, a-z, 0-9, ., _, ~ and -, or it is of a form that this server gives out itself',
        ),
      ),
    client_name: z.string().max(200).optional(),
    redirect_uris: z
      .array(z.string().refine(uri => URL.canParse(uri), because('is not a URI')))
      .max(20)
      .default([]),
    client_secret_sha256: z
      .string()
      .refine(hash => /^([\w-]{43}|[0-9a-f]{64})$/i.test(hash), because('is not a SHA-256 in base64url or hex'))
      .transform(hash => (hash.length === 64 ? Buffer.from(hash, 'hex').toString('base64url') : hash))
      .optional(),
    introspection: z.boolean().default(false),
    resource: z.string().optional(),
  })
  .superRefine(({ client_id, redirect_uris, client_secret_sha256, introspection }, context) => {
    const missing = (member: string, why: string) =>
      context.addIssue({ code: 'custom', path: [member], ...because(`is missing: ${client_id} ${why}`) });
    if (introspection && !client_secret_sha256) missing('client_secret_sha256', 'may introspect');
    if (!introspection && redirect_uris.length === 0)
      missing('redirect_uris', 'may not introspect, so it signs people in');
  });

export const preregisteredClients: z.ZodType<readonly PreregisteredClient[], string> = json(
  z.array(preregisteredClient),
).superRefine((clients, context) => {
  for (const twice of repeated(clients.map(({ client_id }) => client_id))) {
    context.addIssue({ code: 'custom', ...because(`two have the same client_id, ${twice}`) });
  }
});

/** Those that are there more than once, each once. */
export function repeated(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, index) => texts.indexOf(text) !== index))];
}

/** JSON of a form. */
export function json<T>(schema: z.ZodType<T>): z.ZodType<T, string> {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch (error) {
        context.addIssue({ code: 'custom', ...because(`it is not JSON${whereOf(error)}`) });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** Where a text stops to be JSON, where the parser tells; never what stands there. */
function whereOf(error: unknown): string {
  const [where] = / at position \d+( \(line \d+ column \d+\))?$/.exec(String(error)) ?? [];
  return where ?? '';
}

/** What a parser makes of the text; its error's message is told. */
function parsedBy<T>(parse: (text: string) => T): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', ...because(error instanceof Error ? error.message : 'it cannot be read') });
      return z.NEVER;
    }
  });
}

/** Values with commas between. */
function list<T extends z.ZodType<string, string>>(value: T) {
  return z
    .string()
    .transform(text => text.split(',').map(part => part.trim()))
    .pipe(z.array(value).min(1));
}
