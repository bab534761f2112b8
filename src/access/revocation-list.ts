import { UnavailableError } from '../http/errors.ts';
import { describeError, type Logger } from '../log.ts';
import type { Revocations } from './revocations.ts';

/**
 * This instance's copy of the list of revocations, shared by all requests: read
 * again behind the scenes when it is 20 seconds old, waited for when it is 30,
 * relied on for five minutes when storage is down. So an ended grant's tokens
 * stop within 30 seconds everywhere, and no request reads storage for it.
 */
export interface RevocationList extends Revocations {
  /** Ends a grant's tokens: here at once, elsewhere with the next reading. */
  add(grantId: string, until: number): Promise<void>;
}

const REFRESH_MS = 20_000;
const WAIT_MS = 30_000;
const USABLE_MS = 300_000;
/** How long a request waits for a reading, in milliseconds. */
const PATIENCE_MS = 2_000;

/** Where the list is kept. */
export interface RevocationRows {
  /** @param until when the grant's last access token expires, in milliseconds */
  add(grantId: string, until: number): Promise<void>;
  /** The grants whose entry is still of use. */
  list(now: number): Promise<Set<string>>;
}

export function createRevocationList(rows: RevocationRows, now: () => number, log: Logger): RevocationList {
  let revoked = new Set<string>();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<unknown> | undefined;

  /** What was added while a reading is under way, which that reading may have missed. */
  let pending = new Set<string>();

  /** One reading for all who ask meanwhile. Gives why it failed, or nothing. */
  function read(): Promise<unknown> {
    reading ??= (async () => {
      const startedAt = now();
      const added = new Set<string>();
      pending = added;
      try {
        revoked = new Set([...(await rows.list(startedAt)), ...added]);
        readAt = startedAt;
        return undefined;
      } catch (error) {
        log.error('revocations cannot be read', { reason: describeError(error) });
        return error;
      } finally {
        reading = undefined;
      }
    })();
    return reading;
  }

  async function refresh(): Promise<void> {
    const age = now() - readAt;
    if (age < REFRESH_MS) return;
    const reading = read();
    if (age < WAIT_MS) return;
    const failed = await withinPatience(reading);
    if (failed && now() - readAt >= USABLE_MS) throw new UnavailableError('storage', failed);
  }

  return {
    async isRevoked({ grantId }) {
      await refresh();
      return revoked.has(grantId);
    },
    async add(grantId, until) {
      await rows.add(grantId, until);
      revoked.add(grantId);
      pending.add(grantId);
    },
  };
}

/** What a reading ended with: nothing when it went well, else why not; being late is a failure too. */
async function withinPatience(reading: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise(resolve => {
    timer = setTimeout(() => resolve(new Error('storage is slow')), PATIENCE_MS);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
