import { personKey } from '../access/person.ts';
import type { Counter, Span } from '../http/span.ts';
import type { AuditAct, AuditEvent } from './audit.ts';

/** What each kind of event counts as, and the word that tells it apart there. */
const COUNTED: { readonly [act in AuditAct]?: readonly [Counter, (event: AuditEvent) => string] } = {
  'signed in': ['sign_ins', ({ client }) => (client ? 'client' : 'browser')],
  'consent denied': ['denials', () => 'by the person'],
  'sign-in refused': ['denials', () => 'at sign-in'],
  'renewal refused': ['denials', () => 'at renewal'],
  // What follows a colon is in Entra's words.
  'grant ended': ['revocations', ({ reason = '' }) => reason.split(':')[0] ?? ''],
  'all of a person ended': ['revocations', () => 'all of a person'],
  'all of a client ended': ['revocations', () => 'all of a client'],
  'data deleted': ['revocations', () => 'data deleted'],
};

/** Tells a request's span of an event, as far as an operator may learn of it there: no name, no words of others. */
export function tellSpan(span: Span, act: AuditAct, event: AuditEvent): void {
  const { person, client, signin } = event;
  if (person) span.person(personKey(person));
  if (client) span.tell({ client });
  if (signin) span.signin(signin);
  const [counter, kindOf] = COUNTED[act] ?? [];
  if (counter) span.count(counter, kindOf?.(event));
}
