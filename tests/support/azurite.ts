import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { connectionStringFor } from '../../dev/azurite/index.ts';

let next = 0;

/**
 * A storage account that no other test has, empty, on the Azurite of this run.
 *
 * Workers do not talk to each other: an account is taken by creating its file, which only one of them can do.
 * @throws Error when all accounts are taken
 */
export function freshStorage(): { connectionString: string; accountName: string } {
  const { port, accounts, claims } = inject('storage');
  for (; next < accounts.length; next++) {
    const account = accounts[next];
    if (account !== undefined && claim(join(claims, account.name))) {
      return { connectionString: connectionStringFor(account, { table: port }), accountName: account.name };
    }
  }
  throw new Error(
    `All ${accounts.length} storage accounts are taken: raise their number in tests/support/global-setup.ts.`,
  );
}

function claim(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
