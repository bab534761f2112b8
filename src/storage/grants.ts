import { type PersonId, personKey } from '../access/person.ts';
import { expiryHour } from './expiry.ts';
import { type LongText, withoutText } from './long-text.ts';
import { readAll } from './read-all.ts';
import { removeMatching, removeRows } from './remove-rows.ts';
import { type Outcome, odata, type Stored, type Tables } from './tables.ts';

/**
 * The table `grants`: what a person has granted to a client. A person's grants
 * are one partition, with the hashes of their spent refresh tokens beside them,
 * so that a renewal changes both in one transaction.
 *
 * | partition | row | holds |
 * |---|---|---|
 * | person | `g.GRANT` | the grant |
 * | person | `s.GRANT.HASH` | when a refresh token was spent |
 * | person | `g.GRANT` | or a bar, of the kind `removed`: no grant of this name can be stored any more |
 * | `h.HOUR` | `PERSON.GRANT` | the index for the purge, apart from all people, who begin with a hexadecimal digit |
 */

/** Entra's tokens for the person, sealed (`upstreamTokens0` and so on): deleted when the grant ends. */
type UpstreamColumns = LongText<'upstreamTokens'>;

export type Grant = UpstreamColumns & {
  /** `client`: an MCP client's; `script`: a token from the landing page. */
  kind: 'client' | 'script';
  clientId: string;
  clientName?: string;
  /** Present for a confidential client: a renewal asks for the secret. */
  clientSecretHash?: string;
  /** Present for a client that signs assertions: a renewal asks for one. */
  clientAuth?: 'private_key_jwt';
  /** Where the client was sent back to; absent for scripts. */
  redirectUri?: string;
  /** What the person approved on a page, with `offline_access` where that was; a later request for no more need not ask. */
  approvedScope?: string;
  /** Thumbprint of the key that the tokens are bound to (RFC 9449). */
  dpopJkt?: string;
  /** Whether the client has said that all of its tokens are to be bound. */
  dpopRequired?: boolean;
  /** The scopes, with spaces between. */
  scope: string;
  resource: string;
  name?: string;
  email?: string;
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number;
  /** When the person signed in for it, which is a little before: what is ended as a whole ends by this. */
  signedInAt: number;
  expiresAt: number;
  /** Grows by one at each renewal; the first tokens are generation 0. */
  generation: number;
  /** When the newest tokens were issued. */
  issuedAt: number;
  /** When the last access token of any generation expires. */
  tokensExpireAt: number;
  /** Hash of the one refresh token that is unspent; absent where none was asked for. */
  refreshHash?: string;
  /** Hash of the token spent last, with what it takes to make its successor again. */
  previousHash?: string;
  successorSalt?: string;
  successorKid?: string;
  /** Roles that tools demand and the person has, with spaces between. */
  roles?: string;
  /** Since when Entra has not answered for this grant; absent while it does. */
  entraDownSince?: number;
  endedAt?: number;
  endReason?: EndReason;
  /** What Entra said, where it was Entra. */
  endDetail?: string;
};

export type EndReason =
  | 'refused by Entra'
  | 'revoked'
  | 'refresh token reused'
  | 'code reused'
  | 'ended by the person'
  | 'ended by an administrator';

export interface GrantKey {
  person: PersonId;
  grantId: string;
}

export interface Grants {
  /** Stores a new grant; `exists` when a racing or earlier attempt has. */
  insert(key: GrantKey, grant: Grant): Promise<Outcome>;
  read(key: GrantKey): Promise<Stored<Grant> | undefined>;
  /** Renews: the grant as it is to be, and the spent token's hash, in one transaction. */
  rotate(key: GrantKey, from: Stored<Grant>, to: Grant, spentHash: string): Promise<Outcome>;
  /** When a refresh token of this grant was spent; `undefined` when it never was one. */
  spentAt(key: GrantKey, hash: string): Promise<number | undefined>;
  /** Marks a grant as ended. */
  end(from: Stored<Grant>, at: number, reason: EndReason, detail?: string): Promise<Outcome>;
  /** Puts Entra's tokens, sealed, in the place of those that are there. */
  keepUpstream(from: Stored<Grant>, upstream: UpstreamColumns): Promise<Outcome>;
  /** The person's grants, ended ones too, in no order of time; one query reads a thousand. */
  list(person: PersonId, query?: GrantQuery): Promise<GrantPage>;
  /** The newest living grant of a client under a redirect URI and for a resource; one query for each thousand grants of this client. */
  newest(
    person: PersonId,
    of: Pick<Grant, 'clientId' | 'redirectUri' | 'resource'>,
    now: number,
  ): Promise<ListedGrant | undefined>;
  /** Files a grant for the purge. */
  file(key: GrantKey, expiresAt: number): Promise<void>;
  /** Sees to it that a grant which is not stored yet never is: until the purge a bar is in its place. */
  bar(key: GrantKey, now: number): Promise<void>;
  /**
   * Deletes grants that have ended, a hundred a trip; leaves a bar where the grant
   * {@link mayComeAgain}. Their spent tokens stay until {@link Grants.forget}.
   */
  remove(person: PersonId, grants: readonly ListedGrant[], now: number): Promise<void>;
  /**
   * Deletes what is left of a person whose grants are deleted: spent tokens, and
   * what was filed for the purge, bars aside. The latter is a query over the whole index, for
   * a grant does not tell the hour that it is filed under.
   */
  forget(person: PersonId): Promise<void>;
}

export interface GrantQuery {
  readonly kind?: Grant['kind'];
  /** Only grants that expire later than this, in milliseconds since the epoch. */
  readonly expiringAfter?: number;
  /** Where the page begins: a former one's `next`. */
  readonly after?: string;
  /** How many at the most; a thousand unless it says otherwise. */
  readonly limit?: number;
}

export type ListedGrant = Stored<Grant> & { readonly grantId: string };

export interface GrantPage {
  readonly grants: readonly ListedGrant[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

/** What one query reads at the most. */
const PAGE = 1000;

/** How many thousands of one client's grants are looked through for the newest: more than the refresh tokens of a year. */
const NEWEST_QUERIES = 10;

/** No request takes longer, in milliseconds. */
const REQUEST_MS = 300_000;

/** Whether a request may still be under way that read a sign-in as claimed then, and goes on to store its grant. */
export const mayComeAgain = (claimedAt: number, now: number) => now < claimedAt + REQUEST_MS;

/** What stands in a bar's row. */
const BAR = 'removed';

/** The rows that belong to one grant, by their keys' beginning. */
export const grantRow = (grantId: string) => `g.${grantId}`;
export const spentRow = (grantId: string, hash: string) => `s.${grantId}.${hash}`;

/** Whether what lies in a grant's place only keeps a grant from being stored there. */
export const isBar = ({ kind }: { kind: string }) => kind === BAR;

const indexRow = (person: PersonId, grantId: string) => `${personKey(person)}.${grantId}`;

/** Where a grant that expires at that time is filed for the purge. */
export const indexPartition = (expiresAt: number) => `h.${expiryHour(expiresAt)}`;

export function openGrants(tables: Tables): Grants {
  const table = tables.table('grants');
  const keys = ({ person, grantId }: GrantKey) => ({ partitionKey: personKey(person), rowKey: grantRow(grantId) });
  const file = ({ person, grantId }: GrantKey, expiresAt: number) =>
    table.upsert({ partitionKey: indexPartition(expiresAt), rowKey: indexRow(person, grantId) });
  const barOf = (key: GrantKey, now: number) => ({ ...keys(key), kind: BAR, expiresAt: now });

  /** The index rows of a person's bars. */
  async function filedBars(person: PersonId): Promise<Set<string>> {
    const filter = odata`PartitionKey eq ${personKey(person)} and RowKey ge 'g.' and RowKey lt 'g/' and kind eq ${BAR}`;
    const rows = await readAll(table, filter);
    return new Set(rows.map(({ rowKey }) => indexRow(person, rowKey.slice(grantRow('').length))));
  }

  return {
    insert: (key, grant) => table.write({ type: 'insert', row: { ...grant, ...keys(key) } }),
    read: async key => {
      const row = await table.read<Grant>(keys(key));
      return row && isBar(row) ? undefined : row;
    },
    rotate: (key, { etag }, to, spentHash) => {
      const { partitionKey, rowKey } = keys(key);
      return table.transaction([
        { type: 'replace', row: { ...to, partitionKey, rowKey }, etag },
        {
          type: 'insert',
          row: { partitionKey, rowKey: spentRow(key.grantId, spentHash), spentAt: to.issuedAt },
        },
      ]);
    },
    spentAt: async (key, hash) => {
      const rowKey = spentRow(key.grantId, hash);
      return (await table.read<{ spentAt: number }>({ partitionKey: personKey(key.person), rowKey }))?.spentAt;
    },
    // What Entra gave goes with the grant: nothing may use it any more.
    end: ({ etag, ...grant }, at, endReason, endDetail) => {
      const row = {
        ...withoutText('upstreamTokens', grant),
        endedAt: at,
        endReason,
        ...(endDetail ? { endDetail } : {}),
      };
      return table.write({ type: 'replace', row, etag });
    },
    keepUpstream: ({ etag, ...grant }, upstream) =>
      table.write({ type: 'replace', row: { ...withoutText('upstreamTokens', grant), ...upstream }, etag }),
    list: async (person, { kind, expiringAfter, after = '', limit = PAGE } = {}) => {
      const filter =
        odata`PartitionKey eq ${personKey(person)} and RowKey gt ${grantRow(after)} and RowKey lt 'g/'` +
        (kind ? odata` and kind eq ${kind}` : odata` and kind ne ${BAR}`) +
        (expiringAfter === undefined ? '' : ` and expiresAt gt ${expiringAfter}.0`);
      const { rows, continuation } = await table.page<Grant>(filter, limit);
      const grants = rows.map(row => ({ ...row, grantId: row.rowKey.slice(grantRow('').length) }));
      const last = continuation && grants.at(-1);
      return last ? { grants, next: last.grantId } : { grants };
    },
    newest: async (person, { clientId, redirectUri, resource }, now) => {
      const filter =
        odata`PartitionKey eq ${personKey(person)} and RowKey ge 'g.' and RowKey lt 'g/' and clientId eq ${clientId}` +
        ` and expiresAt gt ${now}.0`;
      const rows = await readAll<Grant>(table, filter, NEWEST_QUERIES);
      const newest = rows
        .filter(row => row.endedAt === undefined && row.redirectUri === redirectUri && row.resource === resource)
        .reduce<Stored<Grant> | undefined>(
          (last, row) => (row.createdAt > (last?.createdAt ?? 0) ? row : last),
          undefined,
        );
      return newest && { ...newest, grantId: newest.rowKey.slice(2) };
    },
    file,
    bar: async (key, now) => {
      await file(key, now + REQUEST_MS);
      await table.write({ type: 'insert', row: barOf(key, now) });
    },
    remove: async (person, grants, now) => {
      const isRecent = ({ kind, createdAt }: Grant) => kind === 'client' && mayComeAgain(createdAt, now);
      for (const { grantId } of grants.filter(isRecent)) {
        await file({ person, grantId }, now + REQUEST_MS);
        await table.upsert(barOf({ person, grantId }, now));
      }
      await removeRows(
        table,
        grants.filter(grant => !isRecent(grant)),
      );
    },
    forget: async person => {
      const key = personKey(person);
      await removeMatching(table, odata`PartitionKey eq ${key} and RowKey ge 's.' and RowKey lt 's/'`);
      // `/` is the character after `.`: the end of what is this person's.
      const filed = odata`RowKey ge ${`${key}.`} and RowKey lt ${`${key}/`}`;
      const bars = await filedBars(person);
      const rows = await readAll(table, `PartitionKey ge 'h.' and PartitionKey lt 'h/' and ${filed}`);
      await removeRows(
        table,
        rows.filter(({ rowKey }) => !bars.has(rowKey)),
      );
    },
  };
}
