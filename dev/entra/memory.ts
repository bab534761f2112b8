import type { Adapter, AdapterPayload } from 'oidc-provider';

/**
 * Where oidc-provider keeps codes, tokens and sessions: a map that lives as long as the stand-in.
 *
 * Two things differ from what oidc-provider would do, because Entra does them otherwise: a refresh token stays valid
 * after it was used, and redeeming a code twice takes nothing away from who redeemed it first.
 */
export function memoryAdapter(): (model: string) => Adapter {
  const rows = new Map<string, AdapterPayload>();
  return model => {
    const keyOf = (id: string) => `${model} ${id}`;
    const findWhere = (matches: (row: AdapterPayload) => boolean) => {
      for (const [key, row] of rows) if (key.startsWith(`${model} `) && matches(row)) return row;
      return undefined;
    };
    return {
      upsert: async (id, payload) => {
        rows.set(keyOf(id), payload);
      },
      find: async id => rows.get(keyOf(id)),
      findByUid: async uid => findWhere(row => row.uid === uid),
      findByUserCode: async userCode => findWhere(row => row.userCode === userCode),
      consume: async id => {
        const row = rows.get(keyOf(id));
        if (row !== undefined && model !== 'RefreshToken') row.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async id => {
        if (model !== 'Grant') rows.delete(keyOf(id));
      },
      revokeByGrantId: async () => {},
    };
  };
}
