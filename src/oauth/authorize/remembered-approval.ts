import { type PersonId, personKey } from '../../access/person.ts';
import { OFFLINE_ACCESS, type Scope } from '../../access/scopes.ts';
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
export function approvalOf({ scopes, offline }: { scopes: readonly Scope[]; offline: boolean }): string {
  return [...scopes, ...(offline ? [OFFLINE_ACCESS] : [])].join(' ');
}

/**
 * The approval that covers a request; `undefined` where the person has to be
 * asked. One query, in the person's own partition.
 */
export async function rememberedApproval(
  { grants, revocations, now }: Pick<OAuthServices, 'grants' | 'revocations' | 'now'>,
  person: PersonId,
  asked: AuthorizationRequest,
): Promise<string | undefined> {
  const { clientId, redirectUri, resource } = asked;
  const grant = await grants.newest(person, { clientId, redirectUri, resource }, now());
  if (!grant || (await revocations.endedAt({ person, clientId, since: grant.createdAt })) !== undefined)
    return undefined;
  const approved = grant.approvedScope;
  const covered = approved?.split(' ') ?? [];
  return approvalOf(asked)
    .split(' ')
    .every(scope => covered.includes(scope))
    ? approved
    : undefined;
}

/** Whether a person is the one whose earlier approval a sign-in relies on; true where it relies on none. */
export function isApprover({ approver }: Pick<Signin, 'approver'>, person: PersonId): boolean {
  return approver === undefined || approver === personKey(person);
}
