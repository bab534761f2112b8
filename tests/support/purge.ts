import { type PurgeReport, purge as purgeAll } from '../../src/storage/purge.ts';
import type { Tables } from '../../src/storage/tables.ts';

/** The purge with the settings as they are when nobody sets them. */
export function purge(tables: Tables, now: number): Promise<PurgeReport> {
  return purgeAll(tables, now, { auditRetentionDays: 90, refreshMaxSeconds: 365 * 86_400 });
}
