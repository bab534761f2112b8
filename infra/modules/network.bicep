metadata description = 'A network of its own: the app leaves by one subnet, storage and vault are reached by private endpoints in the other.'

@description('Name of the network.')
@minLength(2)
@maxLength(50)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Addresses of the network, at least 128 of them.')
@minLength(9)
@maxLength(18)
param addressPrefix string

@description('What private endpoints lead to: a service of a resource, and the DNS zone of its private addresses.')
param doors Door[]

@sealed()
type Door = {
  @description('Service of the target.')
  service: 'blob' | 'table' | 'vault'

  @description('A resource.')
  targetId: string

  @description('DNS zone.')
  zoneName: string
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          delegations: [
            {
              name: 'flex-consumption'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: cidrSubnet(addressPrefix, 27, 2) }
      }
    ]
  }

  resource app 'subnets' existing = { name: 'app' }
  resource endpoints 'subnets' existing = { name: 'endpoints' }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for door in doors: {
    name: door.zoneName
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (door, index) in doors: {
    parent: zones[index]
    name: name
    location: 'global'
    tags: tags
    properties: {
      virtualNetwork: { id: network.id }
      registrationEnabled: false
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for door in doors: {
    name: 'pe-${door.service}-${name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        {
          name: door.service
          properties: {
            privateLinkServiceId: door.targetId
            groupIds: [door.service]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (door, index) in doors: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: door.service
          properties: { privateDnsZoneId: zones[index].id }
        }
      ]
    }
  }
]

@description('Subnet that the app leaves by.')
output appSubnetId string = network::app.id
