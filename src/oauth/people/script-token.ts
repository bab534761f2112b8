import type { PersonId } from '../../access/person.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { randomText } from '../../keys/random.ts';
import type { Grant, GrantKey, ListedGrant } from '../../storage/grants.ts';
import type { OAuthServices } from '../services.ts';
import { SCRIPT_TOKEN_SECONDS, tokenAnswer } from '../tokens/tokens.ts';
import type { BrowserSession } from './session.ts';
import { unexpiredGrants } from './unexpired-grants.ts';

/** The `client_id` of tokens that a person asked for on the landing page. */
export const SCRIPT_CLIENT_ID = 'landing-page';

/** Tokens for scripts that one person may have at a time: as many as the page shows well. */
export const MOST_SCRIPT_TOKENS = 20;

export interface ScriptToken {
  readonly grantId: string;
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** The grants of a person's tokens for scripts that are of use. */
export async function activeScriptTokens(
  services: Pick<OAuthServices, 'grants' | 'revocations' | 'now'>,
  person: PersonId,
): Promise<ListedGrant[]> {
  return (await unexpiredGrants(services, person, 'script')).filter(grant => grant.endedAt === undefined);
}

/**
 * Issues a bearer token for a person's own scripts: the scopes they chose, one
 * hour, no refresh token, a grant of its own. Filed for the
 * purge first, so that no grant is left behind. They are counted when this one is
 * among them, so that of any that are asked for at once the last sees all.
 *
 * @returns `undefined` where the person has too many
 * @throws UnavailableError
 */
export async function issueScriptToken(
  services: OAuthServices,
  context: RequestContext,
  { person, signedInAt }: Pick<BrowserSession, 'person' | 'signedInAt'>,
  scopes: readonly string[],
): Promise<ScriptToken | undefined> {
  const key: GrantKey = { person, grantId: randomText(services.random, 16) };
  const issuedAt = services.now();
  const grant: Grant = {
    kind: 'script',
    clientId: SCRIPT_CLIENT_ID,
    scope: scopes.join(' '),
    resource: services.resource,
    ...(person.name ? { name: person.name } : {}),
    ...(person.email ? { email: person.email } : {}),
    createdAt: issuedAt,
    signedInAt,
    issuedAt,
    expiresAt: issuedAt + SCRIPT_TOKEN_SECONDS * 1000,
    tokensExpireAt: issuedAt + SCRIPT_TOKEN_SECONDS * 1000,
    generation: 0,
  };
  await services.grants.file(key, grant.expiresAt);
  await services.grants.insert(key, grant);
  const active = await activeScriptTokens(services, person);
  if (active.length > MOST_SCRIPT_TOKENS) {
    const mine = active.filter(({ grantId }) => grantId === key.grantId);
    await services.grants.remove(person, mine, services.now());
    return undefined;
  }
  services.records.connections.add(key, grant);
  services.audit.record(context, 'script token issued', { person, client: grant.clientId, grant: key.grantId, scopes });
  const { access_token } = await tokenAnswer({ ...services, tokenExpirySeconds: SCRIPT_TOKEN_SECONDS }, key, grant);
  return { grantId: key.grantId, token: access_token, expiresAt: grant.expiresAt };
}
