import { describe, expect, test, vi } from 'vitest';
import type { AccessToken } from '../../../src/access/access-token.ts';
import { createRevocationList } from '../../../src/access/revocation-list.ts';
import { UnavailableError } from '../../../src/http/errors.ts';
import { createLogger } from '../../../src/log.ts';

const token = (grantId: string) => ({ grantId }) as AccessToken;

/** A list over rows in memory, with a clock that a test moves and storage that a test stops. */
function setUp() {
  const rows = new Set<string>();
  const state = { now: 1_000_000_000_000, readings: 0, logged: 0, storage: 'up' as 'up' | 'down' | 'slow' };
  const list = createRevocationList(
    {
      add: async id => void rows.add(id),
      list: async () => {
        state.readings += 1;
        if (state.storage === 'down') throw new UnavailableError('storage', new Error('down'));
        if (state.storage === 'slow') await new Promise(() => {});
        return new Set(rows);
      },
    },
    () => state.now,
    createLogger('error', () => {
      state.logged += 1;
    }),
  );
  return { rows, state, list };
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
    const { rows, state, list } = setUp();
    expect(await list.isRevoked(token('a'))).toBe(false);
    rows.add('a');
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
    state.now += 25_000;
    const reading = list.isRevoked(token('b'));
    await list.add('a', state.now + 1);
    await reading;
    expect(await list.isRevoked(token('a'))).toBe(true);
  });

  test('with storage down it serves five minutes, then says so', async () => {
    const { rows, state, list } = setUp();
    rows.add('a');
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
});
