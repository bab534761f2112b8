import type * as z from 'zod';
import { isLoopbackOrigin } from './http/loopback.ts';
import type { Certificate } from './keys/certificate.ts';
import type { Secret } from './keys/secret.ts';
import type { LogLevel } from './log.ts';
import {
  type ExternalResource,
  externalResources,
  gatewayScopes,
  gatewayTools,
  gatewayUpstreams,
  type NamedUpstream,
  type ScopeWords,
  type ToolRules,
} from './resource-settings.ts';
import { problemsOf } from './setting-problems.ts';
import {
  apisOf,
  callbackUrl,
  certificate,
  entraScopes,
  fraction,
  GUID,
  guid,
  guids,
  hosts,
  insightsConnection,
  insightsIdentity,
  logLevel,
  loopbackHost,
  onOrOff,
  origin,
  origins,
  type PreregisteredClient,
  preregisteredClients,
  repeated,
  roles,
  schemes,
  secretKeys,
  serviceUrl,
  tenant,
  tenants,
  webAddress,
  wholeNumber,
} from './setting-values.ts';
import { warningsFor } from './setting-warnings.ts';
import { SETTINGS, type Setting, type SettingName } from './settings.ts';

/** The settings of `settings.ts`, read from the environment: all at once, with every problem reported together. */

/** What REFRESH_MAX_SECONDS may be at the most: five years. */
export const MOST_REFRESH_MAX_SECONDS = 157_680_000;

/** How this app proves itself to Entra. */
export type EntraCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'managed identity'; readonly clientId: string };

/** An MCP server of somebody else's that this app serves at `/NAME/mcp`. */
export interface GatewayUpstream extends NamedUpstream {
  /** Its URL here: what clients connect to, and the audience of their tokens. */
  readonly resource: string;
  readonly scopes: readonly ScopeWords[];
  readonly tools: ToolRules;
}

/** The settings, checked and in the form in which they are used; that of {@link loadConfig}. */
export interface Config {
  /** The public origin: the issuer of our tokens. No slash at its end. */
  readonly origin: string;
  /** Whether that origin is this very machine. */
  readonly onLoopback: boolean;
  /** The MCP endpoint's URL: the audience of our tokens. */
  readonly resource: string;
  readonly entra: {
    /** A GUID, or `organizations`, `common`, `consumers`. */
    readonly tenantId: string;
    /** Whose people are let in where that names many. */
    readonly allowedTenants?: '*' | readonly string[];
    readonly clientId: string;
    readonly credential: EntraCredential;
    readonly authorityHost: string;
    readonly redirectUri: string;
    /** Whose people may be administrators. */
    readonly adminTenants: readonly string[];
    /** Who of them may enter. */
    readonly entry: {
      readonly requiredRoles: readonly string[];
      readonly allowedGroups: readonly string[];
      readonly helpUrl?: string;
    };
    /** For how long a renewal goes on while Entra cannot be reached. */
    readonly offlineGraceSeconds: number;
    readonly scopes: readonly string[];
  };
  readonly storage: { connectionString: string } | { tableServiceUri: string; managedIdentityClientId?: string };
  /** Absent on loopback only: then a key is made and kept in storage. */
  readonly secrets?: readonly [Secret, ...Secret[]];
  readonly tokenExpirySeconds: number;
  readonly refreshRetrySeconds: number;
  readonly refreshIdleSeconds: number;
  readonly refreshMaxSeconds: number;
  readonly clients: {
    /** Whether clients may register themselves. */
    readonly registration: boolean;
    /** Whether a client may be named by the URL of its metadata document. */
    readonly documents: boolean;
    /** Hosts of documents; absent: every public one. */
    readonly allowlist?: readonly string[];
    readonly denylist: readonly string[];
    readonly preregistered: readonly PreregisteredClient[];
    /** Besides the known ones, without the colon. */
    readonly privateUseSchemes: readonly string[];
  };
  /** Servers elsewhere that verify our tokens by themselves. */
  readonly resources: readonly ExternalResource[];
  /** Servers that are reached through this app. */
  readonly gateway: {
    readonly upstreams: readonly GatewayUpstream[];
    /** How long an upstream may take until it begins to answer. */
    readonly timeoutSeconds: number;
    /** How large a request to an upstream may be, and what it answers: of a stream, each event, and all of it 16 times that. */
    readonly maxBytes: number;
  };
  /** MCP requests a minute, a person and an instance; 0 for no limit. */
  readonly mcpRateLimit: number;
  /** Of a call of a tool. */
  readonly toolTimeoutSeconds: number;
  /** Which entry of `X-Forwarded-For` counts, from the end; 0 for none. */
  readonly trustedProxyHops: number;
  readonly notesPerPerson: number;
  /** How long audit events are kept. */
  readonly auditRetentionDays: number;
  readonly scriptTokens: boolean;
  readonly allowedOrigins?: readonly string[];
  readonly httpStreaming: boolean;
  readonly logLevel: LogLevel;
  /** Where what operators see goes; absent: nowhere. */
  readonly telemetry?: {
    readonly instrumentationKey: string;
    /** Application Insights' origin. */
    readonly endpoint: string;
    /** The identity that sends; absent where anybody may. */
    readonly identity?: { readonly clientId?: string; readonly audience?: string };
    /** What part of all traces is kept, from 0 to 1. */
    readonly sampling: number;
    /** What this app is called there. */
    readonly role: string;
  };
}

/**
 * Settings that are missing or wrong: all of them, each with what was expected.
 *
 * @example
 * ```ts
 * import { ConfigError, loadConfig } from 'entra-mcp-functions';
 *
 * try {
 *   loadConfig({ LOG_LEVEL: 'loud' });
 * } catch (error) {
 *   if (error instanceof ConfigError) console.error(error.problems.join('\n'));
 * }
 * ```
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  /** @param warnings are told with the problems, for one may explain another */
  constructor(problems: readonly string[], warnings: readonly string[] = []) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    const lines = [...problems, ...warnings.map(warning => `Note: ${warning}`)].map(line => `  - ${line}`);
    super(`The settings have ${count}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/** What {@link loadConfig} made of an environment. */
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
 * @example
 * ```ts
 * import { loadConfig } from 'entra-mcp-functions';
 *
 * const { config, warnings } = loadConfig(process.env);
 * console.log(config.resource, warnings);
 * ```
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): LoadedConfig {
  const problems: string[] = [];
  const warnings: string[] = [];
  const value = (name: string) => environment[name]?.trim() || undefined;

  function report(name: SettingName, what: string): void {
    const setting: Setting | undefined = SETTINGS.find(each => each.name === name);
    problems.push(`${name} ${what}. Expected: ${setting?.expected}. Example: ${setting?.example}`);
  }

  /** The parsed setting; `undefined` when absent, or when it is wrong, which is then reported. */
  function read<T>(name: SettingName, schema: z.ZodType<T, string>): T | undefined {
    const text = value(name);
    if (text === undefined) return undefined;
    const result = schema.safeParse(text, { reportInput: true });
    if (result.success) return result.data;
    const reasons = problemsOf(name, result.error);
    report(name, reasons.length > 0 ? `is not valid (${reasons.join('; ')})` : 'is not valid');
    return undefined;
  }

  /** Whether something is wrong with a setting, so that others cannot be held against it. */
  const isWrong = (name: SettingName) => problems.some(problem => problem.startsWith(`${name} `));

  function need<T>(name: SettingName, schema: z.ZodType<T, string>): T | undefined {
    if (value(name) === undefined) report(name, 'is missing');
    return read(name, schema);
  }

  /** One credential or none: with two it would be anybody's guess which is used. */
  function readCredential(): EntraCredential {
    const secret = value('AUTH_CLIENT_SECRET');
    const pem = read('AUTH_CLIENT_CERTIFICATE', certificate);
    const identity = read('AUTH_MANAGED_IDENTITY_CLIENT_ID', guid);
    const given = CREDENTIALS.filter(value);
    const [first, second] = given;
    if (first && second) report(second, `is set beside ${first}: one credential has to go`);
    if (secret) return { kind: 'secret', secret };
    if (pem) return { kind: 'certificate', certificate: pem };
    return identity ? { kind: 'managed identity', clientId: identity } : { kind: 'none' };
  }

  function readTelemetry(): Config['telemetry'] {
    const connection = read('APPLICATIONINSIGHTS_CONNECTION_STRING', insightsConnection);
    const identity = read('APPLICATIONINSIGHTS_AUTHENTICATION_STRING', insightsIdentity);
    const sampling = read('TELEMETRY_SAMPLING', fraction) ?? 1;
    if (!connection) return undefined;
    const { instrumentationkey: instrumentationKey, ingestionendpoint: endpoint, aadaudience: audience } = connection;
    const clientId = identity?.clientid;
    return {
      instrumentationKey,
      endpoint,
      ...(identity ? { identity: { ...(clientId ? { clientId } : {}), ...(audience ? { audience } : {}) } } : {}),
      sampling,
      // As the host calls it, so that both are seen as one.
      role: value('WEBSITE_SITE_NAME')?.toLowerCase() ?? 'entra-mcp',
    };
  }

  /** Entra gives a token for one API at a time (AADSTS28000), and a sign-in asks for one. */
  function checkOneApi(): void {
    const lookedUp = entry.allowedGroups.length > 0 ? ['User.Read'] : [];
    const apis = apisOf([...scopes, ...lookedUp]);
    if (apis.length <= 1) return;
    const why = lookedUp.length > 0 ? ' (AUTH_ALLOWED_GROUPS asks for User.Read of Microsoft Graph)' : '';
    report('AUTH_SCOPES', `names scopes of ${apis.join(' and of ')}, and a sign-in can ask for those of one${why}`);
  }

  /** A laptop's servers are no matter of an app that others reach. */
  function checkPlace(name: SettingName, url: string): void {
    const { origin, protocol } = new URL(url);
    if (origin === publicOrigin) report(name, `names ${url}, which is at this app itself`);
    if (protocol === 'http:' && !onLoopback) report(name, `names ${url}, which has to be https`);
  }

  function readResources(): readonly ExternalResource[] {
    const all = read('RESOURCES', externalResources) ?? [];
    for (const { resource } of all) checkPlace('RESOURCES', resource);
    return all;
  }

  /** A server that is named twice takes tokens by two rules: who reaches it past the gateway needs no tool's permission. */
  function checkOnce(urls: readonly string[]): void {
    const twice = repeated(urls.map(url => url.replace(/\/$/, '')));
    if (twice.length === 0) return;
    warnings.push(
      `GATEWAY_UPSTREAMS names a server that it or RESOURCES names too: ${twice.join(', ')}. GATEWAY_TOOLS does not count for who reaches it by the other way.`,
    );
  }

  function readGateway(): Config['gateway'] {
    const named = read('GATEWAY_UPSTREAMS', gatewayUpstreams) ?? [];
    const scopes = new Map(Object.entries(read('GATEWAY_SCOPES', gatewayScopes) ?? {}));
    const tools = new Map(Object.entries(read('GATEWAY_TOOLS', gatewayTools) ?? {}));
    for (const { url } of named) checkPlace('GATEWAY_UPSTREAMS', url);
    const isNamed = (name: string) => named.some(upstream => upstream.name === name);
    for (const [setting, value] of [['GATEWAY_SCOPES', scopes] as const, ['GATEWAY_TOOLS', tools] as const]) {
      const strangers = [...value.keys()].filter(name => !isNamed(name));
      if (strangers.length === 0 || isWrong('GATEWAY_UPSTREAMS')) continue;
      report(setting, `names what GATEWAY_UPSTREAMS does not: ${strangers.join(', ')}`);
    }
    const gateway = {
      upstreams: named.map(({ name, url }) => ({
        name,
        url,
        resource: `${publicOrigin}/${name}/mcp`,
        scopes: scopes.get(name) ?? [{ name: `${name}:use`, description: `Use the tools of “${name}” for you` }],
        tools: tools.get(name) ?? {},
      })),
      timeoutSeconds: read('GATEWAY_TIMEOUT_SECONDS', wholeNumber(1, 200)) ?? GATEWAY.timeoutSeconds,
      maxBytes: read('GATEWAY_MAX_BYTES', wholeNumber(1024, 100_000_000)) ?? GATEWAY.maxBytes,
    };
    if (!value('GATEWAY_UPSTREAMS')) warnOfIdle(gateway);
    return gateway;
  }

  /** What is set as it would be anyway, as in a file with all settings, deceives nobody. */
  function warnOfIdle({ timeoutSeconds, maxBytes }: typeof GATEWAY): void {
    const idle = {
      GATEWAY_SCOPES: value('GATEWAY_SCOPES') !== undefined,
      GATEWAY_TOOLS: value('GATEWAY_TOOLS') !== undefined,
      GATEWAY_TIMEOUT_SECONDS: timeoutSeconds !== GATEWAY.timeoutSeconds,
      GATEWAY_MAX_BYTES: maxBytes !== GATEWAY.maxBytes,
    };
    for (const [name, isIdle] of Object.entries(idle)) {
      if (isIdle) warnings.push(`${name} has no meaning: GATEWAY_UPSTREAMS names no server.`);
    }
  }

  /** A client is bound to a resource that there is; who only introspects may be a server behind the gateway. */
  function checkBound(clients: readonly PreregisteredClient[], known: readonly string[], upstreams: readonly string[]) {
    for (const { client_id, resource, redirect_uris } of clients) {
      const possible = redirect_uris.length > 0 ? known : [...known, ...upstreams];
      if (resource === undefined || possible.includes(resource)) continue;
      report('PREREGISTERED_CLIENTS', `binds ${client_id} to ${resource}, which is none of ${possible.join(', ')}`);
    }
  }

  const tenantId = need('AUTH_TENANT_ID', tenant);
  const allowedTenants = read('AUTH_ALLOWED_TENANTS', tenants);
  if (tenantId && !GUID.test(tenantId) && !value('AUTH_ALLOWED_TENANTS')) {
    report('AUTH_ALLOWED_TENANTS', `is missing, and AUTH_TENANT_ID=${tenantId} lets people of every tenant ask`);
  }
  if (tenantId && GUID.test(tenantId) && allowedTenants) {
    warnings.push('AUTH_ALLOWED_TENANTS has no meaning: AUTH_TENANT_ID names one tenant.');
  }
  const clientId = need('AUTH_CLIENT_ID', guid);
  const credential = readCredential();
  const helpUrl = read('AUTH_HELP_URL', webAddress);
  const entry = {
    requiredRoles: read('AUTH_REQUIRED_ROLES', roles) ?? [],
    allowedGroups: read('AUTH_ALLOWED_GROUPS', guids) ?? [],
    ...(helpUrl ? { helpUrl } : {}),
  };
  const authorityHost = read('AUTH_AUTHORITY_HOST', origin) ?? 'https://login.microsoftonline.com';
  const scopes = read('AUTH_SCOPES', entraScopes) ?? ['openid', 'profile', 'email'];
  const adminTenants = read('AUTH_ADMIN_TENANTS', guids);
  const offlineGraceSeconds = read('AUTH_OFFLINE_GRACE_SECONDS', wholeNumber(0, 86_400)) ?? 3600;
  checkOneApi();

  const host = read('SERVER_HOST', loopbackHost) ?? 'localhost';
  const port = read('SERVER_PORT', wholeNumber(1, 65_535)) ?? 7071;
  const inAzure = value('WEBSITE_SITE_NAME') !== undefined;
  if (inAzure && !value('AUTH_REDIRECT_URI')) report('AUTH_REDIRECT_URI', 'is missing');
  const givenRedirectUri = read('AUTH_REDIRECT_URI', callbackUrl);
  const redirectUri = givenRedirectUri ?? `http://${host}:${port}/auth/callback`;
  const publicOrigin = new URL(redirectUri).origin;
  const onLoopback = isLoopbackOrigin(publicOrigin);
  if (inAzure && !CREDENTIALS.some(value)) {
    report('AUTH_MANAGED_IDENTITY_CLIENT_ID', 'is missing, and every other credential too: none is for a laptop alone');
  }
  if (inAzure && onLoopback && givenRedirectUri) report('AUTH_REDIRECT_URI', 'leads to a laptop, not to Azure');

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
    refreshIdleSeconds: read('REFRESH_IDLE_SECONDS', wholeNumber(3600, 31_536_000)) ?? 30 * DAY,
    refreshMaxSeconds: read('REFRESH_MAX_SECONDS', wholeNumber(3600, MOST_REFRESH_MAX_SECONDS)) ?? 365 * DAY,
    mcpRateLimit: read('MCP_RATE_LIMIT', wholeNumber(0, 1_000_000)) ?? 600,
    toolTimeoutSeconds: read('TOOL_TIMEOUT_SECONDS', wholeNumber(1, 200)) ?? 30,
    trustedProxyHops: inAzure ? (read('TRUSTED_PROXY_HOPS', wholeNumber(0, 10)) ?? 1) : 0,
    notesPerPerson: read('NOTES_PER_PERSON', wholeNumber(1, 65_536)) ?? 10_000,
    auditRetentionDays: read('AUDIT_RETENTION_DAYS', wholeNumber(1, 730)) ?? 90,
    scriptTokens: read('SCRIPT_TOKENS', onOrOff) ?? true,
    httpStreaming: read('HTTP_STREAMING', onOrOff) ?? true,
    logLevel: read('LOG_LEVEL', logLevel) ?? 'info',
  };
  if (rest.refreshIdleSeconds > rest.refreshMaxSeconds) {
    report('REFRESH_IDLE_SECONDS', `is more than REFRESH_MAX_SECONDS (${rest.refreshMaxSeconds})`);
  }
  const allowlist = read('CLIENT_ALLOWLIST', hosts);
  const clients = {
    registration: read('CLIENT_REGISTRATION', onOrOff) ?? true,
    documents: read('CLIENT_METADATA_DOCUMENTS', onOrOff) ?? true,
    ...(allowlist ? { allowlist } : {}),
    denylist: read('CLIENT_DENYLIST', hosts) ?? [],
    preregistered: read('PREREGISTERED_CLIENTS', preregisteredClients) ?? [],
    privateUseSchemes: read('PRIVATE_USE_SCHEMES', schemes) ?? [],
  };
  const allowedOrigins = read('ALLOWED_ORIGINS', origins);
  const telemetry = readTelemetry();
  const resource = `${publicOrigin}/mcp`;
  const resources = readResources();
  const gateway = readGateway();
  checkOnce([...gateway.upstreams.map(({ url }) => url), ...resources.map(each => each.resource)]);
  if (!isWrong('RESOURCES') && !isWrong('GATEWAY_UPSTREAMS')) {
    checkBound(
      clients.preregistered,
      [{ resource }, ...gateway.upstreams, ...resources].map(each => each.resource),
      gateway.upstreams.map(({ url }) => url),
    );
  }

  warnings.push(...warningsFor(environment, onLoopback));
  if (problems.length > 0 || !tenantId || !clientId) throw new ConfigError(problems, warnings);

  const config: Config = {
    origin: publicOrigin,
    onLoopback,
    resource,
    resources,
    gateway,
    entra: {
      tenantId,
      ...(allowedTenants ? { allowedTenants } : {}),
      clientId,
      authorityHost,
      redirectUri,
      scopes,
      credential,
      entry,
      adminTenants: adminTenants ?? (GUID.test(tenantId) ? [tenantId] : []),
      offlineGraceSeconds,
    },
    storage: tableServiceUri
      ? { tableServiceUri, ...(identity ? { managedIdentityClientId: identity } : {}) }
      : { connectionString: connectionString ?? '' },
    clients,
    ...(secrets ? { secrets } : {}),
    ...(allowedOrigins ? { allowedOrigins } : {}),
    ...(telemetry ? { telemetry } : {}),
    ...rest,
  };
  return { config: deepFreeze(config), warnings };
}

const CREDENTIALS = ['AUTH_CLIENT_SECRET', 'AUTH_CLIENT_CERTIFICATE', 'AUTH_MANAGED_IDENTITY_CLIENT_ID'] as const;

/** What the gateway's limits are where they are not set. */
const GATEWAY = { timeoutSeconds: 60, maxBytes: 4_194_304 };

/** In seconds. */
const DAY = 86_400;

function isConnectionString(text: string): boolean {
  return /^UseDevelopmentStorage=true;?$/i.test(text) || /(^|;)(AccountName|TableEndpoint)=/i.test(text);
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) {
    for (const each of Object.values(value)) deepFreeze(each);
    Object.freeze(value);
  }
  return value;
}
