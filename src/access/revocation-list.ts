import { UnavailableError } from '../http/errors.ts';
import { describeError, type Logger } from '../log.ts';
import type { PersonId } from './person.ts';
import { type Party, type RevocationEntry, type Revocations, revocationNames } from './revocations.ts';

/**
 * This instance's copy of the list of revocations, shared by all requests: read
 * again behind the scenes when it is 20 seconds old, waited for when it is 30,
 * relied on for five minutes when storage is down. So what was ended stops
 * within 30 seconds everywhere, and no request reads storage for it. What this
 * instance ends itself stops here at once. Every question is answered by
 * UnavailableError when the list is too old to be relied on.
 */
export interface RevocationList extends Revocations {
  /** Ends a grant's tokens. @param until when the last of them expires, in milliseconds */
  add(grantId: string, until: number): Promise<void>;
  /**
   * Ends all that a person or a client has, whatever it is: one entry, however
   * much that is.
   * @param at what began until then is over, in milliseconds
   * @param until when the last of it would have expired by itself
   */
  endAll(party: Party, times: { at: number; until: number }): Promise<void>;
  /** When that which began at `since` was ended by {@link endAll}; `undefined` while it was not. In milliseconds. */
  endedAt(what: { person: PersonId; clientId?: string; since: number }): Promise<number | undefined>;
  /** Whether an administrator has blocked a client. */
  isBlocked(clientId: string): Promise<boolean>;
  block(block: Block): Promise<void>;
  unblock(clientId: string): Promise<void>;
}

/** A client that may not be used until an administrator says otherwise. */
export interface Block {
  readonly clientId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const REFRESH_MS = 20_000;
const WAIT_MS = 30_000;
const USABLE_MS = 300_000;
/** How long a request waits for a reading, in milliseconds. */
const PATIENCE_MS = 2_000;
/** After a wait that was for nothing, the list that serves while storage is down serves without another for so long. */
const PAUSE_MS = 5_000;

/** Where the list is kept. */
export interface RevocationRows {
  /** @param until until when the entry is of use, in milliseconds */
  add(entry: RevocationEntry, until: number): Promise<void>;
  block(name: string, block: Block): Promise<void>;
  unblock(name: string): Promise<void>;
  /** The entries that are of use, blocks among them. */
  list(now: number): Promise<readonly RevocationEntry[]>;
}

export function createRevocationList(rows: RevocationRows, now: () => number, log: Logger): RevocationList {
  let list = emptyList();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<unknown> | undefined;
  /** Until when nobody waits for a reading again, storage being down. */
  let pausedUntil = Number.NEGATIVE_INFINITY;

  type Change = (of: List) => void;
  /** What was changed while a reading is under way, which that reading may have missed. */
  let pending: Change[] = [];

  function apply(change: Change): void {
    change(list);
    pending.push(change);
  }

  /** One reading for all who ask meanwhile. Gives why it failed, or nothing. */
  function read(): Promise<unknown> {
    reading ??= (async () => {
      const startedAt = now();
      const changes: Change[] = [];
      pending = changes;
      try {
        const read = emptyList();
        for (const entry of await rows.list(startedAt)) put(read, entry);
        for (const change of changes) change(read);
        list = read;
        readAt = startedAt;
        return undefined;
      } catch (error) {
        log.error('revocations cannot be read', { reason: describeError(error) });
        return error;
      } finally {
        reading = undefined;
        pending = [];
      }
    })();
    return reading;
  }

  async function refresh(): Promise<void> {
    const age = now() - readAt;
    if (age < REFRESH_MS) return;
    const reading = read();
    if (age < WAIT_MS || (age < USABLE_MS && now() < pausedUntil)) return;
    const failed = await withinPatience(reading);
    pausedUntil = failed ? now() + PAUSE_MS : Number.NEGATIVE_INFINITY;
    if (failed && now() - readAt >= USABLE_MS) throw new UnavailableError('storage', failed);
  }

  function endOf(person: PersonId, clientId: string | undefined, sinceSeconds: number): number | undefined {
    const isOver = (at: number | undefined) => at !== undefined && sinceSeconds <= Math.floor(at / 1000);
    // Names are made only where there is such an entry at all: this is asked with every request.
    const ofPerson = list.kinds.has('p') ? list.at.get(revocationNames.party({ person })) : undefined;
    if (isOver(ofPerson)) return ofPerson;
    const isNeeded = clientId !== undefined && list.kinds.has('c');
    const ofClient = isNeeded ? list.at.get(revocationNames.party({ clientId })) : undefined;
    return isOver(ofClient) ? ofClient : undefined;
  }

  const isBlocked = (clientId: string) => list.kinds.has('b') && list.at.has(revocationNames.blocked(clientId));

  return {
    async isRevoked({ grantId, person, clientId, signedInAt }) {
      await refresh();
      return (
        list.at.has(revocationNames.grant(grantId)) ||
        endOf(person, clientId, signedInAt) !== undefined ||
        isBlocked(clientId)
      );
    },
    async add(grantId, until) {
      const entry = { name: revocationNames.grant(grantId) };
      await rows.add(entry, until);
      apply(to => put(to, entry));
    },
    async endAll(party, { at, until }) {
      const entry = { name: revocationNames.party(party), at };
      await rows.add(entry, until);
      apply(to => put(to, entry));
    },
    async endedAt({ person, clientId, since }) {
      await refresh();
      // As coarse as the times in tokens, so that both say the same.
      return endOf(person, clientId, Math.floor(since / 1000));
    },
    async isBlocked(clientId) {
      await refresh();
      return isBlocked(clientId);
    },
    async block(block) {
      const name = revocationNames.blocked(block.clientId);
      await rows.block(name, block);
      apply(to => put(to, { name }));
    },
    async unblock(clientId) {
      const name = revocationNames.blocked(clientId);
      await rows.unblock(name);
      apply(to => to.at.delete(name));
    },
  };
}

interface List {
  /** By its name, when each was ended; of no meaning where the name says all. */
  readonly at: Map<string, number>;
  /** The first letters of the names that there are, or were a moment ago. */
  readonly kinds: Set<string>;
}

const emptyList = (): List => ({ at: new Map(), kinds: new Set() });

/** The same party may have been ended several times: the last counts. */
function put(list: List, { name, at = 0 }: RevocationEntry): void {
  list.at.set(name, Math.max(at, list.at.get(name) ?? 0));
  list.kinds.add(name.charAt(0));
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
