import { describe, expect, test } from 'vitest';
import type { PersonId } from '../../../src/access/person.ts';
import { createRevocationList } from '../../../src/access/revocation-list.ts';
import { createLogger } from '../../../src/log.ts';
import { openConnections } from '../../../src/storage/connections.ts';
import { type Grant, openGrants } from '../../../src/storage/grants.ts';
import { openRevocationRows } from '../../../src/storage/revocations.ts';
import { openSessions, sessionHour } from '../../../src/storage/sessions.ts';
import { openSignins, type RedeemedSignin, type StartedSignin } from '../../../src/storage/signins.ts';
import { sweepEnded } from '../../../src/storage/sweep.ts';
import { openTables, type Table } from '../../../src/storage/tables.ts';
import { createWriteBehind } from '../../../src/storage/write-behind.ts';
import { freshStorage } from '../../support/azurite.ts';
import { purge } from '../../support/purge.ts';
import { countTrips } from '../../support/storage-faults.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_800_000_000_000;
const PERSON = { tid: '72f0c3a8-5b1e-4d6c-9a07-3e84d1b2c6f5', oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f501' };

function setUp() {
  const storage = freshStorage();
  const tables = openTables({ connection: { connectionString: storage.connectionString } });
  return { tables, storage, signins: openSignins(tables, { merge: () => {} }), grants: openGrants(tables) };
}

const started: StartedSignin = { stage: 'started', binding: 'b', upstream: 'u', createdAt: NOW };

const grant = (expiresAt: number): Grant => ({
  kind: 'client',
  clientId: 'c',
  scope: 'profile',
  resource: 'r',
  createdAt: NOW,
  signedInAt: NOW,
  issuedAt: NOW,
  tokensExpireAt: NOW,
  expiresAt,
  generation: 0,
});

function redeemed(grantId: string, grantExpiresAt: number): RedeemedSignin {
  return {
    ...started,
    stage: 'redeemed',
    claim: 'x',
    completedAt: NOW,
    upstreamCodeHash: 'h',
    person: JSON.stringify(PERSON),
    redeemClaim: grantId,
    redeemedAt: NOW,
    redeemKid: 'k',
    grantId,
    grantExpiresAt,
  };
}

test('the newest grant of a client is found on whichever page of an answer it is', async () => {
  const { tables } = setUp();
  // Storage may end a page wherever it likes.
  const short: Table['page'] = (filter, _size, continuation) => tables.table('grants').page(filter, 1, continuation);
  const grants = openGrants({ ...tables, table: name => ({ ...tables.table(name), page: short }) });
  const of = { clientId: 'c', redirectUri: 'https://client.example/', resource: 'r' };
  for (const [index, name] of ['A', 'B', 'C'].entries()) {
    const key = { person: PERSON, grantId: name.repeat(22) };
    await grants.insert(key, { ...grant(NOW + DAY), ...of, createdAt: NOW + index });
  }
  expect((await grants.newest(PERSON, of, NOW))?.grantId).toBe('C'.repeat(22));
});

test('Entra’s tokens are emptied out of a redeemed sign-in behind the scenes; one that was deleted meanwhile stays away', async () => {
  const { tables } = setUp();
  const writer = createWriteBehind(
    tables,
    () => {},
    createLogger('error', () => {}),
  );
  const signins = openSignins(tables, writer);
  const [kept, deleted] = [1, 2].map(n => signins.newId(new Uint8Array(16).fill(n), NOW));
  const row = { ...redeemed('A'.repeat(22), NOW + DAY), upstreamTokens0: 'sealed', upstreamTokens1: 'sealed too' };
  for (const id of [kept, deleted]) {
    await signins.insert(id ?? '', row as never);
    signins.forgetUpstream(id ?? '', row);
  }
  await tables.table('signins').remove({ partitionKey: deleted?.slice(0, 6) ?? '', rowKey: deleted?.slice(6) ?? '' });
  await writer.flush();
  expect(await signins.read(kept ?? '')).toMatchObject({ ...row, upstreamTokens0: '', upstreamTokens1: '' });
  expect(await signins.read(deleted ?? '')).toBeUndefined();
});

describe('the purge', () => {
  test('takes sign-ins within two hours, and no live one', async () => {
    const { tables, signins } = setUp();
    const old = signins.newId(new Uint8Array(16).fill(1), NOW);
    const young = signins.newId(new Uint8Array(16).fill(2), NOW + 2 * HOUR);
    await signins.insert(old, started);
    await signins.insert(young, started);
    expect(await purge(tables, NOW + 15 * 60_000)).toMatchObject({ signins: 0 });
    expect(await purge(tables, NOW + 2 * HOUR)).toMatchObject({ signins: 1 });
    expect(await signins.read(old)).toBeUndefined();
    expect(await signins.read(young)).toBeDefined();
  });

  test('a grant outlives its sign-in, and goes with its spent tokens when it has expired', async () => {
    const { tables, signins, grants } = setUp();
    const id = signins.newId(new Uint8Array(16), NOW);
    const key = { person: PERSON, grantId: 'A'.repeat(22) };
    await signins.insert(id, redeemed(key.grantId, NOW + DAY) as never);
    await grants.insert(key, grant(NOW + DAY));
    await purge(tables, NOW + 3 * HOUR);
    expect(await signins.read(id)).toBeUndefined();

    // Renewed meanwhile: it slid to the third day.
    const stored = await grants.read(key);
    if (!stored) throw new Error('the grant is gone');
    const { etag: _etag, ...columns } = stored;
    await grants.rotate(key, stored, { ...columns, expiresAt: NOW + 3 * DAY, generation: 1 }, 'spent');
    expect(await purge(tables, NOW + DAY + HOUR)).toMatchObject({ grants: 0 });
    expect(await grants.read(key)).toBeDefined();

    expect(await purge(tables, NOW + 3 * DAY + HOUR)).toMatchObject({ grants: 1 });
    expect(await grants.read(key)).toBeUndefined();
    expect(await grants.spentAt(key, 'spent')).toBeUndefined();
    expect(await purge(tables, NOW + 9 * DAY)).toMatchObject({ signins: 0, grants: 0 });
  });

  test('marks what an administrator has ended as a whole, and takes Entra’s tokens out of it; each entry is done with', async () => {
    const { tables, storage, grants } = setUp();
    const writer = createWriteBehind(
      tables,
      () => {},
      createLogger('error', () => {}),
    );
    const connections = openConnections(tables, writer);
    const other = { tid: PERSON.tid, oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f502' };
    /** Stores a grant. @returns whether it has ended, and whether Entra's tokens are in it */
    async function begin(person: PersonId, name: string, change: Partial<Grant> = {}) {
      const key = { person, grantId: name.repeat(22) };
      const row = { ...grant(NOW + DAY), upstreamTokens0: 'sealed', upstreamTokens1: 'sealed too', ...change };
      await grants.insert(key, row);
      connections.add(key, row);
      return async () => {
        const stored = await grants.read(key);
        return [stored?.endReason, stored?.upstreamTokens0, stored?.upstreamTokens1];
      };
    }
    const ended = [
      await begin(PERSON, 'A'),
      await begin(PERSON, 'B', { clientId: 'another' }),
      await begin(other, 'C', { clientId: 'https://client.example/id.json' }),
    ];
    const kept = [
      await begin(PERSON, 'D', { signedInAt: NOW + 2_000 }),
      await begin(other, 'E'),
      await begin(other, 'F', { clientId: 'https://client.example/id.json', signedInAt: NOW + 2_000 }),
    ];
    await writer.flush();
    const list = createRevocationList(
      openRevocationRows(tables),
      () => NOW,
      createLogger('error', () => {}),
    );
    const times = { at: NOW + 1_000, until: NOW + 5 * DAY };
    await list.endAll({ person: PERSON }, times);
    await list.endAll({ clientId: 'https://client.example/id.json' }, times);
    const entries = await openRevocationRows(tables).list(NOW);

    expect(await purge(tables, NOW + 60_000)).toMatchObject({ ended: 3, grants: 0, revocations: 0 });
    for (const state of ended) expect(await state()).toEqual(['ended by an administrator', undefined, undefined]);
    for (const state of kept) expect(await state()).toEqual([undefined, 'sealed', 'sealed too']);
    // A code of before it became a grant after all, at an instance that did not know.
    const late = await begin(PERSON, 'G');
    expect(await purge(tables, NOW + HOUR)).toMatchObject({ ended: 1 });
    expect((await late())[1]).toBeUndefined();
    // From now on the entries cost nothing, and still stop what they stopped.
    const { trips } = await countTrips(storage.accountName, () => sweepEnded(tables, NOW + 2 * HOUR));
    expect(trips).toBe(1);
    expect(await openRevocationRows(tables).list(NOW)).toEqual(entries);
    // Ended again, it is looked at again.
    await list.endAll({ person: PERSON }, { ...times, at: NOW + 3_000 });
    expect(await purge(tables, NOW + 3 * HOUR)).toMatchObject({ ended: 1 });
  });

  test('takes sessions and revocations that are over', async () => {
    const { tables } = setUp();
    const sessions = openSessions(tables);
    const revocations = openRevocationRows(tables);
    const id = { hour: sessionHour(NOW), hash: 'h' };
    await sessions.insert(id, { person: '{}', createdAt: NOW, expiresAt: NOW + 8 * HOUR });
    const [over, current, block] = [{ name: 'g.over' }, { name: 'p.current', at: NOW }, { name: 'b.x', at: NOW }];
    await revocations.add(over, NOW + HOUR);
    await revocations.add(current, NOW + 20 * HOUR);
    await revocations.block(block.name, { clientId: 'x', at: NOW });
    expect(await revocations.list(NOW)).toEqual([over, current, block]);
    expect(await purge(tables, NOW + 10 * HOUR)).toMatchObject({ sessions: 1, revocations: 1 });
    expect(await sessions.read(id)).toBeUndefined();
    expect(await revocations.list(NOW + 10 * HOUR)).toEqual([current, block]);
  });

  test('costs the same with two hundred live rows as with none', async () => {
    const { tables, storage, signins } = setUp();
    await purge(tables, NOW);
    const { trips: empty } = await countTrips(storage.accountName, () => purge(tables, NOW));
    const ids = Array.from({ length: 200 }, (_, i) => {
      const random = new Uint8Array(16);
      random[0] = i;
      return signins.newId(random, NOW);
    });
    await Promise.all(ids.map(id => signins.insert(id, started)));
    const { trips: full } = await countTrips(storage.accountName, () => purge(tables, NOW));
    expect(full).toBe(empty);
  });

  test('takes more rows than one transaction or one page holds', async () => {
    const { tables, signins } = setUp();
    const ids = Array.from({ length: 520 }, (_, i) => {
      const random = new Uint8Array(16);
      random.set([i >> 8, i & 255]);
      return signins.newId(random, NOW);
    });
    for (let start = 0; start < ids.length; start += 100) {
      const [first, ...rest] = ids.slice(start, start + 100).map(id => {
        const row = { ...started, partitionKey: id.slice(0, 6), rowKey: id.slice(6) };
        return { type: 'insert' as const, row };
      });
      if (first) await tables.table('signins').transaction([first, ...rest]);
    }
    expect(await purge(tables, NOW + 3 * HOUR)).toMatchObject({ signins: 520 });
  });
});

test('what is merged into a row twice behind the scenes is all there', async () => {
  const { tables } = setUp();
  const log = createLogger('error', () => {});
  const writer = createWriteBehind(tables, () => {}, log);
  const keys = { partitionKey: 'p', rowKey: 'r' };
  await tables.table('grants').upsert({ ...keys, kept: 'k' });
  writer.merge('grants', { ...keys, one: '1', both: 'first' });
  writer.merge('grants', { ...keys, two: '2', both: 'last' });
  await writer.flush();
  expect(await tables.table('grants').read(keys)).toMatchObject({ kept: 'k', one: '1', two: '2', both: 'last' });
});
