import { expiryHour, isExpiryHour } from './expiry.ts';
import { type GrantKey, openGrants } from './grants.ts';
import type { LongText } from './long-text.ts';
import type { Columns, Outcome, Stored, Tables } from './tables.ts';
import { takeBack } from './take-back.ts';
import type { WriteBehind } from './write-behind.ts';

/**
 * The table `signins`: one row a sign-in, which is first a transaction (from
 * the person's approval to Entra's answer), then an authorization code, then
 * the record of what that code became. Each step is a conditional write of the
 * row that was read, so of several attempts one wins.
 */

type Common = {
  /** Hash of the cookie of the browser that began; empty for an interaction that none has. */
  binding: string;
  /** JSON of the client's request; absent when a person signs in without a client. */
  request?: string;
  /** Whose earlier approval stands in for the consent page: nobody else may go on without it. */
  approver?: string;
  /** The grant that the approval belongs to. */
  reliesOn?: string;
  /** Where a person without a client goes on; absent for the landing page. */
  to?: 'account' | 'manage';
  /** What Entra is asked with for a person without a client: `login` to show anew who they are. */
  prompt?: 'login' | 'select_account';
  /** JSON: the grant and what Entra is to be asked for it, where that is what the person comes for. */
  interaction?: string;
  /** `nonce` and PKCE verifier towards Entra, sealed. */
  upstream: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
};

/** A sign-in under way at Entra. */
export type StartedSignin = Common & { stage: 'started' };

/** What is known once Entra has answered and the code, where a client asked for one, is out. */
type Answered = Common &
  LongText<'upstreamTokens'> & {
    /** Bears the nonce of the attempt that won. */
    claim: string;
    completedAt: number;
    /** Hash of Entra's code: the same one again gets the same answer. */
    upstreamCodeHash: string;
    /** JSON of the person. */
    person: string;
    /** Roles that are kept of theirs, with spaces between. */
    roles?: string;
    /** Hash of the code that the client got. */
    codeHash?: string;
    /** The secret that the code was made with. */
    codeKid?: string;
  };

export type CompletedSignin = Answered & { stage: 'completed' };

/** The code was redeemed. */
export type RedeemedSignin = Answered & {
  stage: 'redeemed';
  redeemClaim: string;
  redeemedAt: number;
  /** The secret that the refresh token was made with. */
  redeemKid: string;
  /** Thumbprint of the key whose proof came with the code (RFC 9449). */
  redeemJkt?: string;
  grantId: string;
  /** When the grant ends unless it is renewed: for the purge, which files it by this hour. */
  grantExpiresAt: number;
};

export type Signin = StartedSignin | CompletedSignin | RedeemedSignin;

export type StoredSignin<T extends Signin = Signin> = T extends Signin ? Stored<T> : never;

export interface Signins {
  /** A name for a sign-in that begins now: its hour of expiry and 128 random bits. */
  newId(random: Uint8Array, now: number): string;
  /** Stores a sign-in under a new name; `exists` when that name is taken. */
  insert(id: string, signin: StartedSignin): Promise<Outcome>;
  /** One point read; `undefined` when there is none or the name is not one of ours. */
  read(id: string): Promise<StoredSignin | undefined>;
  /**
   * Sees to it that nothing new comes of a sign-in ({@link takeBack}).
   *
   * @returns the grant that came of it already and has to be ended
   */
  takeBack(id: string, now: number): Promise<GrantKey | undefined>;
  /** Moves a sign-in on, if nobody else has since it was read. */
  advance(from: StoredSignin, to: Signin): Promise<Outcome>;
  /** Empties what a redeemed sign-in holds of Entra's tokens, now that its grant has them. Behind the scenes. */
  forgetUpstream(id: string, signin: RedeemedSignin): void;
}

/** How long a person may take at Entra. */
export const SIGNIN_SECONDS = 600;
/** A row stays readable this much longer, so that a code that comes again is known. */
const KEPT_AFTER_MS = 900_000;

/** The form of a sign-in's name. */
export function isSigninId(id: string): boolean {
  return id.length === 28 && isExpiryHour(id.slice(0, 6)) && /^[\w-]{22}$/.test(id.slice(6));
}

export function openSignins(tables: Tables, writer: Pick<WriteBehind, 'merge'>): Signins {
  const table = tables.table('signins');
  const grants = openGrants(tables);
  const keys = (id: string) => ({ partitionKey: id.slice(0, 6), rowKey: id.slice(6) });
  const read = async (id: string) =>
    isSigninId(id) ? ((await table.read(keys(id))) as StoredSignin | undefined) : undefined;

  return {
    newId: (random, now) =>
      expiryHour(now + SIGNIN_SECONDS * 1000 + KEPT_AFTER_MS) +
      Buffer.from(random.subarray(0, 16)).toString('base64url'),
    insert: (id, signin) => table.write({ type: 'insert', row: { ...signin, ...keys(id) } }),
    read,
    takeBack: async (id, now) => takeBack(table, grants, await read(id), now),
    advance: ({ partitionKey, rowKey, etag }, to) =>
      table.write({ type: 'replace', row: { ...columnsOf(to), partitionKey, rowKey }, etag }),
    forgetUpstream: (id, signin) => {
      // A merge takes no column out of a row.
      const columns = Object.entries(signin).filter(([column, text]) => /^upstreamTokens\d+$/.test(column) && text);
      const emptied = Object.fromEntries(columns.map(([column]) => [column, '']));
      if (columns.length > 0) writer.merge('signins', { ...emptied, ...keys(id) });
    },
  };
}

/** A row without what storage adds to it. */
function columnsOf(signin: Signin): Columns {
  const { etag: _etag, ...columns } = signin as Signin & { etag?: string };
  return columns;
}
