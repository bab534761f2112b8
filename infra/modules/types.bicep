metadata description = 'What several modules take.'

@export()
@description('A role that an administrator can give to people.')
@sealed()
type AppRole = {
  @description('As it stands in tokens.')
  @minLength(1)
  @maxLength(120)
  value: string

  @description('As administrators read it.')
  @minLength(1)
  @maxLength(120)
  displayName: string

  @description('What it is for.')
  @minLength(1)
  @maxLength(256)
  description: string

  @description('Only a role that a deployment before has disabled can be left out. Absent: true.')
  isEnabled: bool?
}

@export()
@description('Settings of the app that a deployment may choose, by their own names. README’s table says what each is for.')
@sealed()
type AppSettings = {
  @description('Tenants that are let in, where signInAudience admits those of many; left out, this tenant alone.')
  @maxLength(4000)
  AUTH_ALLOWED_TENANTS: string?

  @description('App roles: who has none of them may not enter. They are made, unless appRoles names the roles.')
  @maxLength(4000)
  AUTH_REQUIRED_ROLES: string?

  @description('Groups: who is in none of them may not enter. Tokens then carry groups.')
  @maxLength(4000)
  AUTH_ALLOWED_GROUPS: string?

  @description('Tenants whose people may be administrators, where people of many may sign in. Left out: this tenant.')
  @maxLength(4000)
  AUTH_ADMIN_TENANTS: string?

  @description('Page that tells people whom to ask when they may not enter.')
  @maxLength(1000)
  AUTH_HELP_URL: string?

  @description('How long renewals go on while Entra ID cannot be reached.')
  @maxLength(5)
  AUTH_OFFLINE_GRACE_SECONDS: string?

  @description('What the app asks of Entra ID at sign-in.')
  @maxLength(1000)
  AUTH_SCOPES: string?

  @description('How long an access token lives.')
  @maxLength(5)
  TOKEN_EXPIRY_SECONDS: string?

  @description('How long a spent refresh token still gets its successor again.')
  @maxLength(3)
  REFRESH_RETRY_SECONDS: string?

  @description('How long a client stays signed in without renewing.')
  @maxLength(8)
  REFRESH_IDLE_SECONDS: string?

  @description('How long a client stays signed in at most.')
  @maxLength(9)
  REFRESH_MAX_SECONDS: string?

  @description('Web origins whose pages may call the MCP endpoint.')
  @maxLength(4000)
  ALLOWED_ORIGINS: string?

  @description('Whether clients may register themselves.')
  CLIENT_REGISTRATION: ('' | 'on' | 'off')?

  @description('Whether a client may be named by the URL of its metadata document.')
  CLIENT_METADATA_DOCUMENTS: ('' | 'on' | 'off')?

  @description('Hosts whose metadata documents are let in, and no others.')
  @maxLength(4000)
  CLIENT_ALLOWLIST: string?

  @description('Hosts whose metadata documents are refused.')
  @maxLength(4000)
  CLIENT_DENYLIST: string?

  @description('Clients registered by hand: JSON. It holds hashes of secrets, never a secret.')
  @maxLength(16000)
  PREREGISTERED_CLIENTS: string?

  @description('Further schemes of native clients.')
  @maxLength(1000)
  PRIVATE_USE_SCHEMES: string?

  @description('Servers elsewhere that verify tokens of this app: JSON.')
  @maxLength(16000)
  RESOURCES: string?

  @description('MCP servers of others that are reached through this app.')
  @maxLength(4000)
  GATEWAY_UPSTREAMS: string?

  @description('The scopes of those servers: JSON.')
  @maxLength(16000)
  GATEWAY_SCOPES: string?

  @description('Which of their tools who may use: JSON.')
  @maxLength(16000)
  GATEWAY_TOOLS: string?

  @description('How long such a server may take until it begins to answer.')
  @maxLength(3)
  GATEWAY_TIMEOUT_SECONDS: string?

  @description('How large a request to such a server may be, and its answer.')
  @maxLength(9)
  GATEWAY_MAX_BYTES: string?

  @description('MCP requests of one person in a minute at one instance.')
  @maxLength(7)
  MCP_RATE_LIMIT: string?

  @description('How long a call of a tool may take, in seconds.')
  @maxLength(3)
  TOOL_TIMEOUT_SECONDS: string?

  @description('Which entry of X-Forwarded-For is the client’s address, counted from the end.')
  @maxLength(2)
  TRUSTED_PROXY_HOPS: string?

  @description('Notes that a person may keep.')
  @maxLength(5)
  NOTES_PER_PERSON: string?

  @description('How long audit events are kept, in days.')
  @maxLength(3)
  AUDIT_RETENTION_DAYS: string?

  @description('Whether the landing page gives out tokens for scripts.')
  SCRIPT_TOKENS: ('' | 'on' | 'off')?

  @description('Whether the Functions host streams.')
  HTTP_STREAMING: ('' | 'on' | 'off')?

  @description('The least important lines that are logged.')
  LOG_LEVEL: ('' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR')?

  @description('What part of all traces goes to Application Insights.')
  @maxLength(8)
  TELEMETRY_SAMPLING: string?
}
