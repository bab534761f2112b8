metadata description = 'The app registration in Entra ID, its service principal, and the managed identity as its only credential.'

extension microsoftGraphV1

import { AppRole } from 'types.bicep'

@description('Key of the registration, unique in the tenant. A deleted one keeps it for 30 days.')
@minLength(3)
@maxLength(120)
param uniqueName string

@description('Name that people read when they sign in.')
@minLength(1)
@maxLength(120)
param displayName string

@description('Where Entra ID sends people back.')
param redirectUri string

@description('Where people go who open the app from their list of apps.')
param landingPage string

@description('Whose people may sign in.')
@allowed(['AzureADMyOrg', 'AzureADMultipleOrgs', 'AzureADandPersonalMicrosoftAccount'])
param signInAudience string

@description('Roles that an administrator can give to people.')
param appRoles AppRole[]

@description('Whether only people who were assigned to the app may sign in.')
param assignmentRequired bool

@description('Whether tokens tell a person’s groups. Of more than fit into a token, Microsoft Graph is asked.')
param groupsInTokens bool

@description('Principal of the managed identity that stands in for a client secret.')
param principalId string

/** What is asked for, and nothing else. */
var permissions = union(
  {
    openid: '37f7f235-527c-4136-accd-4a02d197296e'
    profile: '14dad69e-099b-42c9-810b-d002981feec1'
    email: '64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0'
    offline_access: '7427e0e9-2fba-42fe-b0c0-848c9e6a8182'
  },
  groupsInTokens ? { 'User.Read': 'e1fe6dd8-ba31-4d61-89e7-88639da4683d' } : {}
)

/** What a federated credential's tokens are for: another name in each cloud. */
var tokenExchange = {
  AzureUSGovernment: 'api://AzureADTokenExchangeUSGov'
  AzureChinaCloud: 'api://AzureADTokenExchangeChina'
}[?environment().name] ?? 'api://AzureADTokenExchange'

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: signInAudience
  web: {
    // The second one is where signing out of Entra ID comes back to.
    redirectUris: [redirectUri, landingPage]
    homePageUrl: landingPage
    logoutUrl: '${landingPage}auth/front-channel-logout'
    implicitGrantSettings: {
      enableAccessTokenIssuance: false
      enableIdTokenIssuance: false
    }
  }
  isFallbackPublicClient: false
  api: { requestedAccessTokenVersion: 2 }
  requiredResourceAccess: [
    {
      // Microsoft Graph
      resourceAppId: '00000003-0000-0000-c000-000000000000'
      resourceAccess: map(items(permissions), permission => { id: permission.value, type: 'Scope' })
    }
  ]
  optionalClaims: {
    idToken: map(['email', 'sid', 'auth_time'], claim => { name: claim, essential: false })
  }
  groupMembershipClaims: groupsInTokens ? 'SecurityGroup' : null
  appRoles: [
    for role in appRoles: {
      id: guid(uniqueName, role.value)
      value: role.value
      displayName: role.displayName
      description: role.description
      allowedMemberTypes: ['User']
      isEnabled: role.?isEnabled ?? true
    }
  ]

  resource identityAsCredential 'federatedIdentityCredentials' = {
    name: '${application.uniqueName}/managed-identity'
    description: 'The app’s managed identity signs in as the app.'
    issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
    subject: principalId
    audiences: [tokenExchange]
  }
}

resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  appRoleAssignmentRequired: assignmentRequired
  // Without it the portal's list of enterprise applications does not show the app.
  tags: ['WindowsAzureActiveDirectoryIntegratedApp']
}

@description('The application (client) ID.')
output clientId string = application.appId
