metadata description = 'The vault and in it the app’s one secret, which the first deployment makes and nobody sees.'

@description('Name of the vault, unique in all of Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Principal that reads the secret.')
param principalId string

@description('Whether only a private endpoint leads here.')
param private bool

@description('Whether a deleted vault and secret can be brought back for 90 days whatever anyone does; it cannot be undone.')
param purgeProtection bool

@description('First third of the key; leave all three as they are.')
@secure()
@minLength(32)
param keyPart1 string = newGuid()

@description('Second third of the key.')
@secure()
@minLength(32)
param keyPart2 string = newGuid()

@description('Last third of the key.')
@secure()
@minLength(32)
param keyPart3 string = newGuid()

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    // Azure takes no `false` here, only the absence of `true`.
    enablePurgeProtection: purgeProtection ? true : null
    softDeleteRetentionInDays: 90
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: private ? 'Deny' : 'Allow'
    }
  }
}

// Made once. Every later deployment leaves it alone, so that sign-ins and what is sealed in storage live on.
@onlyIfNotExists()
resource jwtSecretKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'jwt-secret-key'
  properties: {
    contentType: 'JWT_SECRET_KEY: hex, several separated by commas'
    value: replace('${keyPart1}${keyPart2}${keyPart3}', '-', '')
  }
}

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, name, keyVaultSecretsUser)
  // The secret, not the vault: whatever else is put into the vault later is none of the app's business.
  scope: jwtSecretKey
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

@description('The vault as a resource.')
output id string = vault.id

@description('Where the site finds the secret; without a version, so that a new one is taken by itself.')
output jwtSecretKeyReference string = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/${jwtSecretKey.name})'
