metadata description = 'What an operator asks of the app, answered from its telemetry: sign-ins, calls, errors, outages.'

@description('What the workbook is called.')
@minLength(1)
@maxLength(100)
param displayName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Application Insights component that is asked.')
param componentId string

var head = {
  type: 1
  name: 'head'
  content: {
    json: 'Spans of the app (`dependencies`) and its counters (`customMetrics`). Sampling is made up for. People are keyed hashes. docs/operations.md says what each field is, and what to do.'
  }
}

var time = {
  type: 9
  name: 'time'
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [
      {
        id: guid('time')
        version: 'KqlParameterItem/1.0'
        name: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: 86400000 }
        typeSettings: {
          selectableValues: [
            { durationMs: 3600000 }
            { durationMs: 14400000 }
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
          ]
        }
      }
    ]
    queryType: 0
    resourceType: 'microsoft.insights/components'
  }
}

/** A counter by its kinds, over time. */
func counted(names string, bin string) string =>
  'customMetrics | where name in (${names}) | extend what = trim(" ", strcat(name, " ", tostring(customDimensions.kind))) | summarize count = sum(valueSum) by bin(timestamp, ${bin}), what'

var questions = [
  {
    name: 'sign-ins'
    title: 'Sign-ins and denials per hour'
    show: 'timechart'
    width: '50'
    query: counted('"sign_ins", "denials"', '1h')
  }
  {
    name: 'renewals'
    title: 'Renewals and revocations per hour'
    show: 'timechart'
    width: '50'
    query: counted('"renewals", "revocations"', '1h')
  }
  {
    name: 'sign-in-time'
    title: 'How long a sign-in takes its person, in seconds'
    show: 'timechart'
    width: '50'
    query: 'dependencies | where name == "sign-in" | summarize percentilesw(duration / 1000, itemCount, 50, 95) by bin(timestamp, 1h)'
  }
  {
    name: 'calls'
    title: 'MCP requests by status'
    show: 'timechart'
    width: '50'
    query: 'dependencies | where name == "mcp" or name startswith "mcp " | summarize count = sum(itemCount) by bin(timestamp, 15m), status = tostring(customDimensions.status)'
  }
  {
    name: 'tools'
    title: 'Tools, the slowest first: milliseconds'
    show: 'table'
    width: '100'
    query: 'dependencies | where name startswith "mcp tools/call" | summarize calls = sum(itemCount), refused = sumif(itemCount, isnotempty(tostring(customDimensions.error))), percentilesw(duration, itemCount, 50, 95, 99) by tool = tostring(customDimensions.tool) | order by percentile_duration_95 desc'
  }
  {
    name: 'tool-times'
    title: 'Latency of tools: 95 of 100 calls, in milliseconds'
    show: 'timechart'
    width: '100'
    query: 'dependencies | where name startswith "mcp tools/call" | summarize percentilesw(duration, itemCount, 95) by bin(timestamp, 15m), tool = tostring(customDimensions.tool)'
  }
  {
    name: 'errors'
    title: 'What was refused or failed, by kind'
    show: 'table'
    width: '50'
    query: 'dependencies | extend error = tostring(customDimensions.error) | where isnotempty(error) | summarize count = sum(itemCount), latest = max(timestamp) by request = name, error, code = tostring(customDimensions.code) | order by count desc'
  }
  {
    name: 'outages'
    title: 'Outages, by the service that did not answer'
    show: 'timechart'
    width: '50'
    query: 'dependencies | extend outage = tostring(customDimensions.outage) | where isnotempty(outage) | summarize requests = sum(itemCount) by bin(timestamp, 5m), outage'
  }
  {
    name: 'trips'
    title: 'Requests to storage, for each request'
    show: 'table'
    width: '50'
    query: 'dependencies | where isnotempty(tostring(customDimensions.storage_trips)) | extend trips = toint(customDimensions.storage_trips) | summarize requests = sum(itemCount), all = sum(trips * itemCount), percentilesw(trips, itemCount, 50, 99), most = max(trips) by request = name | order by all desc'
  }
  {
    name: 'clients'
    title: 'Clients, the busiest first'
    show: 'table'
    width: '50'
    query: 'dependencies | extend client = tostring(customDimensions.client) | where isnotempty(client) and name != "sign-in" | summarize requests = sum(itemCount), people = dcount(tostring(customDimensions.person)), failed = sumif(itemCount, success == false), latest = max(timestamp) by client | top 50 by requests'
  }
  {
    name: 'host'
    title: 'Server errors, as the Functions host saw them'
    show: 'table'
    width: '50'
    query: 'requests | where resultCode startswith "5" or success == false | summarize count = sum(itemCount), latest = max(timestamp) by function = name, resultCode | order by count desc'
  }
  {
    name: 'purges'
    title: 'Purges per hour'
    show: 'barchart'
    width: '50'
    query: counted('"purges"', '1h')
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: componentId
    version: '1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat(
        [head, time],
        map(questions, question => {
          type: 3
          name: question.name
          customWidth: question.width
          content: {
            version: 'KqlItem/1.0'
            title: question.title
            query: question.query
            size: question.show == 'table' ? 0 : 1
            queryType: 0
            resourceType: 'microsoft.insights/components'
            visualization: question.show
            timeContextFromParameter: 'Time'
            noDataMessage: 'Nothing in this time.'
          }
        })
      )
      fallbackResourceIds: [componentId]
    })
  }
}
