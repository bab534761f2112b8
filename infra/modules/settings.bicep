metadata description = 'The settings of the site.'

@description('Name of the site.')
param siteName string

@description('Setting by setting.')
param settings { *: string }

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: siteName

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: settings
  }
}
