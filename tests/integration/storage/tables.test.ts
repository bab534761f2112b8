import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../src/http/errors.ts';
import { generatedSecret } from '../../../src/storage/generated-secret.ts';
import { odata, openTables } from '../../../src/storage/tables.ts';
import { freshStorage } from '../../support/azurite.ts';
import { countTrips, startStorageProxy } from '../../support/storage-faults.ts';

const row = { partitionKey: 'p', rowKey: 'r' };
const open = (connectionString = freshStorage().connectionString) => openTables({ connection: { connectionString } });

describe('a table', () => {
  test('is made when it is first needed', async () => {
    const table = open().table('keys');
    expect(await table.read(row)).toBeUndefined();
    expect(await table.write({ type: 'insert', row: { ...row, text: 'x', many: 1_795_466_534_000, yes: true } })).toBe(
      'written',
    );
    expect(await table.read(row)).toMatchObject({ text: 'x', many: 1_795_466_534_000, yes: true });
  });

  test('an insert finds what is there, a replace what has changed or gone', async () => {
    const table = open().table('keys');
    await table.write({ type: 'insert', row });
    expect(await table.write({ type: 'insert', row })).toBe('exists');
    const read = await table.read(row);
    const etag = read?.etag ?? '';
    expect(await table.write({ type: 'replace', row: { ...row, n: 1 }, etag })).toBe('written');
    expect(await table.write({ type: 'replace', row: { ...row, n: 2 }, etag })).toBe('changed');
    expect(await table.remove(row)).toBe(true);
    expect(await table.remove(row)).toBe(false);
    expect(await table.write({ type: 'replace', row, etag })).toBe('changed');
    expect(await table.read(row)).toBeUndefined();
  });

  test('a transaction is all or nothing', async () => {
    const table = open().table('keys');
    await table.write({ type: 'insert', row });
    const outcome = await table.transaction([
      { type: 'insert', row: { partitionKey: 'p', rowKey: 'new' } },
      { type: 'insert', row },
    ]);
    expect(outcome).toBe('exists');
    expect(await table.read({ partitionKey: 'p', rowKey: 'new' })).toBeUndefined();
    const etag = (await table.read(row))?.etag ?? '';
    const changes = [
      { type: 'replace', row: { ...row, n: 1 }, etag },
      { type: 'insert', row: { partitionKey: 'p', rowKey: 'new' } },
    ] as const;
    expect(await table.transaction([...changes])).toBe('written');
    expect(await table.transaction([...changes])).toBe('changed');
  });

  test('quotes in a filter’s values stay values', async () => {
    const table = open().table('keys');
    await table.write({ type: 'insert', row: { partitionKey: "o'p", rowKey: 'r' } });
    await table.write({ type: 'insert', row });
    expect((await table.page(odata`PartitionKey eq ${"o'p"}`, 10)).rows).toHaveLength(1);
    expect((await table.page(odata`PartitionKey eq ${"x' or PartitionKey ne 'x"}`, 10)).rows).toHaveLength(0);
  });

  test('storage that cannot be reached is an outage, not an answer', async () => {
    const table = open('AccountName=x;AccountKey=eA==;TableEndpoint=http://127.0.0.1:9/x').table('keys');
    await expect(table.read(row)).rejects.toBeInstanceOf(UnavailableError);
    await expect(table.write({ type: 'insert', row })).rejects.toBeInstanceOf(UnavailableError);
    await expect(table.remove(row)).rejects.toBeInstanceOf(UnavailableError);
  });

  test('storage that is busy five times in a row is asked a sixth time', async () => {
    const { connectionString } = freshStorage();
    await open(connectionString).table('keys').write({ type: 'insert', row });
    const proxy = await startStorageProxy(connectionString);
    let busy = 0;
    proxy.refuse({ matches: () => busy++ < 5, status: 503 });
    expect(await open(proxy.connectionString).table('keys').read(row)).toMatchObject(row);
    expect(busy).toBe(6);
    await proxy.stop();
  });

  test('storage that hangs is given up in time', async () => {
    const { connectionString } = freshStorage();
    const proxy = await startStorageProxy(connectionString);
    proxy.hang(true);
    const table = openTables({ connection: { connectionString: proxy.connectionString }, timeoutMs: 50 }).table('keys');
    await expect(table.read(row)).rejects.toBeInstanceOf(UnavailableError);
    await proxy.stop();
  });
});

describe('the key that a laptop makes', () => {
  test('is one, however many instances start together, and stays', async () => {
    const { connectionString } = freshStorage();
    let made = 0;
    const make = () => {
      made += 1;
      return `secret ${made}`;
    };
    const start = () => generatedSecret(open(connectionString), make);
    const secrets = await Promise.all(Array.from({ length: 20 }, start));
    expect(new Set(secrets).size).toBe(1);
    expect(await start()).toBe(secrets[0]);
  });

  test('costs one trip once it is there', async () => {
    const { connectionString, accountName } = freshStorage();
    await generatedSecret(open(connectionString), () => 'secret');
    const { trips } = await countTrips(accountName, () => generatedSecret(open(connectionString), () => 'other'));
    expect(trips).toBe(1);
  });
});
