metadata description = 'What an operator must hear of: failures, and an hourly purge that does not run.'

@description('Region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Begins the names of the rules.')
@minLength(1)
@maxLength(60)
param namePrefix string

@description('Application Insights component that is watched.')
param componentId string

@description('Who gets mail; empty: the alerts are seen in the portal alone.')
param email string

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: '${namePrefix}-mail'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'mcp'
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var rules = [
  {
    name: 'failures'
    about: 'Five requests or more were answered with a server error within 15 minutes.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT15M'
    query: 'requests | where resultCode startswith "5" | summarize found = sum(itemCount)'
    operator: 'GreaterThanOrEqual'
    threshold: 5
  }
  {
    name: 'purge-not-running'
    about: 'The hourly purge has not succeeded for three hours: what has expired is not deleted.'
    severity: 2
    frequency: 'PT1H'
    window: 'PT3H'
    // The host tells of a part of its requests alone when there are many, and not of the one that an instance was started
    // for: so the app’s own word for it counts too.
    query: 'union isfuzzy=true (requests | where name =~ "purge" and success == true | project timestamp), (customMetrics | where name == "purges" | project timestamp) | summarize found = count()'
    operator: 'LessThan'
    threshold: 1
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${namePrefix}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${namePrefix}: ${rule.name}'
      description: rule.about
      severity: rule.severity
      enabled: true
      scopes: [componentId]
      evaluationFrequency: rule.frequency
      windowSize: rule.window
      autoMitigate: true
      // A component that has not seen a request yet has no such table.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Total'
            metricMeasureColumn: 'found'
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: { actionGroups: empty(email) ? [] : [mail.id] }
    }
  }
]
