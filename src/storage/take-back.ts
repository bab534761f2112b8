import type { PersonId } from '../access/person.ts';
import { type GrantKey, type Grants, mayComeAgain } from './grants.ts';
import type { Signin, StoredSignin } from './signins.ts';
import type { RowKeys, Table } from './tables.ts';

/**
 * Sees to it that nothing new comes of a sign-in. One that is no grant yet is deleted, if it is still the one that was
 * read. One whose code was claimed stays, for by it the purge files the grant; while the request that claimed it may be
 * under way, a bar keeps that grant from being stored.
 *
 * @param signin as it was read; `undefined` where there is none
 * @returns the grant that came of it, which may be there, and then has to be ended
 */
export async function takeBack(
  signins: Table,
  grants: Pick<Grants, 'bar'>,
  signin: StoredSignin | undefined,
  now: number,
): Promise<GrantKey | undefined> {
  for (let row = signin; row; row = await readAgain(signins, row)) {
    if (row.stage === 'redeemed') {
      const key = { person: JSON.parse(row.person) as PersonId, grantId: row.grantId };
      if (mayComeAgain(row.redeemedAt, now)) await grants.bar(key, now);
      return key;
    }
    if ((await signins.write({ type: 'delete', keys: row, etag: row.etag })) === 'written') return undefined;
    // "Changed": it went on in this moment, or the answer of this write was lost. The next read tells.
  }
  return undefined;
}

async function readAgain(signins: Table, { partitionKey, rowKey }: RowKeys): Promise<StoredSignin | undefined> {
  return (await signins.read<Signin>({ partitionKey, rowKey })) as StoredSignin | undefined;
}
