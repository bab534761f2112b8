import { backwardHour, backwardTime } from './expiry.ts';
import { readOn } from './newest-first.ts';
import type { Tables } from './tables.ts';
import type { WriteBehind } from './write-behind.ts';

/** The table `audit`: what has happened, the newest first, by the hour in which it did. */
export interface AuditRows {
  /** Stores an event behind the scenes. @param random names it among those of other instances */
  add(event: StoredEvent, random: string): void;
  /** A page of events, the newest first. @param after where the page begins: a former one's `next` */
  page(after?: string): Promise<{ events: StoredEvent[]; next?: string }>;
}

export type StoredEvent = {
  /** What happened. */
  act: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** Whom it is about, as `TENANT.OBJECT`. */
  person?: string;
  client?: string;
  clientName?: string;
  /** What it is to have access to, by its URL. */
  resource?: string;
  /** A tool, a prompt or a resource of a server behind the gateway, or one of ours that was denied. */
  tool?: string;
  grant?: string;
  signin?: string;
  /** The administrator who did it, as `TENANT.OBJECT`. */
  by?: string;
  scope?: string;
  reason?: string;
  correlationId: string;
};

const ORDERS = 1_000_000;

/** Events on a page. */
export const EVENTS = 50;

/** The partitions of events that are older than `before` (milliseconds), as an OData filter. */
export const eventsBefore = (before: number) => `PartitionKey gt '${backwardHour(before)}'`;

export function openAudit(tables: Tables, writer: WriteBehind): AuditRows {
  const table = tables.table('audit');
  /** Keeps the order of what one instance tells of within a millisecond. */
  let told = 0;
  const order = () => String(ORDERS - 1 - (told++ % ORDERS)).padStart(6, '0');
  return {
    add: (event, random) =>
      writer.add('audit', {
        ...event,
        partitionKey: backwardHour(event.at),
        rowKey: `${backwardTime(event.at)}.${order()}.${random}`,
      }),
    page: async after => {
      const { rows, next } = await readOn<StoredEvent>(table, { from: '0', to: ':', after, size: EVENTS });
      const events = rows.map(({ partitionKey: _p, rowKey: _r, etag: _e, ...event }) => event);
      return next ? { events, next } : { events };
    },
  };
}
