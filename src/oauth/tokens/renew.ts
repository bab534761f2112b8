import { parseScopes } from '../../access/scopes.ts';
import type { FormParameters } from '../../http/body.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { randomText } from '../../keys/random.ts';
import type { Grant, GrantKey } from '../../storage/grants.ts';
import type { Stored } from '../../storage/tables.ts';
import { authenticateClient, type PresentedClient } from '../clients/client-authentication.ts';
import { isOwnResource } from '../resource.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from './end-grant.ts';
import { grantOfRefreshToken, makeRefreshToken, refreshTokenHash, remakeRefreshToken } from './refresh-token.ts';
import { TokenError } from './token-error.ts';
import { GRANT_IDLE_MS, type TokenAnswer, tokenAnswer } from './tokens.ts';

/**
 * Renews with a refresh token (OAuth 2.1 section 4.3), which is spent by it.
 *
 * - The unspent token: rotated, in one transaction.
 * - The one spent last, within the retry window: the same successor again. An
 *   answer was lost, or a client sent two requests at once.
 * - Any other spent one within the window after it was spent: refused, no more.
 * - A spent one after the window: somebody else has it. The grant ends.
 *
 * @throws TokenError
 */
export async function renew(
  services: OAuthServices,
  presented: PresentedClient,
  form: FormParameters,
  context: RequestContext,
): Promise<TokenAnswer> {
  const token = form.get('refresh_token') ?? '';
  const key = grantOfRefreshToken(token);
  if (!key) throw new TokenError('invalid_grant', 'This is no refresh token of this server.');
  const hash = refreshTokenHash(token);

  // Twice at the most: when somebody else renews between our read and our write,
  // the second read finds the token spent just now.
  let mine: Awaited<ReturnType<typeof rotation>> | undefined;
  for (const last of [false, true]) {
    const grant = await checkGrant(services, await services.grants.read(key), presented, form);
    // Our own write, whose answer was lost.
    if (mine && grant.successorSalt === mine.grant.successorSalt) {
      return tokenAnswer(services, key, narrowed(grant, form), mine.token);
    }
    if (grant.refreshHash !== hash) return answerSpent(services, key, narrowed(grant, form), token, hash, context);

    mine = await rotation(services, key, grant, token);
    const outcome = await services.grants.rotate(key, grant, mine.grant, hash);
    if (outcome === 'written') {
      context.log.info('grant renewed', { client: grant.clientId, grant: key.grantId });
      return tokenAnswer(services, key, narrowed(mine.grant, form), mine.token);
    }
    if (last) break;
  }
  throw new TokenError('invalid_grant', 'The grant has changed.');
}

/** What the token is bound to; a mismatch changes nothing. */
async function checkGrant(
  services: OAuthServices,
  grant: Stored<Grant> | undefined,
  presented: PresentedClient,
  form: FormParameters,
): Promise<Stored<Grant>> {
  if (!grant) throw new TokenError('invalid_grant', 'The grant is not known.');
  await authenticateClient(services, presented, grant);
  const asked = form.get('resource');
  if (asked !== undefined && !isOwnResource(asked, services.resource)) {
    throw new TokenError('invalid_target', 'The resource is not this server.');
  }
  if (grant.endedAt !== undefined) throw new TokenError('invalid_grant', `The grant has ended: ${grant.endReason}.`);
  if (services.now() >= grant.expiresAt) throw new TokenError('invalid_grant', 'The grant has expired.');
  return grant;
}

async function rotation(
  { keys, now, random, tokenExpirySeconds }: OAuthServices,
  key: GrantKey,
  from: Stored<Grant>,
  token: string,
) {
  const salt = randomText(random, 16);
  const successor = makeRefreshToken(await keys(), key, token, salt);
  const { etag: _etag, ...kept } = from;
  const grant: Grant = {
    ...kept,
    generation: from.generation + 1,
    issuedAt: now(),
    expiresAt: now() + GRANT_IDLE_MS,
    tokensExpireAt: Math.max(from.tokensExpireAt, now() + tokenExpirySeconds * 1000),
    refreshHash: refreshTokenHash(successor.token),
    previousHash: refreshTokenHash(token),
    successorSalt: salt,
    successorKid: successor.kid,
  };
  return { grant, token: successor.token };
}

/**
 * The grant with the scopes that this one access token is to have (RFC 6749
 * section 6): what was asked and granted. Scopes that were not granted are left
 * out and not refused, for Codex asks for `offline_access` whatever it has.
 */
function narrowed<T extends Grant>(grant: T, form: FormParameters): T {
  const asked = parseScopes(form.get('scope') ?? '');
  const both = parseScopes(grant.scope).filter(scope => asked.includes(scope));
  return both.length > 0 ? { ...grant, scope: both.join(' ') } : grant;
}

async function answerSpent(
  services: OAuthServices,
  key: GrantKey,
  grant: Stored<Grant>,
  token: string,
  hash: string,
  context: RequestContext,
): Promise<TokenAnswer> {
  const windowMs = services.refreshRetrySeconds * 1000;
  const isLastSpent = grant.previousHash === hash;
  const spentAt = isLastSpent ? grant.issuedAt : await services.grants.spentAt(key, hash);
  // Not one that this server ever gave out: nothing to conclude from it.
  if (spentAt === undefined) throw new TokenError('invalid_grant', 'The refresh token is not known.');
  if (services.now() >= spentAt + windowMs) {
    await endGrant(services, key, 'refresh token reused');
    context.log.warn('refresh token reused: its grant has ended', { client: grant.clientId, grant: key.grantId });
    throw new TokenError('invalid_grant', 'The refresh token was already used. The grant has ended.');
  }
  const { successorSalt: salt, successorKid: kid } = grant;
  const successor =
    isLastSpent && salt && kid ? remakeRefreshToken(await services.keys(), key, token, salt, kid) : undefined;
  if (!successor)
    throw new TokenError('invalid_grant', 'The refresh token was already used, and so was its successor.');
  context.log.info('renewal answered again', { client: grant.clientId, grant: key.grantId });
  return tokenAnswer(services, key, grant, successor);
}
