/** Every query of the workbook, the alerts and docs/operations.md, read by Kusto's own parser against the tables' columns. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Json } from './evaluate.ts';
import { SNAPSHOTS } from './snapshots.ts';

/** The little of the parser that is used here; it is compiled from C#. */
interface List<T> {
  Count: number;
  getItem(index: number): T;
}
interface Kusto {
  Language: {
    GlobalState: { Default: { WithDatabase(database: object): object } };
    KustoCode: { ParseAndAnalyze(query: string, globals: object): { GetDiagnostics(): List<{ Message: string }> } };
    Symbols: {
      DatabaseSymbol: { ctor: new (name: string, tables: object[]) => object };
      TableSymbol: { From(columns: string): { WithName(name: string): object } };
    };
  };
}

/** Its files are scripts for a page: what they declare is global. */
function loadKusto(): Kusto['Language'] {
  const require = createRequire(import.meta.url);
  for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
    const filename = require.resolve(`@kusto/language-service-next/${file}`);
    runInThisContext(readFileSync(filename, 'utf8'), { filename });
  }
  return (globalThis as unknown as { Kusto: Kusto }).Kusto.Language;
}

/** The columns that every table of Application Insights has, and those of each. */
const common =
  'timestamp:datetime,itemType:string,itemCount:int,customDimensions:dynamic,customMeasurements:dynamic,operation_Name:string,operation_Id:string,operation_ParentId:string,cloud_RoleName:string,cloud_RoleInstance:string';
const tables = {
  requests:
    'id:string,source:string,name:string,url:string,success:string,resultCode:string,duration:real,performanceBucket:string',
  dependencies:
    'id:string,target:string,type:string,name:string,data:string,success:string,resultCode:string,duration:real,performanceBucket:string',
  customMetrics: 'name:string,value:real,valueCount:int,valueSum:real,valueMin:real,valueMax:real,valueStdDev:real',
  traces: 'message:string,severityLevel:int',
};

const { GlobalState, KustoCode, Symbols } = loadKusto();
const insights = GlobalState.Default.WithDatabase(
  new Symbols.DatabaseSymbol.ctor(
    'insights',
    Object.entries(tables).map(([name, columns]) => Symbols.TableSymbol.From(`(${common},${columns})`).WithName(name)),
  ),
);

function problems(query: string): string[] {
  const found = KustoCode.ParseAndAnalyze(query, insights).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, index) => found.getItem(index).Message);
}

/** Each `query` in a resource, in the workbook's JSON too. */
function queriesIn(value: Json): string[] {
  if (typeof value === 'string') return value.startsWith('{"version":"Notebook') ? queriesIn(JSON.parse(value)) : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    name === 'query' && typeof each === 'string' ? [each] : queriesIn(each),
  );
}

const deployed = SNAPSHOTS.flatMap(({ resources }) => resources.flatMap(({ properties }) => queriesIn(properties)));
const operations = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const documented = [...operations.matchAll(/```kusto\n([\s\S]*?)```/g)].map(([, query = '']) => query);

test('the parser finds a word that is not to be a name, and a column that is not there', () => {
  expect(problems('requests | summarize last = max(timestamp) by name')).toHaveLength(1);
  expect(problems('requests | where tool == 1')).toHaveLength(1);
});

test('all queries are found', () => {
  expect(new Set(deployed).size).toBeGreaterThanOrEqual(14);
  expect(documented.length).toBeGreaterThanOrEqual(2);
});

test.each([...new Set([...deployed, ...documented])])('%s', query => {
  expect(problems(query)).toEqual([]);
});
