import { type PersonId, personKey } from '../../access/person.ts';
import { OFFLINE_ACCESS } from '../../access/scopes.ts';
import type { Signin } from '../../storage/signins.ts';
import { opensProgram } from '../clients/redirect-uri.ts';
import type { OAuthServices } from '../services.ts';
import type { AuthorizationRequest } from './authorization-request.ts';

/**
 * What a person has approved before is not asked again, while the grant that
 * came of it lives: for the same client, redirect URI and resource, and for no
 * more than was approved on the page. The newest grant decides, so the last
 * word counts; it carries what was approved, for a later request may ask less.
 */

/**
 * Whether approvals for a redirect URI are remembered: one that opens a program
 * does not tell which asks (RFC 8252 section 8.6), so there the person is asked
 * every time.
 */
export const canBeRemembered = (redirectUri: string) => !opensProgram(redirectUri);

/** Scopes and `offline_access`, as an approval is kept. */
export function approvalOf({ scopes, offline }: { scopes: readonly string[]; offline: boolean }): string {
  return [...scopes, ...(offline ? [OFFLINE_ACCESS] : [])].join(' ');
}

/** An earlier approval. */
export interface RememberedApproval {
  /** What was approved then. */
  readonly scope: string;
  readonly by: PersonId;
  /** The grant that came of it. */
  readonly grantId: string;
}

/**
 * The approval that covers a request; `undefined` where the person has to be
 * asked. One query, in the person's own partition.
 */
export async function rememberedApproval(
  { grants, revocations, now }: Pick<OAuthServices, 'grants' | 'revocations' | 'now'>,
  person: PersonId,
  asked: AuthorizationRequest,
): Promise<RememberedApproval | undefined> {
  const { clientId, redirectUri, resource } = asked;
  const grant = await grants.newest(person, { clientId, redirectUri, resource }, now());
  if (!grant || (await revocations.endedAt({ person, clientId, since: grant.signedInAt })) !== undefined)
    return undefined;
  const scope = grant.approvedScope ?? '';
  const covered = scope.split(' ');
  return approvalOf(asked)
    .split(' ')
    .every(each => covered.includes(each))
    ? { scope, by: person, grantId: grant.grantId }
    : undefined;
}

/**
 * Whether a sign-in may go on without the page for the person who came back:
 * where it relies on no earlier approval, or on one of their own that nobody has
 * ended since. Known from memory, so within 30 seconds of an ending elsewhere.
 */
export async function needsNoPage(
  { revocations }: Pick<OAuthServices, 'revocations'>,
  { approver, reliesOn, createdAt }: Pick<Signin, 'approver' | 'reliesOn' | 'createdAt'>,
  { clientId }: AuthorizationRequest,
  person: PersonId,
): Promise<boolean> {
  if (approver === undefined) return true;
  if (approver !== personKey(person) || reliesOn === undefined) return false;
  const signedInAt = Math.floor(createdAt / 1000);
  return !(await revocations.isRevoked({ grantId: reliesOn, person, clientId, signedInAt }));
}
