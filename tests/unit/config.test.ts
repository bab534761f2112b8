import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { SETTINGS, type SettingName } from '../../src/settings.ts';

const GUID = '11111111-2222-3333-4444-555555555555';
const SECRET = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7 + 1)).toString('base64url');
const LAPTOP = { AUTH_TENANT_ID: GUID, AUTH_CLIENT_ID: GUID, AzureWebJobsStorage: 'UseDevelopmentStorage=true' };
const CLOUD = {
  ...LAPTOP,
  WEBSITE_SITE_NAME: 'site',
  AUTH_REDIRECT_URI: 'https://mcp.example/auth/callback',
  AUTH_MANAGED_IDENTITY_CLIENT_ID: GUID,
  JWT_SECRET_KEY: SECRET,
};

function problems(environment: Record<string, string | undefined>): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the defaults', () => {
  test('of a laptop', () => {
    const { config, warnings } = loadConfig(LAPTOP);
    expect(config).toMatchObject({
      origin: 'http://localhost:7071',
      resource: 'http://localhost:7071/mcp',
      onLoopback: true,
      tokenExpirySeconds: 3600,
      refreshRetrySeconds: 30,
      notesPerPerson: 10_000,
      scriptTokens: true,
      httpStreaming: true,
      logLevel: 'info',
      entra: { scopes: ['openid', 'profile', 'email'], authorityHost: 'https://login.microsoftonline.com' },
    });
    expect(config.secrets).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(Object.isFrozen(config) && Object.isFrozen(config.entra)).toBe(true);
  });

  test('of the cloud: the redirect URI’s origin is the issuer', () => {
    expect(loadConfig(CLOUD).config).toMatchObject({ origin: 'https://mcp.example', onLoopback: false });
  });
});

describe('problems', () => {
  test('are all reported at once, each with what was expected and an example', () => {
    const found = problems({
      AUTH_TENANT_ID: 'contoso',
      TOKEN_EXPIRY_SECONDS: '5',
      LOG_LEVEL: 'loud',
      WEBSITE_SITE_NAME: 'x',
    });
    for (const name of [
      'AUTH_TENANT_ID',
      'AUTH_CLIENT_ID',
      'AUTH_REDIRECT_URI',
      'TOKEN_EXPIRY_SECONDS',
      'LOG_LEVEL',
      'AzureWebJobsStorage',
    ]) {
      expect(
        found.filter(problem => problem.startsWith(`${name} `)),
        name,
      ).toHaveLength(1);
    }
    for (const problem of found) expect(problem).toMatch(/Expected: .+ Example: /);
  });

  test('the key is missing anywhere but on loopback', () => {
    expect(problems({ ...CLOUD, JWT_SECRET_KEY: undefined })).toEqual([
      expect.stringContaining('JWT_SECRET_KEY is missing'),
    ]);
  });

  test.each([
    ['AUTH_REDIRECT_URI', 'http://mcp.example/auth/callback'],
    ['AUTH_REDIRECT_URI', 'https://mcp.example/elsewhere'],
    ['AUTH_REDIRECT_URI', 'https://mcp.example/auth/callback?x=1'],
    ['AUTH_REDIRECT_URI', 'https://:password@mcp.example/auth/callback'],
    ['AUTH_REDIRECT_URI', 'http://localhost@mcp.example/auth/callback'],
    ['AUTH_REDIRECT_URI', 'http://localhost:7071/auth/callback'],
    ['AUTH_AUTHORITY_HOST', 'http://login.example'],
    ['AUTH_AUTHORITY_HOST', 'https://login.example/path'],
    ['AUTH_SCOPES', 'email'],
    ['ALLOWED_ORIGINS', 'https://a.example,not an origin'],
    ['TOKEN_EXPIRY_SECONDS', '3600.5'],
    ['TOKEN_EXPIRY_SECONDS', '-1'],
    ['REFRESH_RETRY_SECONDS', '301'],
    ['NOTES_PER_PERSON', '0'],
    ['SERVER_PORT', '70000'],
    ['SERVER_HOST', '0.0.0.0'],
    ['HTTP_STREAMING', 'maybe'],
    ['JWT_SECRET_KEY', 'secret'],
    ['AzureWebJobsStorage', 'nonsense'],
    ['AzureWebJobsStorage__tableServiceUri', 'http://tables.example'],
  ])('%s=%s', (name, value) => {
    expect(problems({ ...CLOUD, [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  });

  test.each(SETTINGS)('a wrong $name stops the start, by name', ({ name }) => {
    const found = problems({ ...CLOUD, [name]: WRONG[name] });
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`\\b${name}\\b`)));
  });

  test.each([
    ['AUTH_ADMIN_TENANTS', 'contoso.com'],
    ['AUTH_OFFLINE_GRACE_SECONDS', '86401'],
  ])('%s=%s is told beside others', (name, value) => {
    expect(problems({ ...CLOUD, LOG_LEVEL: 'loud', [name]: value })).toEqual(
      expect.arrayContaining([expect.stringMatching(new RegExp(`^${name} `)), expect.stringMatching(/^LOG_LEVEL /)]),
    );
  });

  test('a secret is never repeated', () => {
    expect(problems({ ...CLOUD, JWT_SECRET_KEY: 'hunter2-hunter2' }).join()).not.toContain('hunter2');
    expect(problems({ ...CLOUD, AUTH_CLIENT_SECRET: 'hunter2', AUTH_TENANT_ID: '' }).join()).not.toContain('hunter2');
  });
});

test('each client of PREREGISTERED_CLIENTS that is wrong is told of, by its place; its secrets are not', () => {
  const HASH = 'hunter2'.padEnd(42, 'x');
  const clients = [
    { client_id: 'pc.x', client_secret_sha256: HASH, client_secret: 'hunter2', redirect_uris: ['hunter2'] },
    { client_id: 'a', introspection: true },
    { client_id: 'b' },
    { client_id: 'c', introspection: 'hunter2' },
  ];
  const [problem = '', ...others] = problems({ ...CLOUD, PREREGISTERED_CLIENTS: JSON.stringify(clients) });
  expect(others).toEqual([]);
  const [, reasons = ''] = /is not valid \((.*)\)\. Expected: /.exec(problem) ?? [];
  const told = [
    '[0].client_id is not 1 to 100 of',
    '[0].redirect_uris[0] is not a URI',
    '[0].client_secret_sha256 is not a SHA-256 in base64url or hex',
    '[0].client_secret is not known',
    '[1].client_secret_sha256 is missing: a may introspect',
    '[2].redirect_uris is missing: b may not introspect',
    '[3].introspection has to be true or false',
  ];
  expect(reasons.split('; ')).toEqual(told.map(each => expect.stringContaining(`PREREGISTERED_CLIENTS${each}`)));
  expect(problem).not.toContain('hunter2');
  for (const broken of ['[{"client_id" "x","y":"hunter2"}]', '[{"client_id":x,"y":"hunter2"}]', '[{"y":"hunter2"']) {
    const [told = ''] = problems({ ...CLOUD, PREREGISTERED_CLIENTS: broken });
    expect(told).toContain('it is not JSON');
    expect(told).not.toContain('hunter2');
  }
});

test('two clients of one name are told of, by that name', () => {
  const client = { client_id: 'portal', redirect_uris: ['https://portal.example/'] };
  expect(problems({ ...CLOUD, PREREGISTERED_CLIENTS: JSON.stringify([client, client]) })).toEqual([
    expect.stringContaining('(two have the same client_id, portal)'),
  ]);
});

test('of a list it is told which value is wrong', () => {
  expect(problems({ ...CLOUD, AUTH_ALLOWED_GROUPS: `${GUID},Staff` })).toEqual([
    expect.stringContaining('(AUTH_ALLOWED_GROUPS[1] is not valid)'),
  ]);
});

/** A value that each setting does not take. Any text may be a secret; it does not go with the identity of the cloud. */
const WRONG: Record<SettingName, string> = {
  AUTH_TENANT_ID: 'contoso.com',
  AUTH_ALLOWED_TENANTS: 'contoso.com',
  AUTH_CLIENT_ID: 'mcp',
  AUTH_CLIENT_SECRET: 'x',
  AUTH_CLIENT_CERTIFICATE: 'no/such/file.pem',
  AUTH_MANAGED_IDENTITY_CLIENT_ID: 'me',
  AUTH_REQUIRED_ROLES: 'a role',
  AUTH_ALLOWED_GROUPS: 'Staff',
  AUTH_HELP_URL: 'mailto:help@example.com',
  AUTH_OFFLINE_GRACE_SECONDS: 'an hour',
  AUTH_ADMIN_TENANTS: '*',
  AUTH_REDIRECT_URI: 'https://mcp.example/',
  AUTH_SCOPES: 'email',
  AUTH_AUTHORITY_HOST: 'login.example',
  JWT_SECRET_KEY: 'short',
  TOKEN_EXPIRY_SECONDS: '59',
  REFRESH_RETRY_SECONDS: '301',
  REFRESH_IDLE_SECONDS: '3599',
  REFRESH_MAX_SECONDS: '3599',
  ALLOWED_ORIGINS: 'a.example',
  CLIENT_REGISTRATION: 'maybe',
  CLIENT_METADATA_DOCUMENTS: 'maybe',
  CLIENT_ALLOWLIST: 'a host',
  CLIENT_DENYLIST: 'a host',
  PREREGISTERED_CLIENTS: '{}',
  PRIVATE_USE_SCHEMES: 'javascript',
  RESOURCES: '{}',
  GATEWAY_UPSTREAMS: 'docs',
  GATEWAY_SCOPES: '[]',
  GATEWAY_TOOLS: '[]',
  GATEWAY_TIMEOUT_SECONDS: '0',
  GATEWAY_MAX_BYTES: '1023',
  MCP_RATE_LIMIT: '-1',
  TRUSTED_PROXY_HOPS: '11',
  TOOL_TIMEOUT_SECONDS: '0',
  NOTES_PER_PERSON: '0',
  AUDIT_RETENTION_DAYS: '0',
  SCRIPT_TOKENS: 'maybe',
  HTTP_STREAMING: 'maybe',
  SERVER_HOST: '0.0.0.0',
  SERVER_PORT: '0',
  LOG_LEVEL: 'loud',
  TELEMETRY_SAMPLING: '2',
  APPLICATIONINSIGHTS_CONNECTION_STRING: 'x',
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'x',
  AzureWebJobsStorage: 'x',
  AzureWebJobsStorage__tableServiceUri: 'x',
  AzureWebJobsStorage__clientId: 'me',
};

test('a redirect URI is passed on as it is understood, not as it was written', () => {
  const { config } = loadConfig({ ...CLOUD, AUTH_REDIRECT_URI: 'https://MCP.example:443/x/../auth/callback' });
  expect(config.entra.redirectUri).toBe('https://mcp.example/auth/callback');
});

test('a log level may be written in any case', () => {
  expect(loadConfig({ ...LAPTOP, LOG_LEVEL: 'Debug' }).config.logLevel).toBe('debug');
  expect(loadConfig({ ...LAPTOP, LOG_LEVEL: 'WARNING' }).config.logLevel).toBe('warn');
});

test('AUTH_SERVER_PORT, from the example with two servers, is said to have no meaning', () => {
  expect(loadConfig({ ...LAPTOP, AUTH_SERVER_PORT: '8000' }).warnings).toEqual([
    expect.stringContaining('AUTH_SERVER_PORT has no meaning'),
  ]);
});

test('and it is said too where another setting is wrong, for it may be the reason', () => {
  expect(() => loadConfig({ ...LAPTOP, AUTH_SERVER_PORT: '8000', SERVER_PORT: 'x' })).toThrow(
    /AUTH_SERVER_PORT has no meaning/,
  );
});

describe('a name that is nearly a setting’s', () => {
  const warnings = (...names: string[]) =>
    loadConfig({ ...LAPTOP, ...Object.fromEntries(names.map(name => [name, 'x'])) }).warnings;

  test.each([
    ['GATEWAY_UPSTREAM', 'GATEWAY_UPSTREAMS'],
    ['RESOURCE', 'RESOURCES'],
    ['AUTH_SCOPE', 'AUTH_SCOPES'],
    ['AUTH_TENANTID', 'AUTH_TENANT_ID'],
    ['MCP_RATE_LIMTI', 'MCP_RATE_LIMIT'],
    ['LOG_LEVELS', 'LOG_LEVEL'],
    ['gateway_tools', 'GATEWAY_TOOLS'],
  ])('%s is warned of', (name, meant) => {
    expect(warnings(name)).toEqual([`${name} is no setting of this app, and is not read. Is ${meant} meant?`]);
  });

  test('is said beside what is wrong, for it may be the reason', () => {
    expect(() =>
      loadConfig({ ...LAPTOP, GATEWAY_UPSTREAM: 'wiki=https://w.example', GATEWAY_TOOLS: '{"wiki":{}}' }),
    ).toThrow(/names what GATEWAY_UPSTREAMS does not: wiki.*Note: GATEWAY_UPSTREAM is no setting/s);
  });

  test('that is empty, or told apart by nobody, is not', () => {
    expect(loadConfig({ ...LAPTOP, RESOURCE: ' ' }).warnings).toEqual([]);
    // As Windows gives it: under both.
    expect(loadConfig({ ...LAPTOP, LOG_LEVEL: 'debug', Log_Level: 'debug' }).warnings).toEqual([]);
  });

  test('is no name of Azure’s, of a shell, of CI or of the scripts', () => {
    const others = `PATH HOME HOSTNAME LANG PWD USER SHELL TERM LOGNAME EDITOR NODE_ENV NODE_OPTIONS PORT HOST DEBUG CI
      GITHUB_TOKEN GITHUB_REF RUNNER_OS npm_config_cache npm_lifecycle_event http_proxy HTTPS_PROXY NO_PROXY
      ENTRA_PORT AZURITE_TABLE_PORT AZURITE_BLOB_PORT BROWSER REQUIRE_BROWSER CHROMIUM_PATH ISSUER BICEP_PATH FUNC_PATH
      FUNCTIONS_WORKER_RUNTIME FUNCTIONS_EXTENSION_VERSION FUNCTIONS_WORKER_PROCESS_COUNT FUNCTIONS_HTTPWORKER_PORT
      AzureWebJobsStorage__accountName AzureWebJobsStorage__credential AzureWebJobsStorage__blobServiceUri
      AzureWebJobsStorage__queueServiceUri AzureWebJobsSecretStorageType AzureWebJobsDisableHomepage AzureWebJobsFeatureFlags
      DEPLOYMENT_STORAGE_CONNECTION_STRING WEBSITE_HOSTNAME WEBSITE_INSTANCE_ID WEBSITE_AUTH_ENABLED
      WEBSITE_AUTH_CLIENT_ID WEBSITE_AUTH_OPENID_ISSUER WEBSITE_RUN_FROM_PACKAGE WEBSITE_CONTENTSHARE WEBSITE_RESOURCE_GROUP
      WEBSITE_CLOUD_NAME MICROSOFT_PROVIDER_AUTHENTICATION_SECRET APPINSIGHTS_INSTRUMENTATIONKEY IDENTITY_ENDPOINT
      APPLICATIONINSIGHTSAGENT_EXTENSION_ENABLED APPLICATIONINSIGHTS_ENABLE_AGENT IDENTITY_HEADER MSI_ENDPOINT MSI_SECRET
      REGION_NAME SERVER_SOFTWARE SERVER_NAME SCM_DO_BUILD_DURING_DEPLOYMENT ENABLE_ORYX_BUILD CONTAINER_NAME
      AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_CLIENT_SECRET AZURE_AUTHORITY_HOST OTEL_RESOURCE_ATTRIBUTES LogFiles LOG_FILE`;
    expect(warnings(...others.split(/\s+/))).toEqual([]);
  });
});

describe('telemetry', () => {
  const CONNECTION = `InstrumentationKey=${GUID};IngestionEndpoint=https://we-5.in.insights.example/;LiveEndpoint=https://x.example`;
  const telemetry = (environment: Record<string, string>) => loadConfig({ ...CLOUD, ...environment }).config.telemetry;

  test('goes nowhere unless it is said where', () => {
    expect(telemetry({})).toBeUndefined();
    expect(telemetry({ APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD' })).toBeUndefined();
  });

  test('goes to the component, as the identity that is named', () => {
    expect(telemetry({ APPLICATIONINSIGHTS_CONNECTION_STRING: CONNECTION })).toEqual({
      instrumentationKey: GUID,
      endpoint: 'https://we-5.in.insights.example',
      sampling: 1,
      role: 'site',
    });
    expect(
      telemetry({
        APPLICATIONINSIGHTS_CONNECTION_STRING: `${CONNECTION};AadAudience=https://monitor.azure.us/`,
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${GUID};Authorization=AAD`,
        TELEMETRY_SAMPLING: '0.25',
      }),
    ).toMatchObject({ sampling: 0.25, identity: { clientId: GUID, audience: 'https://monitor.azure.us/' } });
  });

  test.each([
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', GUID],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', `InstrumentationKey=${GUID}`],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', `InstrumentationKey=x;IngestionEndpoint=https://insights.example`],
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', `InstrumentationKey=${GUID};IngestionEndpoint=http://insights.example`],
    ['APPLICATIONINSIGHTS_AUTHENTICATION_STRING', `ClientId=${GUID}`],
    ['APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'ClientId=me;Authorization=AAD'],
    ['TELEMETRY_SAMPLING', '1.1'],
    ['TELEMETRY_SAMPLING', '10%'],
  ])('%s=%s is refused', (name, value) => {
    expect(problems({ ...CLOUD, [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  });
});

test('no example is a usable secret', () => {
  const example = SETTINGS.find(setting => setting.name === 'JWT_SECRET_KEY')?.example;
  expect(problems({ ...CLOUD, JWT_SECRET_KEY: example })).toHaveLength(1);
});

describe('the credential towards Entra', () => {
  const certificate = 'tests/fixtures/client-certificate.pem';

  test.each([
    [{}, 'none'],
    [{ AUTH_CLIENT_SECRET: 'x' }, 'secret'],
    [{ AUTH_CLIENT_CERTIFICATE: certificate }, 'certificate'],
    [{ AUTH_MANAGED_IDENTITY_CLIENT_ID: GUID }, 'managed identity'],
  ])('%o is %s', (settings, kind) => {
    expect(loadConfig({ ...LAPTOP, ...settings }).config.entra.credential.kind).toBe(kind);
  });

  test('none is for a laptop alone', () => {
    expect(problems({ ...CLOUD, AUTH_MANAGED_IDENTITY_CLIENT_ID: undefined })).toEqual([
      expect.stringMatching(/^AUTH_MANAGED_IDENTITY_CLIENT_ID is missing, and every other credential too/),
    ]);
  });

  test('two of them are refused, and both are named', () => {
    expect(problems({ ...LAPTOP, AUTH_CLIENT_SECRET: 'x', AUTH_MANAGED_IDENTITY_CLIENT_ID: GUID })).toEqual([
      expect.stringMatching(/AUTH_MANAGED_IDENTITY_CLIENT_ID is set beside AUTH_CLIENT_SECRET/),
    ]);
  });

  test.each([
    ['a file that is not there', 'no/such/file.pem', 'neither base64 nor a file'],
    ['a file that holds none', 'package.json', 'no certificate in PEM'],
    ['base64 of something else', Buffer.alloc(600, 'x').toString('base64'), 'no certificate in PEM'],
  ])('%s is no certificate', (_name, value, why) => {
    expect(problems({ ...LAPTOP, AUTH_CLIENT_CERTIFICATE: value })).toEqual([expect.stringContaining(why)]);
  });
});

describe('the scopes of a sign-in', () => {
  const ofApi = (AUTH_SCOPES: string) => problems({ ...LAPTOP, AUTH_SCOPES: `openid profile ${AUTH_SCOPES}` });

  test.each([
    'api://notes/Read https://contoso.example/Write',
    'api://notes/Read User.Read',
    'https://graph.microsoft.com/User.Read https://graph.microsoft.com.evil.example/x',
  ])('of two APIs are refused: %s', scopes => {
    expect(ofApi(scopes)).toEqual([expect.stringMatching(/^AUTH_SCOPES names scopes of .+ and of /)]);
  });

  test.each([
    'User.Read',
    'https://graph.microsoft.us/User.Read Mail.Read email',
    'api://notes/Read api://notes/Write',
  ])('of one API are taken: %s', scopes => {
    expect(ofApi(scopes)).toEqual([]);
  });

  test('are those of Microsoft Graph where groups may have to be looked up', () => {
    const groups = { ...LAPTOP, AUTH_ALLOWED_GROUPS: GUID };
    expect(problems({ ...groups, AUTH_SCOPES: 'openid profile api://notes/Read' })).toEqual([
      expect.stringMatching(/^AUTH_SCOPES .*AUTH_ALLOWED_GROUPS asks for User\.Read/),
    ]);
    expect(problems({ ...groups, AUTH_SCOPES: 'openid profile Mail.Read' })).toEqual([]);
  });
});

describe('many tenants', () => {
  test.each(['organizations', 'common', 'consumers'])('%s needs the tenants that are let in', tenant => {
    expect(problems({ ...LAPTOP, AUTH_TENANT_ID: tenant })).toEqual([
      expect.stringMatching(/^AUTH_ALLOWED_TENANTS is missing/),
    ]);
    const { config } = loadConfig({ ...LAPTOP, AUTH_TENANT_ID: tenant, AUTH_ALLOWED_TENANTS: '*' });
    expect(config.entra).toMatchObject({ tenantId: tenant, allowedTenants: '*' });
    expect(
      loadConfig({ ...LAPTOP, AUTH_TENANT_ID: tenant, AUTH_ALLOWED_TENANTS: `${GUID}, ${GUID}` }).config.entra,
    ).toMatchObject({ allowedTenants: [GUID, GUID] });
  });

  test.each(['**', 'contoso.com', `${GUID},`])('%s names no tenants', allowed => {
    expect(problems({ ...LAPTOP, AUTH_TENANT_ID: 'common', AUTH_ALLOWED_TENANTS: allowed })).toHaveLength(1);
  });

  test('beside one tenant they have no meaning', () => {
    expect(loadConfig({ ...LAPTOP, AUTH_ALLOWED_TENANTS: '*' }).warnings).toEqual([
      expect.stringContaining('AUTH_ALLOWED_TENANTS has no meaning'),
    ]);
  });
});

test('a server that is named twice, by the gateway or as a resource of its own, is warned of', () => {
  const wiki = 'https://wiki.example/mcp';
  const resource = (url: string) => JSON.stringify([{ resource: url, name: 'Wiki', scopes: { read: 'Read' } }]);
  const named = [expect.stringMatching(/^GATEWAY_UPSTREAMS .*https:\/\/wiki\.example\/mcp\. /)];
  const warnings = (settings: Record<string, string>) => loadConfig({ ...LAPTOP, ...settings }).warnings;
  expect(warnings({ GATEWAY_UPSTREAMS: `a=${wiki} b=${wiki}/` })).toEqual(named);
  expect(warnings({ GATEWAY_UPSTREAMS: `a=${wiki}`, RESOURCES: resource(`${wiki}/`) })).toEqual(named);
  expect(warnings({ GATEWAY_UPSTREAMS: `a=${wiki}`, RESOURCES: resource(`${wiki}2`) })).toEqual([]);
});
