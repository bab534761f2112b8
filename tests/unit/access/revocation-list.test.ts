import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { AccessToken } from '../../../src/access/access-token.ts';
import { createRevocationList } from '../../../src/access/revocation-list.ts';
import type { RevocationEntry } from '../../../src/access/revocations.ts';
import { UnavailableError } from '../../../src/http/errors.ts';
import { createLogger } from '../../../src/log.ts';

const PERSON = { tid: 'tenant', oid: 'ada' };
const token = (grantId: string, rest: Partial<AccessToken> = {}) => ({
  grantId,
  person: PERSON,
  clientId: 'client',
  signedInAt: 0,
  ...rest,
});

/** A list over rows in memory, with a clock that a test moves and storage that a test stops. */
function setUp() {
  const rows = new Map<string, RevocationEntry>();
  const put = (entry: RevocationEntry) => void rows.set(entry.name, entry);
  const state = { now: 1_000_000_000_000, readings: 0, logged: 0, storage: 'up' as 'up' | 'down' | 'slow' };
  const list = createRevocationList(
    {
      add: async entry => put(entry),
      block: async name => put({ name }),
      unblock: async name => void rows.delete(name),
      list: async () => {
        state.readings += 1;
        if (state.storage === 'down') throw new UnavailableError('storage', new Error('down'));
        if (state.storage === 'slow') await new Promise(() => {});
        const found = [...rows.values()];
        // Later than what waits for nothing, and without what comes meanwhile.
        await setImmediate();
        return found;
      },
    },
    () => state.now,
    createLogger('error', () => {
      state.logged += 1;
    }),
  );
  return { put, state, list };
}

describe('the list of revocations', () => {
  test('is read once for many requests, and serves 20 seconds', async () => {
    const { state, list } = setUp();
    await Promise.all(Array.from({ length: 100 }, () => list.isRevoked(token('a'))));
    state.now += 19_999;
    await list.isRevoked(token('a'));
    expect(state.readings).toBe(1);
  });

  test('what another instance revoked is known within 30 seconds', async () => {
    const { put, state, list } = setUp();
    expect(await list.isRevoked(token('a'))).toBe(false);
    put({ name: 'g.a' });
    state.now += 30_000;
    expect(await list.isRevoked(token('a'))).toBe(true);
  });

  test('between 20 and 30 seconds it is read behind the scenes, and nobody waits', async () => {
    const { state, list } = setUp();
    await list.isRevoked(token('a'));
    state.storage = 'slow';
    state.now += 25_000;
    expect(await list.isRevoked(token('a'))).toBe(false);
    expect(state.readings).toBe(2);
  });

  test('what this instance revokes is known at once, even while a reading is under way', async () => {
    const { state, list } = setUp();
    await list.isRevoked(token('a'));
    state.now += 30_000;
    // Waits for a reading that has begun before, and so knows nothing of it.
    const reading = list.isRevoked(token('b'));
    await list.add('a', state.now + 1);
    await reading;
    expect(await list.isRevoked(token('a'))).toBe(true);
  });

  test('with storage down it serves five minutes, then says so', async () => {
    const { put, state, list } = setUp();
    put({ name: 'g.a' });
    await list.isRevoked(token('a'));
    state.storage = 'down';
    state.now += 299_999;
    expect(await list.isRevoked(token('a'))).toBe(true);
    expect(await list.isRevoked(token('b'))).toBe(false);
    state.now += 1;
    await expect(list.isRevoked(token('b'))).rejects.toBeInstanceOf(UnavailableError);
    state.storage = 'up';
    expect(await list.isRevoked(token('b'))).toBe(false);
  });

  test('an instance that has never read it lets nobody in while storage is down', async () => {
    const { state, list } = setUp();
    state.storage = 'down';
    await expect(list.isRevoked(token('a'))).rejects.toBeInstanceOf(UnavailableError);
  });

  test('a reading that fails is logged once, however many requests wait for it', async () => {
    const { state, list } = setUp();
    state.storage = 'down';
    await Promise.allSettled(Array.from({ length: 100 }, () => list.isRevoked(token('a'))));
    expect(state.logged).toBe(1);
  });

  test('slow storage holds a request up for two seconds at most', async () => {
    vi.useFakeTimers();
    try {
      const { state, list } = setUp();
      state.storage = 'slow';
      const asked = list.isRevoked(token('a')).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await asked).toBeInstanceOf(UnavailableError);
    } finally {
      vi.useRealTimers();
    }
  });

  const SECOND = 1_000;

  test('after a wait for nothing, nobody waits for five seconds; then somebody does', async () => {
    const { put, state, list } = setUp();
    await list.isRevoked(token('a'));
    state.storage = 'down';
    state.now += 30_000;
    await list.isRevoked(token('a'));
    // It is up again, but this request does not wait to learn so: the next one knows.
    state.storage = 'up';
    put({ name: 'g.a' });
    expect(await list.isRevoked(token('a'))).toBe(false);
    await setImmediate();
    await setImmediate();
    expect(await list.isRevoked(token('a'))).toBe(true);
    state.storage = 'down';
    state.now += 30_000;
    await list.isRevoked(token('b'));
    state.storage = 'up';
    put({ name: 'g.b' });
    state.now += 5_000;
    expect(await list.isRevoked(token('b'))).toBe(true);
  });

  test('what a person or a client had until a time is over, and nothing else', async () => {
    const { state, list } = setUp();
    const at = state.now;
    const began = (signedInAt: number) => list.isRevoked(token('x', { signedInAt: signedInAt / 1000 }));
    await list.endAll({ person: PERSON }, { at, until: at + 1 });
    expect([await began(at - SECOND), await began(at), await began(at + SECOND)]).toEqual([true, true, false]);
    expect(await list.isRevoked(token('x', { person: { ...PERSON, oid: 'grace' } }))).toBe(false);
    await list.endAll({ clientId: 'https://client.example/' }, { at: at + SECOND, until: at + 1 });
    const ofClient = { person: { ...PERSON, oid: 'grace' }, clientId: 'https://client.example/' };
    expect(await list.isRevoked(token('x', { ...ofClient, signedInAt: at / 1000 }))).toBe(true);
    expect(await list.isRevoked(token('x', { ...ofClient, signedInAt: at / 1000 + 2 }))).toBe(false);
  });

  test('grants and tokens of one second fare alike, and the time of the end is told', async () => {
    const { state, list } = setUp();
    const at = state.now + 200;
    await list.endAll({ person: PERSON }, { at, until: at + 1 });
    const ended = (since: number) => list.endedAt({ person: PERSON, clientId: 'client', since });
    expect([await ended(at - 700), await ended(at + 700), await ended(at + 1_000)]).toEqual([at, at, undefined]);
    expect(await list.isRevoked(token('x', { signedInAt: Math.floor((at + 700) / 1000) }))).toBe(true);
  });

  test('of two ends of one person the last counts, in whatever order they come', async () => {
    const { state, list } = setUp();
    await list.isBlocked('read first');
    await list.endAll({ person: PERSON }, { at: state.now + 9 * SECOND, until: 1 });
    await list.endAll({ person: PERSON }, { at: state.now, until: 1 });
    expect(await list.isRevoked(token('x', { signedInAt: state.now / 1000 + 5 }))).toBe(true);
  });

  test('a blocked client is out until it is unblocked, here at once', async () => {
    const { state, list } = setUp();
    const late = token('x', { signedInAt: state.now / 1000 + 99 });
    await list.block({ clientId: 'client', at: state.now });
    expect([await list.isBlocked('client'), await list.isBlocked('other'), await list.isRevoked(late)]).toEqual([
      true,
      false,
      true,
    ]);
    state.now += 25_000;
    const reading = list.isBlocked('client');
    await list.unblock('client');
    await reading;
    expect([await list.isBlocked('client'), await list.isRevoked(late)]).toEqual([false, false]);
  });

  test('whether somebody was ended or blocked cannot be said while the list cannot be read', async () => {
    const { state, list } = setUp();
    state.storage = 'down';
    await expect(list.endedAt({ person: PERSON, since: 0 })).rejects.toBeInstanceOf(UnavailableError);
    await expect(list.isBlocked('client')).rejects.toBeInstanceOf(UnavailableError);
  });
});
