metadata description = 'The managed identity that the app runs as: it reaches storage, the vault and Entra ID without a secret.'

@description('Name of the identity.')
@minLength(3)
@maxLength(128)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

@description('The identity as a resource, for what it is attached to.')
output id string = identity.id

@description('The identity as a client asking for tokens.')
output clientId string = identity.properties.clientId

@description('The identity as a principal, for role assignments and as the subject of its own tokens.')
output principalId string = identity.properties.principalId
