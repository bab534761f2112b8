import { randomBytes, randomUUID } from 'node:crypto';
import { connectionStringFor, emulatorAccount } from '../../../dev/azurite/index.ts';
import { expiryHour } from '../../../src/storage/expiry.ts';
import { purge } from '../../../src/storage/purge.ts';
import { openTables, type TableName, type TransactionWrite } from '../../../src/storage/tables.ts';
import type { Row } from '../../bench/table.ts';
import { callTool, connect, post, refreshForm, register, token } from '../../support/flows.ts';
import { onTheWire, readAgain } from '../flows/wire.ts';
import type { Passing } from '../rig/fault-proxy.ts';
import { createTimes } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const DUE = 1_000;
const PURGE_READS = 2_200;
/** What the app may add, as the tables grow, to what the emulator itself gets slower by. */
const SLOWER = 1.2;
/** In milliseconds. */
const COARSE = 1;

interface Measured {
  trips: number;
  rows: number;
  bytes: number;
  /** Whether each read names the partition that it wants. */
  isPointed: boolean;
  /** Milliseconds, p50: of the whole operation, and of its trips to storage, made once more past the app. */
  whole: number;
  bare: number;
}

export default {
  number: 19,
  title: 'Ten against 100,000 clients, grants and notes',
  group: 'Load',
  seconds: { whole: 600, short: 25 },
  async run({ rig: startRig, short, progress }) {
    const many = short ? 2_000 : 100_000;
    const runs = short ? 3 : 40;
    const rig = await startRig({ instances: 1, settings: { LOG_LEVEL: 'error' } });
    await fill(rig, 10, progress);
    const operations = await operationsOf(rig);
    const small = await measureAll(rig, operations, runs, progress);
    await fill(rig, many - 10, progress);
    const large = await measureAll(rig, operations, runs, progress);

    const rows = [...small].flatMap(([name, before]): Row[] => {
      const after = large.get(name);
      if (!after) return [];
      const wire = ({ trips, rows: read, bytes }: Measured) => `${trips} trips, ${read} rows, ${bytes} bytes`;
      // The digits of a time or the length of a sealed text make a few bytes.
      const same =
        before.trips === after.trips &&
        before.rows === after.rows &&
        Math.abs(after.bytes - before.bytes) <= before.bytes / 50;
      // What the app adds to its trips may grow by a fifth, and the clock is no better than that; what the emulator
      // takes for the same trips is the emulator's.
      const [own, allowed] = [after.whole - after.bare, SLOWER * (before.whole - before.bare) + COARSE];
      const times = `${before.whole.toFixed(1)} -> ${after.whole.toFixed(1)} ms, its trips alone ${before.bare.toFixed(1)} -> ${after.bare.toFixed(1)} ms`;
      return [
        promise(`${name}: to storage`, wire(after), wire(before), same && after.isPointed),
        ...(short
          ? []
          : [promise(`${name}: p50`, times, `without its trips <= ${allowed.toFixed(1)} ms`, own <= allowed)]),
      ];
    });
    return { rows: [figure('rows in each table', many), ...rows, await purgeRow(rig, progress)] };
  },
} satisfies Scenario;

/** Rows of other people's, and of clients that nobody here uses. */
async function fill(rig: Rig, count: number, progress: (text: string) => void): Promise<void> {
  const { tables } = rig.storage;
  const hundreds = Math.ceil(count / 100);
  for (let n = 0; n < hundreds; n++) {
    progress(`Rows: ${n * 100} of ${count}`);
    const size = Math.min(100, count - n * 100);
    const partitionKey = `${randomUUID()}.${randomUUID()}`;
    const each = <T>(make: (index: number) => T) => Array.from({ length: size }, (_, index) => make(index));
    const insert = (rowKey: string, columns: object): TransactionWrite => ({
      type: 'insert',
      row: { partitionKey, rowKey, ...columns },
    });
    const inOne = (writes: TransactionWrite[]) => writes as [TransactionWrite, ...TransactionWrite[]];
    await Promise.all([
      tables
        .table('notes')
        .transaction(inOne(each(index => insert(`n${noteId(index)}`, { text: 'A note of theirs' })))),
      tables.table('grants').transaction(inOne(each(() => insert(`g.${id(16)}`, grantColumns())))),
      // A hundred in a partition, for the emulator takes as long for one row as for such a transaction.
      tables.table('clients').transaction(inOne(each(() => insert(`client.${id(32)}`, clientColumns())))),
    ]);
  }
}

const id = (bytes: number) => randomBytes(bytes).toString('base64url');
const noteId = (index: number) =>
  `${(2 ** 47).toString(16)}${index.toString(16).padStart(4, '0')}r${randomBytes(16).toString('hex')}`;

const grantColumns = () => ({
  kind: 'client',
  clientId: `pc.${id(32)}`,
  redirectUri: 'http://localhost:33418/callback',
  scope: 'profile notes:read',
  resource: 'http://localhost/mcp',
  createdAt: Date.now(),
  signedInAt: Date.now(),
  expiresAt: Date.now() + 30 * 86_400_000,
  generation: 0,
  issuedAt: Date.now(),
  tokensExpireAt: Date.now() + 3_600_000,
  refreshHash: id(32),
});

const clientColumns = () => ({
  metadata: JSON.stringify({ client_name: 'Another', redirect_uris: ['http://localhost:33418/callback'] }),
  registeredAt: Date.now(),
  usedAt: Date.now(),
});

type Operations = Map<string, () => Promise<unknown>>;

/** Everything that a client asks of the app, for a person who has one grant and ten notes. */
async function operationsOf(rig: Rig): Promise<Operations> {
  const { client, tokens } = await connect(rig);
  rig.leaks.add(tokens.refresh_token);
  let { access_token: accessToken, refresh_token: refreshToken } = tokens;
  const tool = async (name: string, args: Record<string, unknown> = {}) => {
    const { status, body } = await callTool(rig, accessToken, name, args);
    if (status !== 200 || body.result?.isError) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
    return body.result?.structuredContent ?? {};
  };
  const save = () => tool('save_user_note', { note: 'A note of mine' });
  for (let n = 0; n < 10; n++) await save();
  let name = 0;
  return new Map<string, () => Promise<unknown>>([
    ['registration', () => register(rig, { client_name: `Client ${name++}` })],
    ['sign-in', async () => void (await connect(rig, 'grace', {}, client))],
    [
      'renewal',
      async () => {
        const { status, body } = await token(rig, refreshForm(client, refreshToken));
        if (status !== 200) throw new Error(`Renewal: ${status} ${JSON.stringify(body)}`);
        ({ access_token: accessToken, refresh_token: refreshToken } = body);
      },
    ],
    ['a page of notes', () => tool('get_user_notes', { limit: 5 })],
    ['saving and deleting a note', async () => tool('delete_user_note', { id: (await save()).id })],
    ['a tool without storage', () => tool('calculate_sum', { numbers: [1] })],
    [
      'sign-in and revocation',
      async () => {
        const { tokens: others } = await connect(rig, 'grace', {}, client);
        await post(rig, '/oauth/revoke', { token: others.refresh_token, client_id: client.client_id });
      },
    ],
  ]);
}

async function measureAll(
  rig: Rig,
  operations: Operations,
  runs: number,
  progress: (text: string) => void,
): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>();
  for (const [name, operation] of operations) {
    progress(`Measuring: ${name}`);
    // The first may find caches empty.
    await operation();
    const wire = await onTheWire(rig, operation);
    const reads = wire.requests.filter(({ method }) => method === 'GET');
    const writes = wire.requests.filter(({ method }) => method !== 'GET');
    const [whole, bare] = [createTimes(), createTimes()];
    for (let run = 0; run < runs; run++) {
      const started = performance.now();
      await operation();
      whole.add(performance.now() - started);
      let sum = 0;
      for (const read of reads) sum += await readAgain(rig, read);
      for (const write of writes) sum += await writeAlike(rig, write);
      bare.add(sum);
    }
    const { trips, rows, bytes } = wire;
    const isPointed = reads.every(({ path }) => /PartitionKey=|PartitionKey%20eq%20/i.test(path));
    measured.set(name, { trips, rows, bytes, isPointed, whole: whole.quantile(0.5), bare: bare.quantile(0.5) });
  }
  return measured;
}

/** Writes a row of no use to the table that a request wrote to, past the app; gives how many milliseconds it took. */
async function writeAlike(rig: Rig, { path, body }: Passing): Promise<number> {
  const name = /\b(signins|grants|clients|notes|sessions|revocations)\b/.exec(
    `${path} ${body.toString('latin1')}`,
  )?.[1];
  const table = rig.storage.tables.table((name ?? 'signins') as TableName);
  const started = performance.now();
  await table.write({ type: 'insert', row: { partitionKey: 'bare', rowKey: id(16), text: 'A row of no use' } });
  return performance.now() - started;
}

/** What the purge reads where a thousand sign-ins are due, among all those rows that are not. */
async function purgeRow(rig: Rig, progress: (text: string) => void): Promise<Row> {
  progress('Purging');
  const signins = rig.storage.tables.table('signins');
  const hour = expiryHour(Date.now() - 2 * 3_600_000);
  for (let n = 0; n < DUE; n += 100) {
    const writes = Array.from({ length: 100 }, (): TransactionWrite => {
      return { type: 'insert', row: { partitionKey: hour, rowKey: id(16), stage: 'started' } };
    });
    await signins.transaction(writes as [TransactionWrite, ...TransactionWrite[]]);
  }
  const proxied = openTables({
    connection: { connectionString: connectionStringFor(emulatorAccount, { table: rig.storage.proxy.port }) },
  });
  let gone = 0;
  const { rows } = await onTheWire(rig, async () => {
    gone = (await purge(proxied, Date.now(), { refreshMaxSeconds: 31_536_000, auditRetentionDays: 90 })).signins;
  });
  const what = `rows that the purge reads, ${gone} of ${DUE} due and gone`;
  return promise(what, rows, `<= ${PURGE_READS}`, gone === DUE && rows <= PURGE_READS);
}
