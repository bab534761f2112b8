import { type PersonId, personKey } from '../access/person.ts';
import type { RequestContext } from '../http/endpoint.ts';
import { type RandomBytes, randomText } from '../keys/random.ts';
import type { AuditRows, StoredEvent } from '../storage/audit.ts';
import { tellSpan } from './tell-span.ts';

/** What is worth knowing long after it happened. */
export type AuditAct =
  | 'signed in'
  | 'sign-in refused'
  | 'signed out'
  | 'signed out by Entra'
  | 'consent given'
  | 'consent denied'
  | 'consent remembered'
  | 'connected'
  | 'renewal refused'
  | 'grant ended'
  | 'script token issued'
  | 'tool called'
  | 'prompt used'
  | 'resource read'
  | 'tool denied'
  | 'data exported'
  | 'data deleted'
  | 'client registered'
  | 'client blocked'
  | 'client unblocked'
  | 'all of a person ended'
  | 'all of a client ended';

/** Names only, never a token, code, secret, note or address. */
export interface AuditEvent {
  readonly person?: PersonId;
  readonly client?: string;
  readonly clientName?: string | undefined;
  /** What it is to have access to, by its URL. */
  readonly resource?: string;
  /** A tool or a prompt, by its name, or a resource, by its URI, of a server behind the gateway; of ours, one that was denied. */
  readonly tool?: string;
  readonly grant?: string;
  readonly signin?: string;
  /** The administrator who did it, where it was one. */
  readonly by?: PersonId | undefined;
  readonly scopes?: readonly string[];
  readonly reason?: string | undefined;
}

export interface Audit {
  /** Tells of an event: one line in the log at once, and a row that is written behind the scenes. */
  record(context: RequestContext, act: AuditAct, event: AuditEvent): void;
}

/** In characters: what a client says of itself may be long. */
const LONGEST = 1000;

/** @param now milliseconds since the epoch */
export function createAudit(rows: Pick<AuditRows, 'add'>, now: () => number, random: RandomBytes): Audit {
  return {
    record({ log, correlationId, span }, act, event) {
      const { person, by, scopes, ...names } = event;
      if (span) tellSpan(span, act, event);
      const fields = {
        act,
        ...(person ? { person: personKey(person) } : {}),
        ...shortened(names),
        ...(scopes ? { scope: scopes.join(' ') } : {}),
        ...(by ? { by: personKey(by) } : {}),
      };
      log.info('audit', fields);
      rows.add({ ...fields, at: now(), correlationId }, randomText(random, 8));
    },
  };
}

type Names = Pick<StoredEvent, 'client' | 'clientName' | 'resource' | 'tool' | 'grant' | 'signin' | 'reason'>;

function shortened(names: { readonly [name in keyof Names]?: string | undefined }): Names {
  const given = Object.entries(names).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return Object.fromEntries(given.map(([name, text]) => [name, text.slice(0, LONGEST)]));
}
