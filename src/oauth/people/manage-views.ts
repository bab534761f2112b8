import { type PersonId, personKey } from '../../access/person.ts';
import { accessOf } from '../../access/resources.ts';
import { revocationNames } from '../../access/revocations.ts';
import type { FormParameters } from '../../http/body.ts';
import type { StoredEvent } from '../../storage/audit.ts';
import type { GrantKey, ListedGrant } from '../../storage/grants.ts';
import { type ManagedConnection, type ManagedEvent, type ManageFrame, managePage } from '../../web/index.ts';
import type { OAuthServices } from '../services.ts';
import { isGrantId } from '../tokens/refresh-token.ts';
import { withEndsOfAll } from './ends-of-all.ts';

type Services = Pick<OAuthServices, 'resources' | 'grants' | 'records' | 'revocations' | 'now'>;

/** Grants of a person on a page. */
const SHOWN = 25;

/**
 * The view that a query asks for: of a person, of a client, of the events, or of
 * what was connected of late. Each is a page of bounded size, however much there is.
 *
 * @param self the administrator, in whose tenant a person is looked for by their object id alone
 */
export async function showManage(
  services: Services,
  self: PersonId,
  query: FormParameters,
  frame: ManageFrame,
): Promise<Response> {
  const from = query.get('from') || undefined;
  const { person, client } = wanted(query, self);
  if (person) return managePage(frame, await personView(services, person, from));
  if (client) return managePage(frame, await clientView(services, client, from));
  return managePage(
    frame,
    await (query.get('show') === 'events' ? eventsView(services, from) : overview(services, from)),
  );
}

/** By `q`, which takes either, or by the links' `person` and `client`. */
function wanted(query: FormParameters, { tid }: PersonId): { person?: PersonId; client?: string } {
  const text = query.get('q')?.trim() ?? '';
  const person = personOf(query.get('person') ?? '') ?? personOf(text) ?? personOf(`${tid}.${text}`);
  if (person) return { person };
  const client = query.get('client') ?? text;
  return isClientId(client) ? { client } : {};
}

const GUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const PERSON = new RegExp(`^(${GUID})\\.(${GUID})$`);

/** The person that a text names as `TENANT.OBJECT`. */
export function personOf(text: string): PersonId | undefined {
  const [, tid, oid] = PERSON.exec(text.toLowerCase()) ?? [];
  return tid && oid ? { tid, oid } : undefined;
}

/** Whether a text can be a client's id. */
export const isClientId = (text: string) => text.length > 0 && text.length <= 2_000;

async function personView(services: Services, person: PersonId, from: string | undefined) {
  const after = from && isGrantId(from) ? { after: from } : {};
  const page = await services.grants.list(person, { limit: SHOWN, ...after });
  const grants = await withEndsOfAll(services, person, page.grants);
  const connections = grants.map(grant => toConnection(services, person, grant));
  return { kind: 'person' as const, person: personKey(person), connections, next: page.next };
}

async function clientView(services: Services, clientId: string, after: string | undefined) {
  const [isBlocked, page] = await Promise.all([
    // By its row: an act on another instance shows at once.
    services.records.blocks.isBlocked(revocationNames.blocked(clientId)),
    services.records.connections.page({ clientId, after }),
  ]);
  return {
    kind: 'client' as const,
    client: clientId,
    isBlocked,
    connections: await connectionsOf(services, page.keys),
    next: page.next,
  };
}

async function overview(services: Services, after: string | undefined) {
  const [page, blocked] = await Promise.all([
    services.records.connections.page({ after }),
    services.records.blocks.blocked(),
  ]);
  return {
    kind: 'overview' as const,
    connections: await connectionsOf(services, page.keys),
    next: page.next,
    blocked: blocked.map(({ clientId, at }) => ({ client: clientId, at: new Date(at) })),
  };
}

async function eventsView({ records }: Services, after: string | undefined) {
  const { events, next } = await records.events.page(after);
  return { kind: 'events' as const, events: events.map(toEvent), next };
}

/** The grants of an index, a point read each; those that are gone are left out. */
async function connectionsOf(services: Services, keys: readonly GrantKey[]): Promise<ManagedConnection[]> {
  const found = await Promise.all(
    keys.map(async key => {
      const grant = await services.grants.read(key);
      if (!grant) return [];
      const listed = await withEndsOfAll(services, key.person, [{ ...grant, grantId: key.grantId }]);
      return listed.map(each => toConnection(services, key.person, each));
    }),
  );
  return found.flat();
}

function toConnection({ resources, now }: Services, person: PersonId, grant: ListedGrant): ManagedConnection {
  const until = grant.refreshHash ? grant.expiresAt : grant.tokensExpireAt;
  return {
    grantId: grant.grantId,
    person: personKey(person),
    name: grant.name,
    email: grant.email,
    client: grant.clientId,
    clientName: grant.clientName,
    kind: grant.kind,
    scopes: accessOf(resources, grant),
    since: new Date(grant.createdAt),
    ...(grant.generation > 0 ? { renewedAt: new Date(grant.issuedAt) } : {}),
    until: new Date(until),
    isOver: until <= now(),
    ...(grant.endedAt === undefined
      ? {}
      : { ended: { at: new Date(grant.endedAt), why: [grant.endReason, grant.endDetail].filter(Boolean).join(': ') } }),
  };
}

function toEvent({ at, ...event }: StoredEvent): ManagedEvent {
  return { ...event, at: new Date(at) };
}
