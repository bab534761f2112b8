import type { ListedGrant } from '../../storage/grants.ts';
import type { Note } from '../../storage/notes.ts';
import type { OAuthServices } from '../services.ts';
import type { BrowserSession } from './session.ts';

/** Notes that are in memory at a time: 64 KB each at the most. */
const NOTES_AT_ONCE = 50;

/**
 * All that is kept of a person, as a JSON file to save. It is written while
 * storage is read, page by page. What fails before the first byte is thrown; a
 * later failure cuts the file short, before its last member `complete`.
 */
export async function exportAccount(
  services: Pick<OAuthServices, 'grants' | 'notes' | 'now'>,
  session: BrowserSession,
): Promise<Response> {
  const text = fileOf(services, session);
  const encoder = new TextEncoder();
  let first: IteratorResult<string> | undefined = await text.next();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = first ?? (await text.next());
        first = undefined;
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await text.return?.(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  const day = new Date(services.now()).toISOString().slice(0, 10);
  return new Response(body, {
    headers: {
      'content-type': 'application/json',
      'content-disposition': `attachment; filename="account-${day}.json"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    },
  });
}

/** The file in pieces: the first comes only when storage has answered for grants and for notes. */
async function* fileOf(
  { grants, notes, now }: Pick<OAuthServices, 'grants' | 'notes' | 'now'>,
  { person, signedInAt }: BrowserSession,
): AsyncGenerator<string, undefined> {
  let grantPage = await grants.list(person);
  let notePage = await notes.page({ person, limit: NOTES_AT_ONCE });

  const head = JSON.stringify({ exportedAt: iso(now()), person, signedInAt: iso(signedInAt) });
  yield `${head.slice(0, -1)},\n"grants":[${list(grantPage.grants.map(toExport))}`;
  while (grantPage.next) {
    grantPage = await grants.list(person, { after: grantPage.next });
    yield more(grantPage.grants.map(toExport));
  }
  yield `],\n"notes":[${list(notePage.notes.map(noteToExport))}`;
  while (notePage.nextCursor) {
    notePage = await notes.page({ person, cursor: notePage.nextCursor, limit: NOTES_AT_ONCE });
    yield more(notePage.notes.map(noteToExport));
  }
  yield '],\n"complete":true}\n';
}

const list = (values: readonly object[]) => values.map(value => `\n${JSON.stringify(value)}`).join(',');
const more = (values: readonly object[]) => (values.length > 0 ? `,${list(values)}` : '');

/** A grant without its hashes and salts, which are no use to a person. */
function toExport(grant: ListedGrant) {
  return {
    id: grant.grantId,
    kind: grant.kind,
    clientId: grant.clientId,
    clientName: grant.clientName,
    redirectUri: grant.redirectUri,
    resource: grant.resource,
    scopes: grant.scope.split(' '),
    approvedScopes: grant.approvedScope?.split(' '),
    name: grant.name,
    email: grant.email,
    createdAt: iso(grant.createdAt),
    issuedAt: iso(grant.issuedAt),
    renewals: grant.generation,
    expiresAt: iso(grant.expiresAt),
    isBoundToKey: grant.dpopJkt !== undefined,
    endedAt: grant.endedAt === undefined ? undefined : iso(grant.endedAt),
    endReason: grant.endReason,
    endDetail: grant.endDetail,
    roles: grant.roles?.split(' '),
  };
}

const noteToExport = ({ id, text, savedAt }: Note) => ({ id, savedAt: iso(savedAt), text });

const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
