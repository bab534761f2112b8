import { emulatorAccount } from '../../../dev/azurite/index.ts';
import type { FaultProxy, Passing } from '../rig/fault-proxy.ts';

/** A write to storage as it goes over the wire. */
export interface Write {
  /** What it does to which table: `insert signins`, `transaction grants`. */
  readonly what: string;
  readonly table: string;
  /** The same for the same write when it is tried again, and for no other. */
  readonly identity: string;
}

/** The first writes that no request waits for: of the audit, of the list of connections, and a sign-in's that is emptied. */
export const BEHIND_THE_SCENES = ['transaction audit 1', 'transaction connections 1', 'merge signins 1'] as const;

/** Whether no request waits for a write. */
export const isBehindTheScenes = ({ table, what }: Write) =>
  table === 'audit' || table === 'connections' || what === 'merge signins';

/** The write that a request is; `undefined` for a read. */
export function writeOf({ method, path, headers, body }: Passing): Write | undefined {
  if (method === 'GET') return undefined;
  const identity = `${method} ${path} ${body}`;
  const isBatch = path.includes('/$batch');
  const table = TABLE.exec(isBatch ? String(body) : path)?.[1] ?? 'none';
  const what = isBatch ? 'transaction' : (VERBS[method] ?? method);
  const verb = what === 'replace' && headers['if-match'] === undefined ? 'upsert' : what;
  return { what: table === TABLES ? 'new table' : `${verb} ${table}`, table, identity };
}

/** Where tables are made. */
const TABLES = 'Tables';
const TABLE = new RegExp(`/${emulatorAccount.name}/(\\w+)`);
const VERBS: Record<string, string> = {
  POST: 'insert',
  PUT: 'replace',
  PATCH: 'merge',
  MERGE: 'merge',
  DELETE: 'delete',
};

/** Tells the writes of one journey apart: the second `replace signins` is another than the first. */
export interface WriteNames {
  /** `replace signins 2`; the same for the same write when it is tried again. */
  nameOf(write: Write): string;
}

export function nameWrites(): WriteNames {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  return {
    nameOf: ({ what, identity }) => {
      const known = names.get(identity);
      if (known) return known;
      const count = (counts.get(what) ?? 0) + 1;
      counts.set(what, count);
      const name = `${what} ${count}`;
      names.set(identity, name);
      return name;
    },
  };
}

/** The names of the writes that requests wait for while `work` runs, in their order, each once; but for new tables. */
export async function recordWrites(proxy: FaultProxy, work: () => Promise<void>): Promise<string[]> {
  const names = nameWrites();
  const seen = new Set<string>();
  const stop = proxy.afterwards(passing => {
    const write = writeOf(passing);
    if (write && write.table !== TABLES && !isBehindTheScenes(write)) seen.add(names.nameOf(write));
  });
  await work();
  stop();
  return [...seen];
}
