import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { TableClient, type TableEntity, TableServiceClient, type TransactionAction } from '@azure/data-tables';
import type { PersonName } from '../../../dev/entra/index.ts';

/** What a release had stored, and what its clients held. Nothing in it is a secret of anybody: it was made by a test, for tests. */
export interface ReleaseFixture {
  readonly release: string;
  /** The commit that made it, where the code of the release is taken from again. */
  readonly commit: string;
  /** Milliseconds since the epoch. */
  readonly madeAt: number;
  /** The port of its public origin, `http://localhost:PORT`, which its tokens name. */
  readonly port: number;
  /** Its `JWT_SECRET_KEY`. */
  readonly key: string;
  readonly rows: Readonly<Record<string, readonly StoredRow[]>>;
  readonly grants: readonly HeldGrant[];
  /** Codes that are not redeemed yet. */
  readonly codes: readonly { clientId: string; code: string; verifier: string }[];
  /** The cookies of a browser in which somebody is signed in. */
  readonly cookie: string;
  /** Entra's refresh tokens that are sealed in the rows, and whose they are. */
  readonly upstream: Readonly<Record<string, PersonName>>;
}

export interface StoredRow {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly [column: string]: string | number | boolean;
}

/** What a client held of a grant. */
export interface HeldGrant {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** It was revoked, and so has to stay. */
  readonly isRevoked?: boolean;
}

const FOLDER = import.meta.dirname;
const ENDING = '.json.gz';

/** All that are kept, the oldest release first. */
export async function readFixtures(): Promise<ReleaseFixture[]> {
  const names = (await readdir(FOLDER)).filter(name => name.endsWith(ENDING));
  const fixtures = names.map(async name => {
    const text = (await promisify(gunzip)(await readFile(join(FOLDER, name)))).toString();
    return JSON.parse(text) as ReleaseFixture;
  });
  return (await Promise.all(fixtures)).sort((a, b) => a.madeAt - b.madeAt);
}

/** Keeps a fixture, and gives its size in bytes. */
export async function writeFixture(fixture: ReleaseFixture): Promise<number> {
  const bytes = await promisify(gzip)(JSON.stringify(fixture), { level: 9 });
  await writeFile(join(FOLDER, `${fixture.release}${ENDING}`), bytes);
  return bytes.length;
}

const INSECURE = { allowInsecureConnection: true };

/** All rows of all tables. */
export async function dumpRows(connectionString: string): Promise<Record<string, StoredRow[]>> {
  const rows: Record<string, StoredRow[]> = {};
  for await (const { name = '' } of TableServiceClient.fromConnectionString(connectionString, INSECURE).listTables()) {
    const own: StoredRow[] = [];
    for await (const entity of TableClient.fromConnectionString(connectionString, name, INSECURE).listEntities()) {
      const { etag: _etag, timestamp: _timestamp, 'odata.metadata': _metadata, ...columns } = entity;
      // Numbers and texts alone come back as they were.
      const odd = Object.entries(columns).find(([, value]) => typeof value === 'object' || typeof value === 'bigint');
      if (odd) throw new Error(`${name} has a column ${odd[0]} of a type that this cannot keep.`);
      own.push(columns as StoredRow);
    }
    rows[name] = own;
  }
  return rows;
}

/** How many rows a transaction may have. */
const TRANSACTION = 100;

/** Puts rows into empty tables. */
export async function loadRows(connectionString: string, rows: ReleaseFixture['rows']): Promise<void> {
  for (const [name, all] of Object.entries(rows)) {
    const table = TableClient.fromConnectionString(connectionString, name, INSECURE);
    await table.createTable();
    for (const own of Map.groupBy(all, ({ partitionKey }) => partitionKey).values()) {
      for (let at = 0; at < own.length; at += TRANSACTION) {
        const writes = own.slice(at, at + TRANSACTION);
        await table.submitTransaction(writes.map((row): TransactionAction => ['create', row as TableEntity]));
      }
    }
  }
}
