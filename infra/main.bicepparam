using 'main.bicep'

// azd sets these two.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')

// Each of these is chosen with `azd env set <name> <value>` and takes effect with the next `azd up`.
param nameSuffix = readEnvironmentVariable('INFRA_NAME_SUFFIX', '')
param baseUrl = readEnvironmentVariable('INFRA_BASE_URL', '')
param nodeVersion = readEnvironmentVariable('INFRA_NODE_VERSION', '24')
param instanceMemoryMB = json(readEnvironmentVariable('INFRA_MEMORY_MB', '2048'))
param maximumInstances = int(readEnvironmentVariable('INFRA_MAXIMUM_INSTANCES', '40'))
param alwaysReadyInstances = int(readEnvironmentVariable('INFRA_ALWAYS_READY', '0'))
param privateNetwork = bool(readEnvironmentVariable('INFRA_PRIVATE_NETWORK', 'false'))
param networkAddresses = readEnvironmentVariable('INFRA_NETWORK_ADDRESSES', '10.90.0.0/24')
param purgeProtection = bool(readEnvironmentVariable('INFRA_PURGE_PROTECTION', 'false'))
param signInAudience = readEnvironmentVariable('INFRA_SIGN_IN_AUDIENCE', 'AzureADMyOrg')
param appRoles = json(readEnvironmentVariable('INFRA_APP_ROLES', '[]'))
param assignmentRequired = bool(readEnvironmentVariable('INFRA_ASSIGNMENT_REQUIRED', 'false'))
param alertEmail = readEnvironmentVariable('INFRA_ALERT_EMAIL', '')
param dailyLogQuotaGb = readEnvironmentVariable('INFRA_DAILY_LOG_QUOTA_GB', '0.15')
param logRetentionDays = int(readEnvironmentVariable('INFRA_LOG_RETENTION_DAYS', '30'))

// The app's own settings, each by its name with APP_ before it.
param settings = {
  AUTH_ALLOWED_TENANTS: readEnvironmentVariable('APP_AUTH_ALLOWED_TENANTS', '')
  AUTH_REQUIRED_ROLES: readEnvironmentVariable('APP_AUTH_REQUIRED_ROLES', '')
  AUTH_ALLOWED_GROUPS: readEnvironmentVariable('APP_AUTH_ALLOWED_GROUPS', '')
  AUTH_HELP_URL: readEnvironmentVariable('APP_AUTH_HELP_URL', '')
  AUTH_OFFLINE_GRACE_SECONDS: readEnvironmentVariable('APP_AUTH_OFFLINE_GRACE_SECONDS', '')
  AUTH_SCOPES: readEnvironmentVariable('APP_AUTH_SCOPES', '')
  TOKEN_EXPIRY_SECONDS: readEnvironmentVariable('APP_TOKEN_EXPIRY_SECONDS', '')
  REFRESH_RETRY_SECONDS: readEnvironmentVariable('APP_REFRESH_RETRY_SECONDS', '')
  REFRESH_IDLE_SECONDS: readEnvironmentVariable('APP_REFRESH_IDLE_SECONDS', '')
  REFRESH_MAX_SECONDS: readEnvironmentVariable('APP_REFRESH_MAX_SECONDS', '')
  ALLOWED_ORIGINS: readEnvironmentVariable('APP_ALLOWED_ORIGINS', '')
  CLIENT_REGISTRATION: readEnvironmentVariable('APP_CLIENT_REGISTRATION', '')
  CLIENT_METADATA_DOCUMENTS: readEnvironmentVariable('APP_CLIENT_METADATA_DOCUMENTS', '')
  CLIENT_ALLOWLIST: readEnvironmentVariable('APP_CLIENT_ALLOWLIST', '')
  CLIENT_DENYLIST: readEnvironmentVariable('APP_CLIENT_DENYLIST', '')
  PREREGISTERED_CLIENTS: readEnvironmentVariable('APP_PREREGISTERED_CLIENTS', '')
  PRIVATE_USE_SCHEMES: readEnvironmentVariable('APP_PRIVATE_USE_SCHEMES', '')
  MCP_RATE_LIMIT: readEnvironmentVariable('APP_MCP_RATE_LIMIT', '')
  TRUSTED_PROXY_HOPS: readEnvironmentVariable('APP_TRUSTED_PROXY_HOPS', '')
  NOTES_PER_PERSON: readEnvironmentVariable('APP_NOTES_PER_PERSON', '')
  SCRIPT_TOKENS: readEnvironmentVariable('APP_SCRIPT_TOKENS', '')
  HTTP_STREAMING: readEnvironmentVariable('APP_HTTP_STREAMING', '')
  LOG_LEVEL: readEnvironmentVariable('APP_LOG_LEVEL', '')
}
