import type { Scope } from '../../access/scopes.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { randomText } from '../../keys/random.ts';
import type { Grant, GrantKey } from '../../storage/grants.ts';
import type { OAuthServices } from '../services.ts';
import { SCRIPT_TOKEN_SECONDS, tokenAnswer } from '../tokens/tokens.ts';
import type { BrowserSession } from './session.ts';

/** The `client_id` of tokens that a person asked for on the landing page. */
export const SCRIPT_CLIENT_ID = 'landing-page';

export interface ScriptToken {
  readonly grantId: string;
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Issues a bearer token for a person's own scripts: the scopes they chose, one
 * hour, no refresh token, a grant of its own. Filed for the
 * purge first, so that no grant is left behind.
 */
export async function issueScriptToken(
  services: OAuthServices,
  context: RequestContext,
  { person, signedInAt }: Pick<BrowserSession, 'person' | 'signedInAt'>,
  scopes: readonly Scope[],
): Promise<ScriptToken> {
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
  services.records.connections.add(key, grant);
  services.audit.record(context, 'script token issued', { person, client: grant.clientId, grant: key.grantId, scopes });
  const { access_token } = await tokenAnswer({ ...services, tokenExpirySeconds: SCRIPT_TOKEN_SECONDS }, key, grant);
  return { grantId: key.grantId, token: access_token, expiresAt: grant.expiresAt };
}
