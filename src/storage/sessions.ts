import { expiryHour, isExpiryHour } from './expiry.ts';
import type { Outcome, Tables } from './tables.ts';

/** The table `sessions`: people signed in with a browser. */
export interface Sessions {
  insert(id: SessionId, session: Session): Promise<Outcome>;
  read(id: SessionId): Promise<Session | undefined>;
  /** Ends a session; no matter whether there is one. */
  remove(id: SessionId): Promise<void>;
}

/** Where a session lies: its hour of expiry and the hash of its secret. */
export interface SessionId {
  readonly hour: string;
  readonly hash: string;
}

export interface Session {
  /** JSON of the person. */
  person: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  expiresAt: number;
  /** Entra's own session (`sid`), where it tells. */
  sid?: string;
}

export const SESSION_SECONDS = 8 * 3600;

/** The hour that a session which begins now is filed under. */
export const sessionHour = (now: number) => expiryHour(now + SESSION_SECONDS * 1000);

export function openSessions(tables: Tables): Sessions {
  const table = tables.table('sessions');
  const keys = ({ hour, hash }: SessionId) => ({ partitionKey: hour, rowKey: hash });
  return {
    insert: (id, session) => table.write({ type: 'insert', row: { ...session, ...keys(id) } }),
    read: async id => {
      if (!isExpiryHour(id.hour)) return undefined;
      const row = await table.read<{ person: string; createdAt: number; expiresAt: number; sid?: string }>(keys(id));
      if (!row) return undefined;
      const { person, createdAt, expiresAt, sid } = row;
      return sid ? { person, createdAt, expiresAt, sid } : { person, createdAt, expiresAt };
    },
    remove: async id => {
      if (isExpiryHour(id.hour)) await table.remove(keys(id));
    },
  };
}
