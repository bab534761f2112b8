import { TableClient, TableServiceClient } from '@azure/data-tables';
import type { AppServer } from '../support/app-server.ts';

export interface StoredRow {
  table: string;
  partitionKey: string;
  rowKey: string;
  [column: string]: unknown;
}

/** All that an app keeps, of every table or of one, as somebody reads it who has got hold of the storage account. */
export async function storedRows({ storage }: Pick<AppServer, 'storage'>, only?: string): Promise<StoredRow[]> {
  const insecure = { allowInsecureConnection: true };
  const rows: StoredRow[] = [];
  for await (const { name = '' } of TableServiceClient.fromConnectionString(
    storage.connectionString,
    insecure,
  ).listTables()) {
    if (only !== undefined && name !== only) continue;
    for await (const row of tableOf(storage, name).listEntities())
      rows.push({ ...row, table: name } as unknown as StoredRow);
  }
  return rows;
}

/** Changes columns of a row behind the app's back. */
export async function changeRow(
  { storage }: Pick<AppServer, 'storage'>,
  row: StoredRow,
  columns: Record<string, string>,
) {
  const { table, partitionKey, rowKey } = row;
  await tableOf(storage, table).updateEntity({ partitionKey, rowKey, ...columns }, 'Merge');
}

function tableOf({ connectionString }: AppServer['storage'], name: string): TableClient {
  return TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true });
}
