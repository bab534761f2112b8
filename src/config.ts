import * as z from 'zod';
import { parseSecrets, type Secret } from './keys/secret.ts';
import type { LogLevel } from './log.ts';

/**
 * The app's settings: each with its name as people know it, what it takes, an
 * example and its default. {@link loadConfig} reads them all at once and reports
 * every problem together.
 */

export interface Config {
  /** The public origin: the issuer of our tokens. No slash at its end. */
  readonly origin: string;
  /** Whether that origin is this very machine. */
  readonly onLoopback: boolean;
  /** The MCP endpoint's URL: the audience of our tokens. */
  readonly resource: string;
  readonly entra: {
    readonly tenantId: string;
    readonly clientId: string;
    readonly clientSecret?: string;
    readonly authorityHost: string;
    readonly redirectUri: string;
    readonly scopes: readonly string[];
  };
  readonly storage: { connectionString: string } | { tableServiceUri: string; managedIdentityClientId?: string };
  /** Absent on loopback only: then a key is made and kept in storage. */
  readonly secrets?: readonly [Secret, ...Secret[]];
  readonly tokenExpirySeconds: number;
  readonly refreshRetrySeconds: number;
  readonly notesPerPerson: number;
  readonly scriptTokens: boolean;
  readonly allowedOrigins?: readonly string[];
  readonly httpStreaming: boolean;
  readonly logLevel: LogLevel;
}

export interface Setting {
  readonly name: string;
  /** What the setting is for, in one sentence. */
  readonly about: string;
  /** What a value must look like. */
  readonly expected: string;
  /** A value that shows the form; never a usable secret. */
  readonly example: string;
  /** In words, for the settings table. */
  readonly fallback?: string;
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAKE_A_KEY = `node -e "console.log(require('crypto').randomBytes(32).toString('base64url'))"`;

/** Every setting that the app reads; README's table and local.settings.example.json are held against this list. */
export const SETTINGS = [
  {
    name: 'AUTH_TENANT_ID',
    about: 'The Entra tenant whose people may sign in.',
    expected: 'a tenant ID (GUID)',
    example: '11111111-2222-3333-4444-555555555555',
    fallback: 'required; the local stand-in has its own',
  },
  {
    name: 'AUTH_CLIENT_ID',
    about: 'The app registration.',
    expected: 'an application (client) ID (GUID)',
    example: '66666666-7777-8888-9999-000000000000',
    fallback: 'required; the local stand-in has its own',
  },
  {
    name: 'AUTH_CLIENT_SECRET',
    about: 'The app registration’s client secret. Without one the app is a public client, with PKCE alone.',
    expected: 'a client secret’s value',
    example: '<the secret’s value, not its ID>',
    fallback: 'none',
  },
  {
    name: 'AUTH_REDIRECT_URI',
    about: 'Where Entra sends people back. Its origin is the app’s public origin and the issuer of its tokens.',
    expected: 'an https URL that ends in /auth/callback (http on localhost only)',
    example: 'https://contoso-mcp.azurewebsites.net/auth/callback',
    fallback: 'http://SERVER_HOST:SERVER_PORT/auth/callback on a laptop; required in Azure',
  },
  {
    name: 'AUTH_SCOPES',
    about: 'What the app asks of Entra at sign-in.',
    expected: 'scopes with spaces between, openid and profile among them',
    example: 'openid profile email',
    fallback: 'openid profile email',
  },
  {
    name: 'AUTH_AUTHORITY_HOST',
    about: 'Entra’s address: another one for sovereign clouds and for the local stand-in.',
    expected: 'an https origin without a path (http on localhost only)',
    example: 'https://login.microsoftonline.us',
    fallback: 'https://login.microsoftonline.com',
  },
  {
    name: 'JWT_SECRET_KEY',
    about: 'The one secret; every key of the app is derived from it. Several values with commas between rotate it.',
    expected: `base64url or hex of at least 32 random bytes; make one with: ${MAKE_A_KEY}`,
    example: '<32 random bytes in base64url>',
    fallback: 'made and kept in storage on a laptop; required elsewhere',
  },
  {
    name: 'TOKEN_EXPIRY_SECONDS',
    about: 'How long an access token lives. Several clients renew at every request below 5 minutes.',
    expected: 'a whole number from 60 to 86400',
    example: '3600',
    fallback: '3600',
  },
  {
    name: 'REFRESH_RETRY_SECONDS',
    about: 'How long a spent refresh token still gets its successor again, for answers lost on the way.',
    expected: 'a whole number from 0 to 300',
    example: '30',
    fallback: '30',
  },
  {
    name: 'ALLOWED_ORIGINS',
    about: 'The web origins whose pages may call /mcp.',
    expected: 'origins with commas between',
    example: 'https://app.contoso.com,https://chat.contoso.com',
    fallback: 'any https origin; on a laptop any loopback origin',
  },
  {
    name: 'NOTES_PER_PERSON',
    about: 'How many notes a person may keep.',
    expected: 'a whole number from 1 to 65536',
    example: '10000',
    fallback: '10000',
  },
  {
    name: 'SCRIPT_TOKENS',
    about: 'Whether the landing page gives a signed-in person a token for scripts.',
    expected: 'on or off',
    example: 'off',
    fallback: 'on',
  },
  {
    name: 'HTTP_STREAMING',
    about: 'Whether the Functions host streams. When off, bodies sent in chunks are refused with 411.',
    expected: 'on or off',
    example: 'off',
    fallback: 'on',
  },
  {
    name: 'SERVER_HOST',
    about: 'The local host’s name; in Azure without meaning.',
    expected: 'localhost or a loopback address',
    example: 'localhost',
    fallback: 'localhost',
  },
  {
    name: 'SERVER_PORT',
    about: 'The local host’s port; in Azure without meaning.',
    expected: 'a port from 1 to 65535',
    example: '7071',
    fallback: '7071',
  },
  {
    name: 'LOG_LEVEL',
    about: 'The least important lines that are logged. DEBUG shows each step of a sign-in, without its secrets.',
    expected: 'DEBUG, INFO, WARN or ERROR, in any case',
    example: 'DEBUG',
    fallback: 'INFO',
  },
  {
    name: 'AzureWebJobsStorage',
    about: 'The storage account, as a connection string.',
    expected: 'a connection string with a table endpoint, or UseDevelopmentStorage=true',
    example: 'UseDevelopmentStorage=true',
    fallback: 'this or the next is required; npm start brings an emulator',
  },
  {
    name: 'AzureWebJobsStorage__tableServiceUri',
    about: 'The table service, reached with the app’s managed identity instead of a connection string.',
    expected: 'an https URL',
    example: 'https://contoso.table.core.windows.net',
    fallback: 'none',
  },
  {
    name: 'AzureWebJobsStorage__clientId',
    about: 'The user-assigned managed identity for the table service.',
    expected: 'a client ID (GUID)',
    example: '66666666-7777-8888-9999-000000000000',
    fallback: 'the system-assigned identity',
  },
] as const satisfies readonly Setting[];

type SettingName = (typeof SETTINGS)[number]['name'];

/** Settings that are missing or wrong: all of them, each with what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The settings have ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map(p => `  - ${p}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

export interface LoadedConfig {
  readonly config: Config;
  /** Said once at start: settings that have no meaning, and the like. */
  readonly warnings: readonly string[];
}

/**
 * Reads the settings.
 *
 * @param environment usually `process.env`; an empty value counts as absent
 * @throws ConfigError with every problem at once
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): LoadedConfig {
  const problems: string[] = [];
  const value = (name: string) => environment[name]?.trim() || undefined;

  function report(name: SettingName, what: string): void {
    const setting: Setting | undefined = SETTINGS.find(each => each.name === name);
    problems.push(`${name} ${what}. Expected: ${setting?.expected}. Example: ${setting?.example}`);
  }

  /** The parsed setting; `undefined` when absent, or when it is wrong, which is then reported. */
  function read<T>(name: SettingName, schema: z.ZodType<T, string>): T | undefined {
    const text = value(name);
    if (text === undefined) return undefined;
    const result = schema.safeParse(text);
    if (!result.success) report(name, 'is not valid');
    return result.data;
  }

  function need<T>(name: SettingName, schema: z.ZodType<T, string>): T | undefined {
    if (value(name) === undefined) report(name, 'is missing');
    return read(name, schema);
  }

  const tenantId = need('AUTH_TENANT_ID', guid);
  const clientId = need('AUTH_CLIENT_ID', guid);
  const clientSecret = value('AUTH_CLIENT_SECRET');
  const authorityHost = read('AUTH_AUTHORITY_HOST', origin) ?? 'https://login.microsoftonline.com';
  const scopes = read('AUTH_SCOPES', entraScopes) ?? ['openid', 'profile', 'email'];

  const host = read('SERVER_HOST', loopbackHost) ?? 'localhost';
  const port = read('SERVER_PORT', wholeNumber(1, 65_535)) ?? 7071;
  const inAzure = value('WEBSITE_SITE_NAME') !== undefined;
  if (inAzure && !value('AUTH_REDIRECT_URI')) report('AUTH_REDIRECT_URI', 'is missing');
  const redirectUri = read('AUTH_REDIRECT_URI', callbackUrl) ?? `http://${host}:${port}/auth/callback`;
  const publicOrigin = new URL(redirectUri).origin;
  const onLoopback = isLoopbackOrigin(publicOrigin);

  const secrets = read('JWT_SECRET_KEY', secretKeys);
  if (!value('JWT_SECRET_KEY') && !onLoopback) report('JWT_SECRET_KEY', 'is missing');

  const connectionString = value('AzureWebJobsStorage');
  const tableServiceUri = read('AzureWebJobsStorage__tableServiceUri', serviceUrl);
  const identity = read('AzureWebJobsStorage__clientId', guid);
  if (!connectionString && !value('AzureWebJobsStorage__tableServiceUri')) report('AzureWebJobsStorage', 'is missing');
  if (connectionString && !isConnectionString(connectionString)) report('AzureWebJobsStorage', 'is not valid');

  const rest = {
    tokenExpirySeconds: read('TOKEN_EXPIRY_SECONDS', wholeNumber(60, 86_400)) ?? 3600,
    refreshRetrySeconds: read('REFRESH_RETRY_SECONDS', wholeNumber(0, 300)) ?? 30,
    notesPerPerson: read('NOTES_PER_PERSON', wholeNumber(1, 65_536)) ?? 10_000,
    scriptTokens: read('SCRIPT_TOKENS', onOrOff) ?? true,
    httpStreaming: read('HTTP_STREAMING', onOrOff) ?? true,
    logLevel: read('LOG_LEVEL', logLevel) ?? 'info',
  };
  const allowedOrigins = read('ALLOWED_ORIGINS', origins);

  if (problems.length > 0 || !tenantId || !clientId) throw new ConfigError(problems);

  const config: Config = {
    origin: publicOrigin,
    onLoopback,
    resource: `${publicOrigin}/mcp`,
    entra: { tenantId, clientId, authorityHost, redirectUri, scopes, ...(clientSecret ? { clientSecret } : {}) },
    storage: tableServiceUri
      ? { tableServiceUri, ...(identity ? { managedIdentityClientId: identity } : {}) }
      : { connectionString: connectionString ?? '' },
    ...(secrets ? { secrets } : {}),
    ...(allowedOrigins ? { allowedOrigins } : {}),
    ...rest,
  };
  return { config: deepFreeze(config), warnings: warningsFor(environment) };
}

/** Whether an origin names this very machine (RFC 8252 section 7.3, and `localhost`). */
export function isLoopbackOrigin(origin: string): boolean {
  return isLoopbackHost(new URL(origin).hostname);
}

/** Whether a URL's host name is this very machine. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}

const guid = z.string().regex(GUID).toLowerCase();
const onOrOff = z.enum(['on', 'off', 'true', 'false', 'ON', 'OFF']).transform(v => ['on', 'true', 'ON'].includes(v));
const logLevel = z
  .string()
  .toLowerCase()
  .transform(level => (level === 'warning' ? 'warn' : level))
  .pipe(z.enum(['debug', 'info', 'warn', 'error']));
const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** https anywhere, http on loopback only; no path, query, fragment or user. */
const origin = z
  .string()
  .transform(text => (URL.canParse(text) ? new URL(text) : undefined))
  .refine(
    url => url !== undefined && isSecure(url) && url.pathname === '/' && !url.search && !url.hash && !url.username,
  )
  .transform(url => url?.origin ?? '');
const origins = z
  .string()
  .transform(text => text.split(',').map(part => part.trim()))
  .pipe(z.array(origin).min(1));
const serviceUrl = z.string().refine(text => URL.canParse(text) && isSecure(new URL(text)));
const callbackUrl = z.string().refine(text => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return isSecure(url) && url.pathname === '/auth/callback' && !url.search && !url.hash && !url.username;
});
const entraScopes = z
  .string()
  .transform(text => text.split(/\s+/).filter(Boolean))
  .refine(list => list.includes('openid') && list.includes('profile'));
const loopbackHost = z.enum(['localhost', '127.0.0.1', '[::1]']);
const secretKeys = z.string().transform((text, context) => {
  try {
    return parseSecrets(text);
  } catch {
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  }
});

function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}

function isConnectionString(text: string): boolean {
  return /^UseDevelopmentStorage=true;?$/i.test(text) || /(^|;)(AccountName|TableEndpoint)=/i.test(text);
}

function warningsFor(environment: Readonly<Record<string, string | undefined>>): string[] {
  const warnings: string[] = [];
  if (environment.AUTH_SERVER_PORT) {
    warnings.push('AUTH_SERVER_PORT has no meaning: sign-in and MCP are one server, and its port is SERVER_PORT.');
  }
  return warnings;
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) {
    for (const each of Object.values(value)) deepFreeze(each);
    Object.freeze(value);
  }
  return value;
}
