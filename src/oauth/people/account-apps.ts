import type { PersonId } from '../../access/person.ts';
import { accessOf, type ResourceDirectory } from '../../access/resources.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { UnavailableError } from '../../http/errors.ts';
import type { EndReason, Grant, ListedGrant } from '../../storage/grants.ts';
import type { AccountProps, ConnectedApp, EndedApp } from '../../web/index.ts';
import { canBeRemembered } from '../authorize/remembered-approval.ts';
import { redirectHost } from '../clients/redirect-uri.ts';
import type { OAuthServices } from '../services.ts';
import { endEach } from './end-each.ts';
import { unexpiredGrants } from './unexpired-grants.ts';

/** How many the page shows of what has access, and of what has ended. */
const MOST_APPS = 100;
const MOST_ENDED = 20;

/** What of a person's grants the page shows, newest first. */
export async function appsOf(
  services: Pick<OAuthServices, 'resources' | 'grants' | 'revocations' | 'now'>,
  person: PersonId,
): Promise<Pick<AccountProps, 'apps' | 'more' | 'ended'>> {
  const { now } = services;
  const all = await unexpiredGrants(services, person);
  const live = all.filter(grant => isOfUse(grant, now())).sort((a, b) => b.createdAt - a.createdAt);
  const ended = all.filter(isEnded).sort((a, b) => b.endedAt - a.endedAt);
  return {
    apps: live.slice(0, MOST_APPS).map(grant => toApp(services.resources, grant, now())),
    more: Math.max(0, live.length - MOST_APPS),
    ended: ended.slice(0, MOST_ENDED).map(toEnded),
  };
}

/**
 * Ends all that a person has granted, and tells what could not be ended because storage failed. Codes go first, claimed
 * ones too, so that no grant comes after those that are ended.
 *
 * @throws UnavailableError when codes are left
 */
export async function endAll(
  services: Pick<OAuthServices, 'erasure' | 'grants' | 'revocations' | 'audit' | 'now'>,
  context: RequestContext,
  person: PersonId,
): Promise<{ ended: number; left: number }> {
  const outage = await services.erasure.codes(person, services.now()).catch(onlyOutage);
  const live = (await unexpiredGrants(services, person)).filter(grant => grant.endedAt === undefined);
  const ended = await endEach(
    services,
    context,
    person,
    live.map(({ grantId }) => grantId),
  );
  const left = live.length - ended;
  if (outage && left === 0) throw outage;
  return { ended, left };
}

/** What is no outage is thrown on. */
function onlyOutage(error: unknown): UnavailableError {
  if (error instanceof UnavailableError) return error;
  throw error;
}

/** When its last token is of no use any more: without a refresh token that is long before the grant itself expires. */
const accessEnds = (grant: Grant) => (grant.refreshHash ? grant.expiresAt : grant.tokensExpireAt);

/** Whether a grant gives access, or saves its client from asking the person again. */
function isOfUse(grant: Grant, now: number): boolean {
  if (grant.endedAt !== undefined) return false;
  const remembered = grant.approvedScope && grant.redirectUri && canBeRemembered(grant.redirectUri);
  return accessEnds(grant) > now || Boolean(remembered);
}

function isEnded(grant: ListedGrant): grant is ListedGrant & { endedAt: number } {
  return grant.endedAt !== undefined;
}

function toApp(resources: ResourceDirectory, grant: ListedGrant, now: number): ConnectedApp {
  return {
    ...identity(grant),
    grantId: grant.grantId,
    origin: originOf(grant),
    scopes: accessOf(resources, grant),
    since: new Date(grant.createdAt),
    usedAt: new Date(grant.issuedAt),
    until: new Date(accessEnds(grant)),
    isRenewable: grant.refreshHash !== undefined,
    isOver: accessEnds(grant) <= now,
    isBoundToKey: grant.dpopJkt !== undefined,
  };
}

function toEnded(grant: ListedGrant & { endedAt: number }): EndedApp {
  return {
    ...identity(grant),
    endedAt: new Date(grant.endedAt),
    why: grant.endReason ? [WHY[grant.endReason], grant.endDetail].filter(Boolean).join(' ') : '',
  };
}

function identity({ kind, clientName, redirectUri }: Grant) {
  return {
    kind,
    ...(clientName ? { name: clientName } : {}),
    ...(redirectUri ? { sentTo: redirectHost(redirectUri) } : {}),
  };
}

/** Whose word a client's description is, by the form of its id. */
function originOf({ kind, clientId }: Grant): string {
  if (kind === 'script') return 'You issued it on the first page of this server.';
  if (/^[pc]c\./.test(clientId)) return 'It registered itself: nobody has verified its name.';
  return clientId.startsWith('https://') && URL.canParse(clientId)
    ? `Its description is published at ${new URL(clientId).host}.`
    : 'The operator of this server has set it up.';
}

const WHY: Record<EndReason, string> = {
  'ended by an administrator': 'An administrator of this server ended it.',
  'ended by the person': 'You ended it.',
  'refused by Entra': 'Microsoft Entra ID, or a rule of your organization, did not let you in any more.',
  revoked: 'The app gave its access back, as apps do when you sign out there.',
  'refresh token reused':
    'A token that the app had already exchanged came a second time. Somebody else may have had a copy, so all of this sign-in’s access was ended.',
  'code reused':
    'The code of this sign-in came a second time. Somebody else may have seen it, so all of this sign-in’s access was ended.',
};
