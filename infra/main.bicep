targetScope = 'subscription'

metadata description = 'An MCP server that people sign in to with Microsoft Entra ID: everything it needs, in one resource group, without a secret.'

import { AppRole, AppSettings } from 'modules/types.bicep'

@description('Name of the azd environment; the resource group and what people read in Entra ID are called after it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of all resources. It must offer Flex Consumption: az functionapp list-flexconsumption-locations')
@minLength(1)
@metadata({ azd: { type: 'location' } })
param location string

@description('Makes all names differ: for a second one beside, or when a deleted app registration still holds its name (30 days).')
@maxLength(16)
param nameSuffix string = ''

@description('Public address, when it is not the site’s own: https, no path. The domain is bound to the site, or to what stands before it, by you.')
@maxLength(200)
param baseUrl string = ''

@description('Node.js version; 22 where a region lacks 24 (az functionapp list-flexconsumption-runtimes).')
@allowed(['22', '24'])
param nodeVersion string = '24'

@description('Memory of an instance in megabytes.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Instances at most: a limit to what a flood can cost.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Instances that are always running and paid for, so that nobody waits for a start.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 0

@description('Closes storage and vault to the internet; the app reaches them over a network of its own.')
param privateNetwork bool = false

@description('Addresses of that network, at least 128 of them.')
@minLength(9)
@maxLength(18)
param networkAddresses string = '10.90.0.0/24'

@description('Keeps a deleted vault for 90 days whatever anyone does. It cannot be undone, and holds the vault’s name that long.')
param purgeProtection bool = false

@description('Whose people may sign in: those of this tenant, or of those that the setting AUTH_ALLOWED_TENANTS names.')
@allowed(['AzureADMyOrg', 'AzureADMultipleOrgs', 'AzureADandPersonalMicrosoftAccount'])
param signInAudience string = 'AzureADMyOrg'

@description('Roles that an administrator can give to people in Entra ID. Left out: those of the setting AUTH_REQUIRED_ROLES.')
@maxLength(50)
param appRoles AppRole[] = []

@description('Lets in only people who were assigned to the app in Entra ID; so it is too where a role is required.')
param assignmentRequired bool = false

@description('Settings of the app itself; those left out or empty keep their defaults.')
param settings AppSettings = {}

@description('Who gets a mail when the app fails; empty: nobody.')
@maxLength(254)
param alertEmail string = ''

@description('Gigabytes of logs a day at most. The default stays below the five a month that cost nothing; -1 for no limit.')
@minLength(1)
@maxLength(6)
param dailyLogQuotaGb string = '0.15'

@description('Days that logs are kept; more than 30 are paid for.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

/** The tables that the app uses. */
var tables = [
  'signins'
  'grants'
  'connections'
  'clients'
  'sessions'
  'revocations'
  'assertions'
  'notes'
  'audit'
  'keys'
]

var serviceName = 'mcp'
var token = toLower(uniqueString(subscription().id, environmentName, location, nameSuffix))
var siteName = 'mcp-${token}'
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}${empty(nameSuffix) ? '' : '-${nameSuffix}'}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    private: privateNetwork
    tables: tables
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    private: privateNetwork
    purgeProtection: purgeProtection
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: 'log-${token}'
    componentName: 'appi-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    dailyQuotaGb: dailyLogQuotaGb
    retentionDays: logRetentionDays
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    addressPrefix: networkAddresses
    doors: [
      {
        service: 'blob'
        targetId: storage.outputs.id
        zoneName: 'privatelink.blob.${environment().suffixes.storage}'
      }
      {
        service: 'table'
        targetId: storage.outputs.id
        zoneName: 'privatelink.table.${environment().suffixes.storage}'
      }
      {
        service: 'vault'
        targetId: vault.outputs.id
        zoneName: replace(environment().suffixes.keyvaultDns, '.vault.', 'privatelink.vaultcore.')
      }
    ]
  }
}

// It waits for what its identity may do: the first start and the first deployment need it.
module site 'modules/site.bicep' = {
  scope: group
  params: {
    planName: 'plan-${token}'
    name: siteName
    location: location
    tags: tags
    serviceName: serviceName
    identityId: identity.outputs.id
    packageUrl: storage.outputs.packageUrl
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyInstances: alwaysReadyInstances
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
  }
  // The network waits for the vault too, but it may not be there.
  #disable-next-line no-unnecessary-dependson
  dependsOn: [monitoring, vault]
}

var origin = empty(baseUrl)
  ? 'https://${site.outputs.hostName}'
  : startsWith(baseUrl, 'https://') && length(split(baseUrl, '/')) == 3
      ? baseUrl
      : fail('baseUrl must be https://<host>, with nothing after it.')
var redirectUri = '${origin}/auth/callback'
var landingPage = '${origin}/'

// The person's own tenant, or the door for those of many: Entra ID's names for them.
var signInTenant = {
  AzureADMyOrg: tenant().tenantId
  AzureADMultipleOrgs: 'organizations'
  AzureADandPersonalMicrosoftAccount: 'common'
}[signInAudience]

var requiredRoles = filter(
  map(split(settings.?AUTH_REQUIRED_ROLES ?? '', ','), role => trim(role)),
  role => !empty(role)
)
/** Who has it sees and ends what everybody has connected, at /manage. Nobody has it from the start. */
var administrators = {
  value: 'Admin'
  displayName: 'Administrator'
  description: 'Sees and ends what people have connected.'
}
var rolesToMake = map(requiredRoles, role => {
  value: role
  displayName: role
  description: 'May use the MCP server as ${role}.'
})

module registration 'modules/registration.bicep' = {
  scope: group
  params: {
    uniqueName: 'entra-mcp-${token}'
    displayName: 'MCP server (${environmentName})'
    redirectUri: redirectUri
    landingPage: landingPage
    signInAudience: signInAudience
    appRoles: union(
      [administrators],
      filter(empty(appRoles) ? rolesToMake : appRoles, role => role.value != administrators.value)
    )
    assignmentRequired: assignmentRequired || !empty(requiredRoles)
    groupsInTokens: !empty(settings.?AUTH_ALLOWED_GROUPS)
    principalId: identity.outputs.principalId
  }
}

module siteSettings 'modules/settings.bicep' = {
  scope: group
  params: {
    siteName: siteName
    settings: union(
      {
        AUTH_TENANT_ID: signInTenant
        AUTH_CLIENT_ID: registration.outputs.clientId
        AUTH_MANAGED_IDENTITY_CLIENT_ID: identity.outputs.clientId
        AUTH_REDIRECT_URI: redirectUri
        AUTH_AUTHORITY_HOST: join(take(split(environment().authentication.loginEndpoint, '/'), 3), '/')
        JWT_SECRET_KEY: vault.outputs.jwtSecretKeyReference
        AzureWebJobsStorage__credential: 'managedidentity'
        AzureWebJobsStorage__clientId: identity.outputs.clientId
        AzureWebJobsStorage__blobServiceUri: storage.outputs.blobEndpoint
        AzureWebJobsStorage__tableServiceUri: storage.outputs.tableEndpoint
        AzureWebJobsDisableHomepage: 'true'
        APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
      },
      signInAudience == 'AzureADMyOrg'
        ? {}
        : { AUTH_ALLOWED_TENANTS: tenant().tenantId, AUTH_ADMIN_TENANTS: tenant().tenantId },
      toObject(filter(items(settings), each => !empty(each.?value)), each => each.key, each => each.?value ?? '')
    )
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    displayName: 'MCP server (${environmentName})'
    location: location
    tags: tags
    componentId: monitoring.outputs.id
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    namePrefix: 'mcp-${token}'
    location: location
    tags: tags
    componentId: monitoring.outputs.id
    email: alertEmail
  }
}

var mcpUrl = '${origin}/mcp'
var clientName = 'entra-mcp'
var vsCodeServer = { name: clientName, type: 'http', url: mcpUrl }

@description('Where the resources are.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The app registration; `azd down` leaves it behind.')
output APP_REGISTRATION_CLIENT_ID string = registration.outputs.clientId

@description('In a terminal, for VS Code.')
output CONNECT_VS_CODE string = 'code --add-mcp "${replace(string(vsCodeServer), '"', '\\"')}"'

@description('In a terminal, for Claude Code.')
output CONNECT_CLAUDE_CODE string = 'claude mcp add --transport http ${clientName} ${mcpUrl}'

@description('In a terminal, for Codex.')
output CONNECT_CODEX string = 'codex mcp add ${clientName} --url ${mcpUrl}'

@description('In ~/.cursor/mcp.json, for Cursor.')
output CONNECT_CURSOR string = string({ mcpServers: { '${clientName}': { url: mcpUrl } } })

@description('For people with a browser.')
output LANDING_PAGE string = landingPage

@description('The MCP endpoint.')
output MCP_URL string = mcpUrl
