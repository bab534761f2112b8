/** The app's settings: each with its name as people know it, what it takes, an example and its default. */

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

const MAKE_A_KEY = `node -e "console.log(require('crypto').randomBytes(32).toString('base64url'))"`;

/**
 * Every setting that the app reads; README's table and local.settings.example.json are held against this list.
 *
 * @example
 * ```ts
 * import { SETTINGS } from 'entra-mcp-functions';
 *
 * for (const { name, about } of SETTINGS) console.log(`${name}: ${about}`);
 * ```
 */
export const SETTINGS = [
  {
    name: 'AUTH_TENANT_ID',
    about: 'The Entra tenant whose people may sign in, or organizations, common or consumers for those of many.',
    expected: 'a tenant ID (GUID), organizations, common or consumers',
    example: '11111111-2222-3333-4444-555555555555',
    fallback: 'required; the local stand-in has its own',
  },
  {
    name: 'AUTH_ALLOWED_TENANTS',
    about: 'The tenants that are let in where AUTH_TENANT_ID stands for many.',
    expected: 'tenant IDs (GUIDs) with commas between, or * for every tenant',
    example: '11111111-2222-3333-4444-555555555555',
    fallback: 'required with organizations, common and consumers; else without meaning',
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
    about:
      'The app registration’s client secret. With no credential the app is a public client, with PKCE alone: on a laptop only.',
    expected: 'a client secret’s value, and no other credential beside it',
    example: '<the secret’s value, not its ID>',
    fallback: 'none',
  },
  {
    name: 'AUTH_CLIENT_CERTIFICATE',
    about: 'A certificate of the app registration instead of a secret, with its RSA private key.',
    expected: 'the path of a PEM file with certificate and private key, or its content in base64; no other credential',
    example: '/etc/entra-mcp/certificate.pem',
    fallback: 'none',
  },
  {
    name: 'AUTH_MANAGED_IDENTITY_CLIENT_ID',
    about:
      'The user-assigned managed identity that the app registration trusts (federated credential): no secret at all.',
    expected: 'a client ID (GUID), and no other credential beside it',
    example: '66666666-7777-8888-9999-000000000000',
    fallback: 'none',
  },
  {
    name: 'AUTH_REQUIRED_ROLES',
    about: 'App roles of the registration: who has none of them may not enter. Read again at each renewal.',
    expected: 'values of app roles with commas between',
    example: 'Mcp.User,Mcp.Admin',
    fallback: 'everybody whom Entra lets in',
  },
  {
    name: 'AUTH_ALLOWED_GROUPS',
    about: 'Groups: who is in none of them may not enter. Read again at each renewal.',
    expected: 'object IDs (GUIDs) with commas between',
    example: '11111111-2222-3333-4444-555555555555',
    fallback: 'everybody whom Entra lets in',
  },
  {
    name: 'AUTH_HELP_URL',
    about: 'A page that tells people whom to ask when they may not enter.',
    expected: 'an http or https URL',
    example: 'https://intranet.contoso.com/mcp-access',
    fallback: 'none',
  },
  {
    name: 'AUTH_OFFLINE_GRACE_SECONDS',
    about: 'How long renewals go on while Entra cannot be reached; then clients are told to come again.',
    expected: 'a whole number from 0 to 86400',
    example: '3600',
    fallback: '3600',
  },
  {
    name: 'AUTH_ADMIN_TENANTS',
    about:
      'The tenants whose people may be administrators by the app role Admin: with many tenants each gives roles to its own.',
    expected: 'tenant IDs (GUIDs) with commas between',
    example: '11111111-2222-3333-4444-555555555555',
    fallback: 'AUTH_TENANT_ID; nobody where that stands for many',
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
    about: 'What the app asks of Entra at sign-in; MSAL adds offline_access.',
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
    name: 'REFRESH_IDLE_SECONDS',
    about: 'How long a client stays signed in without renewing; each renewal begins it anew.',
    expected: 'a whole number from 3600 to 31536000, at most REFRESH_MAX_SECONDS',
    example: '2592000',
    fallback: '2592000 (30 days)',
  },
  {
    name: 'REFRESH_MAX_SECONDS',
    about: 'How long a client stays signed in at most, however often it renews.',
    expected: 'a whole number from 3600 to 157680000',
    example: '31536000',
    fallback: '31536000 (one year)',
  },
  {
    name: 'ALLOWED_ORIGINS',
    about: 'The web origins whose pages may call /mcp.',
    expected: 'origins with commas between',
    example: 'https://app.contoso.com,https://chat.contoso.com',
    fallback: 'any https origin; on a laptop any loopback origin',
  },
  {
    name: 'CLIENT_REGISTRATION',
    about: 'Whether clients may register themselves (RFC 7591), which most of today’s need.',
    expected: 'on or off',
    example: 'off',
    fallback: 'on',
  },
  {
    name: 'CLIENT_METADATA_DOCUMENTS',
    about: 'Whether a client may be named by the https URL of a document that describes it. The app fetches it.',
    expected: 'on or off',
    example: 'off',
    fallback: 'on; off under npm start, where the documents may be out of reach',
  },
  {
    name: 'CLIENT_ALLOWLIST',
    about: 'The hosts whose metadata documents are let in, and no others.',
    expected: 'host names with commas between; *.example.com for all below',
    example: 'claude.ai,chatgpt.com,*.contoso.com',
    fallback: 'every public host',
  },
  {
    name: 'CLIENT_DENYLIST',
    about: 'Hosts whose metadata documents are refused, whatever CLIENT_ALLOWLIST says.',
    expected: 'host names with commas between; *.example.com for all below',
    example: 'evil.example',
    fallback: 'none',
  },
  {
    name: 'PREREGISTERED_CLIENTS',
    about: 'Clients that the operator has registered by hand, and resource servers that may introspect tokens.',
    expected:
      'a JSON array of objects: client_id, client_name, redirect_uris, client_secret_sha256 (of a random secret), introspection (true or false), resource (the one it is for)',
    example: '[{"client_id":"portal","client_name":"Portal","redirect_uris":["https://portal.contoso.com/callback"]}]',
    fallback: 'none',
  },
  {
    name: 'PRIVATE_USE_SCHEMES',
    about:
      'Further schemes of native clients whose redirect URIs may be registered, besides the known ones and reverse domain names.',
    expected: 'schemes with commas between, without the colon',
    example: 'contoso-agent',
    fallback: 'none',
  },
  {
    name: 'RESOURCES',
    about: 'Servers elsewhere that verify this app’s tokens by themselves: clients get tokens for them from here.',
    expected:
      'a JSON array of objects: resource (an https URL; http between servers of one laptop), name (for people), scopes (what each allows, by its name), roles (app roles that its tokens tell of)',
    example:
      '[{"resource":"https://reports.contoso.com/mcp","name":"Reports","scopes":{"reports:read":"Read your reports"},"roles":["Reports.Admin"]}]',
    fallback: 'none',
  },
  {
    name: 'GATEWAY_UPSTREAMS',
    about: 'MCP servers of others that people reach through this app, each at /NAME/mcp.',
    expected:
      'NAME=URL with commas or spaces between; names of a-z, 0-9 and -, URLs with https (http between servers of one laptop)',
    example: 'wiki=https://wiki.contoso.com/mcp,tickets=https://tickets.contoso.com/mcp',
    fallback: 'none',
  },
  {
    name: 'GATEWAY_SCOPES',
    about: 'The scopes of those servers: what each allows, as people read it.',
    expected: 'a JSON object of the names in GATEWAY_UPSTREAMS, each with what its scopes allow, by the scopes’ names',
    example: '{"wiki":{"wiki:read":"Read the wiki","wiki:write":"Change pages of the wiki"}}',
    fallback: 'one each: NAME:use',
  },
  {
    name: 'GATEWAY_TOOLS',
    about:
      'Which of their tools who may use, by app role. A tool is there for whom a list allows it and none denies it; without allow, all are allowed.',
    expected:
      'a JSON object of the names in GATEWAY_UPSTREAMS, each with allow, deny or both: lists of tools by app role, * for everybody; a tool may end in * for all that begin so',
    example: '{"wiki":{"allow":{"*":["search","get_*"],"Wiki.Editor":["*"]},"deny":{"*":["delete_space"]}}}',
    fallback: 'all tools, for everybody',
  },
  {
    name: 'GATEWAY_TIMEOUT_SECONDS',
    about: 'How long such a server may take until it begins to answer.',
    expected: 'a whole number from 1 to 200',
    example: '60',
    fallback: '60',
  },
  {
    name: 'GATEWAY_MAX_BYTES',
    about:
      'How large a request to such a server may be, in bytes, and its answer; of a stream, each event, and all of it 16 times that.',
    expected: 'a whole number from 1024 to 100000000',
    example: '4194304',
    fallback: '4194304 (4 MiB)',
  },
  {
    name: 'MCP_RATE_LIMIT',
    about: 'How many MCP requests one person may make in a minute at one instance; 0 for no limit.',
    expected: 'a whole number from 0 to 1000000',
    example: '600',
    fallback: '600',
  },
  {
    name: 'TOOL_TIMEOUT_SECONDS',
    about: 'How long a call of a tool may take that has no limit of its own; prompts and resources alike.',
    expected: 'a whole number from 1 to 200; Azure ends an answer after 230 seconds',
    example: '60',
    fallback: '30',
  },
  {
    name: 'TRUSTED_PROXY_HOPS',
    about:
      'Which entry of X-Forwarded-For is the client’s address, counted from the end, for rate limits alone; 0 for none.',
    expected: 'a whole number from 0 to 10',
    example: '2',
    fallback: '1 in Azure; elsewhere without meaning',
  },
  {
    name: 'NOTES_PER_PERSON',
    about: 'How many notes a person may keep.',
    expected: 'a whole number from 1 to 65536',
    example: '10000',
    fallback: '10000',
  },
  {
    name: 'AUDIT_RETENTION_DAYS',
    about: 'How long it is kept who signed in, what was connected and ended, and what administrators did.',
    expected: 'a whole number from 1 to 730',
    example: '90',
    fallback: '90',
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
    expected: 'localhost, 127.0.0.1 or [::1]',
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
    name: 'TELEMETRY_SAMPLING',
    about:
      'What part of all traces goes to Application Insights; of requests that failed all do, and counters are whole.',
    expected: 'a number from 0 to 1',
    example: '0.1',
    fallback: '1',
  },
  {
    name: 'APPLICATIONINSIGHTS_CONNECTION_STRING',
    about: 'Where traces and counters go.',
    expected: 'the connection string of an Application Insights component, with its key and its ingestion endpoint',
    example:
      'InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/',
    fallback: 'nowhere; nothing of it is loaded then',
  },
  {
    name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
    about: 'The managed identity that sends them.',
    expected: 'Authorization=AAD, with ClientId=<GUID> before it for a user-assigned identity',
    example: 'ClientId=66666666-7777-8888-9999-000000000000;Authorization=AAD',
    fallback: 'none: the component takes them from anybody who has its key',
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

export type SettingName = (typeof SETTINGS)[number]['name'];
