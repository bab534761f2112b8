/** What a deployment makes, read from the committed snapshots. `npm run check:infra` holds these against infra/. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { SETTINGS } from '../../src/settings.ts';
import { connectLines } from '../../src/web/connect.ts';
import { CLIENT_ID, HOST_NAME, IDENTITY_CLIENT_ID, type Json, PRINCIPAL_ID } from './evaluate.ts';
import { SNAPSHOTS, type Snapshot } from './snapshots.ts';

const ROLES = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb',
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6',
};

/** What the Functions host reads, and not the app. */
const OF_THE_HOST = [
  'AzureWebJobsStorage__credential',
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsDisableHomepage',
];

/** What Flex Consumption refuses, as a setting or as a property of the site. */
const REFUSED = [
  'FUNCTIONS_WORKER_RUNTIME',
  'FUNCTIONS_WORKER_RUNTIME_VERSION',
  'FUNCTIONS_EXTENSION_VERSION',
  'WEBSITE_RUN_FROM_PACKAGE',
  'WEBSITE_NODE_DEFAULT_VERSION',
  'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING',
  'WEBSITE_CONTENTSHARE',
  'SCM_DO_BUILD_DURING_DEPLOYMENT',
  'ENABLE_ORYX_BUILD',
  'linuxFxVersion',
  'ftpsState',
  'alwaysOn',
];

/** Where the snapshots are deployed to. */
const TENANT_ID = '00000000-0000-0000-0000-000000000002';

const settingsOf = (snapshot: Snapshot) =>
  snapshot.the('Microsoft.Web/sites/config', 'appsettings').properties as Record<string, string>;
const originOf = ({ environment }: Snapshot) => environment.INFRA_BASE_URL ?? `https://${HOST_NAME}`;

describe.each(SNAPSHOTS.map(snapshot => [snapshot.scenario, snapshot] as const))('%s', (_, snapshot) => {
  const settings = settingsOf(snapshot);
  const origin = originOf(snapshot);

  test('the app starts with the settings of the site', () => {
    const key = randomBytes(48).toString('hex');
    const { config, warnings } = loadConfig({ ...settings, JWT_SECRET_KEY: key, WEBSITE_SITE_NAME: 'mcp' });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      origin,
      resource: snapshot.outputs.MCP_URL,
      entra: {
        clientId: CLIENT_ID,
        redirectUri: `${origin}/auth/callback`,
        authorityHost: 'https://login.microsoftonline.com',
      },
      storage: {
        tableServiceUri: 'https://st.table.core.windows.net/',
        managedIdentityClientId: IDENTITY_CLIENT_ID,
      },
    });
  });

  test('every setting is one that the app or its host knows, and none that Flex Consumption refuses', () => {
    const known = [...SETTINGS.map(({ name }) => name), ...OF_THE_HOST];
    expect(Object.keys(settings).filter(name => !known.includes(name))).toEqual([]);
    expect(OF_THE_HOST.filter(name => !(name in settings))).toEqual([]);
    expect(REFUSED.filter(name => snapshot.text.includes(`"${name}"`))).toEqual([]);
  });

  test('what azd sets by name reaches the app by the same name', () => {
    const chosen = Object.entries(snapshot.environment).filter(([name]) => name.startsWith('APP_'));
    expect(settings).toMatchObject(Object.fromEntries(chosen.map(([name, value]) => [name.slice(4), value])));
    expect(Object.values(settings).filter(value => value === '')).toEqual([]);
  });

  test('no secret stands in settings, outputs or properties', () => {
    expect(settings.JWT_SECRET_KEY).toBe(
      '@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/jwt-secret-key)',
    );
    expect(settings).not.toHaveProperty('AUTH_CLIENT_SECRET');
    expect(settings).not.toHaveProperty('AzureWebJobsStorage');
    expect(snapshot.text).not.toMatch(/AccountKey=|SharedAccessSignature|[?&]sig=|listKeys|passwordCredentials/i);
    const { value } = snapshot.the('Microsoft.KeyVault/vaults/secrets').properties;
    expect(value).toMatch(/^[0-9a-f]{96}$/);
    expect(JSON.stringify([snapshot.outputs, settings])).not.toContain(value);
  });

  test('storage takes no keys, no old TLS, no public blobs', () => {
    expect(snapshot.the('Microsoft.Storage/storageAccounts').properties).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      minimumTlsVersion: 'TLS1_2',
      supportsHttpsTrafficOnly: true,
    });
  });

  test('storage has the app’s tables', async () => {
    const source = await readFile(join(import.meta.dirname, '../../src/storage/tables.ts'), 'utf8');
    const names = /TABLE_NAMES = \[([^\]]+)\]/.exec(source)?.[1] ?? '';
    const tables = [...names.matchAll(/'(\w+)'/g)].map(([, name]) => name);
    const made = snapshot.all('Microsoft.Storage/storageAccounts/tableServices/tables');
    expect(made.map(({ name }) => name?.split('/').at(-1)).sort()).toEqual(tables.sort());
  });

  test('the site speaks TLS 1.2 or newer alone, and knows no passwords', () => {
    const site = snapshot.the('Microsoft.Web/sites');
    expect(site.kind).toBe('functionapp,linux');
    expect(site.properties).toMatchObject({ httpsOnly: true, siteConfig: { minTlsVersion: '1.2' } });
    for (const door of ['ftp', 'scm']) {
      const { properties } = snapshot.the('Microsoft.Web/sites/basicPublishingCredentialsPolicies', door);
      expect(properties.allow, door).toBe(false);
    }
  });

  test('nothing gates the site before the app does, and CORS is the app’s own', () => {
    const names = snapshot.all('Microsoft.Web/sites/config').map(({ name }) => name?.split('/').at(-1));
    expect(names).toEqual(['appsettings']);
    expect(snapshot.text).not.toContain('"cors"');
  });

  test('telemetry is taken from the identity alone', () => {
    expect(snapshot.the('Microsoft.Insights/components').properties.DisableLocalAuth).toBe(true);
    expect(snapshot.the('Microsoft.OperationalInsights/workspaces').properties).toMatchObject({
      features: { disableLocalAuth: true },
    });
    expect(settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING).toBe(`ClientId=${IDENTITY_CLIENT_ID};Authorization=AAD`);
  });

  test('the identity has four roles, each on one resource', () => {
    const roles = snapshot.all('Microsoft.Authorization/roleAssignments').map(({ id = '', properties }) => {
      expect(properties).toMatchObject({ principalId: PRINCIPAL_ID, principalType: 'ServicePrincipal' });
      const [scope = ''] = id.split('/providers/Microsoft.Authorization/');
      const type = scope
        .split('/providers/')[1]
        ?.split('/')
        .filter((_, index) => index === 0 || index % 2 === 1);
      return [String(properties.roleDefinitionId).split('/').at(-1), type?.join('/')];
    });
    expect(roles.sort()).toEqual(
      [
        [ROLES.blobDataOwner, 'Microsoft.Storage/storageAccounts'],
        [ROLES.tableDataContributor, 'Microsoft.Storage/storageAccounts'],
        [ROLES.metricsPublisher, 'Microsoft.Insights/components'],
        [ROLES.secretsUser, 'Microsoft.KeyVault/vaults/secrets'],
      ].sort(),
    );
  });

  test('the registration leads back to the callback alone, and asks for what the app asks for', () => {
    const { properties } = snapshot.the('Microsoft.Graph/applications@v1.0');
    expect(properties).toMatchObject({
      web: {
        redirectUris: [settings.AUTH_REDIRECT_URI, `${origin}/`],
        logoutUrl: `${origin}/auth/front-channel-logout`,
        homePageUrl: snapshot.outputs.LANDING_PAGE,
        implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false },
      },
      isFallbackPublicClient: false,
      api: { requestedAccessTokenVersion: 2 },
      signInAudience: snapshot.environment.INFRA_SIGN_IN_AUDIENCE ?? 'AzureADMyOrg',
    });
    expect(settings.AUTH_REDIRECT_URI).toBe(`${origin}/auth/callback`);
    const [graph, ...others] = properties.requiredResourceAccess as { resourceAccess: { id: string }[] }[];
    expect(others).toEqual([]);
    const readsGroups = snapshot.environment.APP_AUTH_ALLOWED_GROUPS !== undefined;
    expect(properties.groupMembershipClaims).toBe(readsGroups ? 'SecurityGroup' : null);
    expect(graph?.resourceAccess.map(({ id }) => id).sort()).toEqual(
      [
        ...(readsGroups ? ['e1fe6dd8-ba31-4d61-89e7-88639da4683d'] : []), // User.Read
        '37f7f235-527c-4136-accd-4a02d197296e', // openid
        '14dad69e-099b-42c9-810b-d002981feec1', // profile
        '64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0', // email
        '7427e0e9-2fba-42fe-b0c0-848c9e6a8182', // offline_access
      ].sort(),
    );
  });

  test('its one credential is the managed identity', () => {
    const { properties } = snapshot.the('Microsoft.Graph/applications/federatedIdentityCredentials@v1.0');
    expect(properties).toMatchObject({
      issuer: `https://login.microsoftonline.com/${TENANT_ID}/v2.0`,
      subject: PRINCIPAL_ID,
      audiences: ['api://AzureADTokenExchange'],
    });
    expect(settings.AUTH_MANAGED_IDENTITY_CLIENT_ID).toBe(IDENTITY_CLIENT_ID);
    expect(snapshot.the('Microsoft.Graph/applications@v1.0').properties).not.toHaveProperty('keyCredentials');
  });

  test('the outputs are what a person needs, in the form of the landing page', () => {
    const { outputs } = snapshot;
    expect([outputs.MCP_URL, outputs.LANDING_PAGE]).toEqual([`${origin}/mcp`, `${origin}/`]);
    const lines = Object.fromEntries(
      connectLines('entra-mcp', `${origin}/mcp`).map(({ client, line }) => [
        `CONNECT_${client.toUpperCase().replace(' ', '_')}`,
        line,
      ]),
    );
    const connect = Object.entries(outputs).filter(([name]) => name.startsWith('CONNECT_'));
    expect(Object.fromEntries(connect)).toEqual(lines);
  });

  test('an alert tells of failures and of a purge that does not run', () => {
    const rules = snapshot.all('Microsoft.Insights/scheduledQueryRules');
    const queries = rules.map(({ properties }) => JSON.stringify(properties.criteria));
    expect(queries).toEqual([expect.stringContaining('resultCode'), expect.stringContaining('purge')]);
    const [mail] = snapshot.all('Microsoft.Insights/actionGroups');
    const actionGroups: Json = mail?.id ? [mail.id] : [];
    for (const { properties } of rules) expect(properties.actions).toEqual({ actionGroups });
  });

  test('the workbook asks the component for what the app tells, and for nothing else', async () => {
    const span = await readFile(join(import.meta.dirname, '../../src/http/span.ts'), 'utf8');
    const facts = [...(/interface SpanFacts \{(.*?)\n\}/s.exec(span)?.[1]?.matchAll(/^ {2}(\w+)\?:/gm) ?? [])];
    const told = [...facts.map(([, name]) => name), 'status', 'storage_trips', 'correlation_id', 'person', 'kind'];
    const counters = [...(/type Counter = ([^;]+);/.exec(span)?.[1]?.matchAll(/'(\w+)'/g) ?? [])].map(
      ([, name]) => name,
    );
    const { properties } = snapshot.the('Microsoft.Insights/workbooks');
    expect(properties.sourceId).toBe(snapshot.the('Microsoft.Insights/components').id);
    const { items } = JSON.parse(String(properties.serializedData)) as { items: { content: { query?: string } }[] };
    const queries = items.flatMap(({ content }) => content.query ?? []);
    expect(queries.length).toBeGreaterThan(10);
    const asked = queries.flatMap(query => [...query.matchAll(/customDimensions\.(\w+)/g)].map(([, name]) => name));
    expect(asked.filter(name => !told.includes(name))).toEqual([]);
    const counted = queries.flatMap(query => [...(/name in \((.*?)\)/.exec(query)?.[1]?.matchAll(/"(\w+)"/g) ?? [])]);
    expect(counted.map(([, name]) => name).sort()).toEqual(counters.sort());
  });

  test('everything bears the environment’s tag, and the site its service’s', () => {
    const untagged = ['Authorization', 'Graph', 'Web/sites/', 'KeyVault/vaults/', 'Storage/storageAccounts/'];
    const nested = /Microsoft\.Network\/(virtualNetworks\/|privateEndpoints\/)/;
    for (const { type, tags } of snapshot.resources) {
      if (untagged.some(prefix => type.startsWith(`Microsoft.${prefix}`)) || nested.test(type)) continue;
      expect(tags, type).toMatchObject({ 'azd-env-name': 'contoso' });
    }
    expect(snapshot.the('Microsoft.Web/sites').tags).toMatchObject({ 'azd-service-name': 'mcp' });
  });
});

const scenario = (name: string): Snapshot => {
  const found = SNAPSHOTS.find(each => each.scenario === name);
  if (!found) throw new Error(`There is no snapshot of ${name}.`);
  return found;
};

test('people of many tenants sign in where all do; those of this tenant alone get in, unless others are named', () => {
  expect(settingsOf(scenario('defaults'))).toMatchObject({ AUTH_TENANT_ID: TENANT_ID });
  expect(settingsOf(scenario('defaults'))).not.toHaveProperty('AUTH_ALLOWED_TENANTS');
  expect(settingsOf(scenario('roles'))).toMatchObject({
    AUTH_TENANT_ID: 'organizations',
    AUTH_ALLOWED_TENANTS: TENANT_ID,
  });
});

test('required roles are made, and nobody without one gets in', () => {
  const { appRoles } = scenario('roles').the('Microsoft.Graph/applications@v1.0').properties;
  expect(appRoles).toMatchObject([{ value: 'Admin' }, { value: 'Mcp.User' }, { value: 'Mcp.Admin' }]);
  const principal = scenario('roles').the('Microsoft.Graph/servicePrincipals@v1.0').properties;
  expect(principal.appRoleAssignmentRequired).toBe(true);
  const open = scenario('defaults').the('Microsoft.Graph/servicePrincipals@v1.0').properties;
  expect(open.appRoleAssignmentRequired).toBe(false);
});

test('the defaults cost nothing while nobody comes', () => {
  const defaults = scenario('defaults');
  expect(defaults.all('Microsoft.Network/virtualNetworks')).toEqual([]);
  expect(defaults.the('Microsoft.Web/sites').properties).toMatchObject({
    functionAppConfig: { scaleAndConcurrency: { alwaysReady: [], maximumInstanceCount: 40 } },
  });
  expect(defaults.the('Microsoft.OperationalInsights/workspaces').properties).toMatchObject({
    retentionInDays: 30,
    workspaceCapping: { dailyQuotaGb: 0.15 },
  });
});

test('with a private network nothing but the site is on the internet', () => {
  const everything = scenario('everything');
  for (const type of ['Microsoft.Storage/storageAccounts', 'Microsoft.KeyVault/vaults']) {
    expect(everything.the(type).properties, type).toMatchObject({
      publicNetworkAccess: 'Disabled',
      networkAcls: { defaultAction: 'Deny', bypass: 'None' },
    });
  }
  const doors = everything.all('Microsoft.Network/privateEndpoints').map(({ properties }) => {
    const [connection] = properties.privateLinkServiceConnections as { properties: { groupIds: string[] } }[];
    return connection?.properties.groupIds[0];
  });
  expect(doors).toEqual(['blob', 'table', 'vault']);
  expect(everything.all('Microsoft.Network/privateDnsZones').map(({ name }) => name)).toEqual([
    'privatelink.blob.core.windows.net',
    'privatelink.table.core.windows.net',
    'privatelink.vaultcore.azure.net',
  ]);
  const subnet = everything.the('Microsoft.Web/sites').properties.virtualNetworkSubnetId;
  expect(String(subnet)).toMatch(/\/virtualNetworks\/vnet-\w+\/subnets\/app$/);
});

test('each option does what it says', () => {
  const everything = scenario('everything');
  expect(everything.the('Microsoft.Web/sites').properties).toMatchObject({
    functionAppConfig: {
      runtime: { name: 'node', version: '22' },
      scaleAndConcurrency: {
        instanceMemoryMB: 4096,
        maximumInstanceCount: 100,
        alwaysReady: [{ name: 'http', instanceCount: 2 }],
      },
    },
  });
  expect(everything.the('Microsoft.Graph/applications@v1.0').properties.appRoles).toMatchObject([
    { value: 'Admin', displayName: 'Administrator' },
    { value: 'Notes.Reader', displayName: 'Reader', allowedMemberTypes: ['User'], isEnabled: true },
  ]);
  const principal = everything.the('Microsoft.Graph/servicePrincipals@v1.0').properties;
  expect(principal).toMatchObject({ appId: CLIENT_ID, appRoleAssignmentRequired: true });
  expect(everything.the('Microsoft.KeyVault/vaults').properties.enablePurgeProtection).toBe(true);
  const names = (snapshot: Snapshot) => snapshot.the('Microsoft.Graph/applications@v1.0').properties.uniqueName;
  expect(names(everything)).not.toEqual(names(scenario('defaults')));
});

test('a role can be disabled, which Entra ID wants before it is left out', () => {
  expect(scenario('personal').the('Microsoft.Graph/applications@v1.0').properties.appRoles).toMatchObject([
    { value: 'Admin', isEnabled: true },
    { value: 'Mcp.User', isEnabled: false },
  ]);
});

test('personal accounts sign in at the door for all', () => {
  expect(settingsOf(scenario('personal'))).toMatchObject({
    AUTH_TENANT_ID: 'common',
    AUTH_ALLOWED_TENANTS: TENANT_ID,
  });
});
