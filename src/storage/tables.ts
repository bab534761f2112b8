import type { TableClient, TableServiceClientOptions, TransactionAction } from '@azure/data-tables';
import { UnavailableError } from '../http/errors.ts';

/**
 * The one door to Azure Tables: typed rows, conditional writes whose outcome is
 * a value and not an exception, and outages told apart from refusals.
 *
 * The client retries by itself. A lost reply can thus turn a write that won
 * into "exists" or "changed": who gets one of these must read the row back and
 * look whose write it bears. The repositories do so.
 */

export interface RowKeys {
  partitionKey: string;
  rowKey: string;
}

/** A row's columns. Azure Tables stores no null: absent is `undefined`. */
export type Columns = Record<string, string | number | boolean | undefined>;

export type Stored<T> = T & RowKeys & { readonly etag: string };

export type ConditionalWrite =
  | { type: 'insert'; row: RowKeys & Columns }
  | { type: 'replace'; row: RowKeys & Columns; etag: string };

/** Alone, columns of a row that is there may be set whatever else it holds, and a row may go if it is that of an ETag. */
export type SingleWrite =
  | ConditionalWrite
  | { type: 'merge'; row: RowKeys & Columns }
  | { type: 'delete'; keys: RowKeys; etag: string };

/** In a transaction a row may also go, whatever it holds. */
export type TransactionWrite = ConditionalWrite | { type: 'delete'; keys: RowKeys };

/** `exists`: an insert found a row. `changed`: the row is not the one of this ETag, or is gone. */
export type Outcome = 'written' | 'exists' | 'changed';

export interface Table {
  /** One point read. */
  read<T extends Columns>(keys: RowKeys): Promise<Stored<T> | undefined>;
  /** One write; `written` when it landed. */
  write(write: SingleWrite): Promise<Outcome>;
  /** Writes or replaces a row whatever is there. */
  upsert(row: RowKeys & Columns): Promise<void>;
  /** Deletes a row whatever is there; `false` when there was none. */
  remove(keys: RowKeys): Promise<boolean>;
  /** All or nothing, in one partition, 100 writes at most. */
  transaction(writes: readonly [TransactionWrite, ...TransactionWrite[]]): Promise<Outcome>;
  /** One page of the rows that match, in key order. `filter` is OData, its values put in by {@link odata}. */
  page<T extends Columns>(filter: string, size: number, continuation?: string): Promise<Page<T>>;
}

export interface Page<T> {
  rows: Stored<T>[];
  /** Where the next page begins; absent on the last one. */
  continuation?: string;
}

export interface TablesOptions {
  /** A storage connection string, or the table service's URI with a credential (a managed identity). */
  connection: { connectionString: string } | { tableServiceUri: string; managedIdentityClientId?: string };
  /** How long one operation may take with all its retries, in milliseconds. */
  timeoutMs?: number;
  /** Told of each request to storage, retries too, before it is sent. */
  onTrip?: () => void;
}

const TABLE_NAMES = [
  'signins',
  'grants',
  'connections',
  'clients',
  'sessions',
  'revocations',
  'assertions',
  'notes',
  'audit',
  'keys',
] as const;
export type TableName = (typeof TABLE_NAMES)[number];

export interface Tables {
  table(name: TableName): Table;
  /** Loads the client's code, so that the first request need not wait for it. */
  preload(): Promise<void>;
}

/** Puts values into an OData filter, quoted: odata`PartitionKey eq ${key}`. */
export function odata(strings: TemplateStringsArray, ...values: string[]): string {
  return strings.reduce((filter, part, i) => `${filter}'${(values[i - 1] ?? '').replaceAll("'", "''")}'${part}`);
}

/**
 * Six tries, the last within two seconds: when one answer in five is a 503,
 * with five of them one renewal in a thousand fails.
 */
const RETRIES = { maxRetries: 5, retryDelayInMs: 50, maxRetryDelayInMs: 1_000 };

type AdditionalPolicy = NonNullable<TableServiceClientOptions['additionalPolicies']>[number];

/** Opens the tables. Nothing is loaded or sent before the first operation. */
export function openTables(options: TablesOptions): Tables {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const { onTrip } = options;
  const clientOptions: TableServiceClientOptions = {
    retryOptions: RETRIES,
    ...(onTrip ? { additionalPolicies: [{ policy: tellOf(onTrip), position: 'perRetry' }] } : {}),
  };
  let library: Promise<typeof import('@azure/data-tables')> | undefined;
  const load = () => {
    library ??= import('@azure/data-tables');
    return library;
  };
  const clients = new Map<TableName, Promise<TableClient>>();

  async function connect(name: TableName): Promise<TableClient> {
    const { TableClient } = await load();
    const { connection } = options;
    if ('connectionString' in connection) {
      return TableClient.fromConnectionString(connection.connectionString, name, {
        ...clientOptions,
        allowInsecureConnection: true,
      });
    }
    const { ManagedIdentityCredential } = await import('@azure/identity');
    const credential = connection.managedIdentityClientId
      ? new ManagedIdentityCredential({ clientId: connection.managedIdentityClientId })
      : new ManagedIdentityCredential();
    return new TableClient(connection.tableServiceUri, name, credential, clientOptions);
  }

  function client(name: TableName): Promise<TableClient> {
    let opened = clients.get(name);
    if (!opened) {
      opened = connect(name);
      clients.set(name, opened);
      opened.catch(() => clients.delete(name));
    }
    return opened;
  }

  /** Runs an operation; makes the table when it is missing; an outage becomes {@link UnavailableError}. */
  async function run<T>(
    name: TableName,
    operation: (client: TableClient, signal: AbortSignal) => Promise<T>,
    refusal: (error: ServiceError) => T | undefined,
  ): Promise<T> {
    const signal = AbortSignal.timeout(timeoutMs);
    const table = await client(name).catch(error => {
      throw new UnavailableError('storage', error);
    });
    const attempt = async () => {
      try {
        return await operation(table, signal);
      } catch (error) {
        const refused = isServiceError(error) ? refusal(error) : undefined;
        if (refused !== undefined) return refused;
        throw error;
      }
    };
    try {
      return await attempt();
    } catch (error) {
      if (!isServiceError(error) || errorCode(error) !== 'TableNotFound') throw toUnavailable(error);
    }
    try {
      await table.createTable({ abortSignal: signal });
      return await attempt();
    } catch (error) {
      throw toUnavailable(error);
    }
  }

  const writeRefusal = (error: ServiceError): Outcome | undefined => {
    const code = errorCode(error);
    if (error.statusCode === 409 && code === 'EntityAlreadyExists') return 'exists';
    if (error.statusCode === 412) return 'changed';
    if (isMissingRow(error)) return 'changed';
    return undefined;
  };

  function openTable(name: TableName): Table {
    return {
      read: async <T extends Columns>({ partitionKey, rowKey }: RowKeys): Promise<Stored<T> | undefined> => {
        const row = await run<Stored<T> | 'none'>(
          name,
          async (table, abortSignal) => toStored<T>(await table.getEntity(partitionKey, rowKey, { abortSignal })),
          error => (isMissingRow(error) ? 'none' : undefined),
        );
        return row === 'none' ? undefined : row;
      },
      write: write =>
        run<Outcome>(
          name,
          async (table, abortSignal) => {
            await writeOne(table, write, abortSignal);
            return 'written';
          },
          writeRefusal,
        ),
      upsert: row =>
        run<void>(
          name,
          async (table, abortSignal) => {
            await table.upsertEntity(row, 'Replace', { abortSignal });
          },
          () => undefined,
        ),
      remove: ({ partitionKey, rowKey }) =>
        run<boolean>(
          name,
          async (table, abortSignal) => {
            await table.deleteEntity(partitionKey, rowKey, { abortSignal });
            return true;
          },
          error => (isMissingRow(error) ? false : undefined),
        ),
      transaction: writes =>
        run<Outcome>(
          name,
          async (table, abortSignal) => {
            await table.submitTransaction(writes.map(toAction), { abortSignal });
            return 'written';
          },
          writeRefusal,
        ),
      page: <T extends Columns>(filter: string, size: number, continuation?: string) =>
        run<Page<T>>(
          name,
          async (table, abortSignal) => {
            const pages = table
              .listEntities({ queryOptions: { filter }, abortSignal })
              .byPage({ maxPageSize: size, ...(continuation ? { continuationToken: continuation } : {}) });
            // A page may be empty although more follow.
            for (;;) {
              const { value, done } = await pages.next();
              if (done || !value) return { rows: [] };
              const next = value.continuationToken;
              const rows = [...value].map(row => toStored<T>(row));
              if (rows.length > 0 || !next) return next ? { rows, continuation: next } : { rows };
            }
          },
          () => undefined,
        ),
    };
  }

  const tables = new Map<TableName, Table>(TABLE_NAMES.map(name => [name, openTable(name)]));
  return {
    table: name => tables.get(name) ?? openTable(name),
    preload: async () => {
      await Promise.all([load(), ...('connectionString' in options.connection ? [] : [import('@azure/identity')])]);
    },
  };
}

function tellOf(onTrip: () => void): AdditionalPolicy['policy'] {
  return {
    name: 'tellOfTrips',
    sendRequest: (request, next) => {
      onTrip();
      return next(request);
    },
  };
}

async function writeOne(table: TableClient, write: SingleWrite, abortSignal: AbortSignal): Promise<unknown> {
  switch (write.type) {
    case 'insert':
      return table.createEntity(write.row, { abortSignal });
    case 'replace':
      return table.updateEntity(write.row, 'Replace', { etag: write.etag, abortSignal });
    case 'merge':
      return table.updateEntity(write.row, 'Merge', { etag: '*', abortSignal });
    case 'delete':
      return table.deleteEntity(write.keys.partitionKey, write.keys.rowKey, { etag: write.etag, abortSignal });
  }
}

function toAction(write: TransactionWrite): TransactionAction {
  switch (write.type) {
    case 'insert':
      return ['create', write.row];
    case 'replace':
      return ['update', write.row, 'Replace', { etag: write.etag }];
    case 'delete':
      return ['delete', { ...write.keys }];
  }
}

function toStored<T>(entity: Record<string, unknown>): Stored<T> {
  const { timestamp: _timestamp, 'odata.metadata': _metadata, ...columns } = entity;
  return columns as unknown as Stored<T>;
}

/** What the tables client throws for an answer that is not a success. */
interface ServiceError extends Error {
  statusCode?: number;
  code?: string;
  details?: { odataError?: { code?: string }; code?: string };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && error.name === 'RestError';
}

function errorCode(error: ServiceError): string | undefined {
  return error.details?.odataError?.code ?? error.details?.code ?? error.code;
}

/** By storage's own word alone: a 404 of anything on the way to it says nothing about a row. */
function isMissingRow(error: ServiceError): boolean {
  return error.statusCode === 404 && MISSING_ROW.has(errorCode(error) ?? '');
}

const MISSING_ROW = new Set(['ResourceNotFound', 'EntityNotFound']);

/** A fault of ours (a row that storage refuses) stays what it is; everything else is an outage. */
function toUnavailable(error: unknown): unknown {
  if (isServiceError(error) && error.statusCode === 400) return error;
  return new UnavailableError('storage', error);
}
