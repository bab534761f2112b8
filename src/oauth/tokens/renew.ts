import { personKey } from '../../access/person.ts';
import { scopesOf } from '../../access/resources.ts';
import type { FormParameters } from '../../http/body.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { TooManyRequestsError, UnavailableError } from '../../http/errors.ts';
import { randomText } from '../../keys/random.ts';
import type { Grant, GrantKey } from '../../storage/grants.ts';
import type { Stored } from '../../storage/tables.ts';
import { authenticateClient, type PresentedClient } from '../clients/client-authentication.ts';
import { boundResource } from '../resource.ts';
import type { OAuthServices } from '../services.ts';
import { askEntra } from './ask-entra.ts';
import { endGrant } from './end-grant.ts';
import { checkKey, needKey } from './proof.ts';
import { grantOfRefreshToken, makeRefreshToken, refreshTokenHash, remakeRefreshToken } from './refresh-token.ts';
import { TokenError } from './token-error.ts';
import { grantExpiry, type TokenAnswer, tokenAnswer, tokenExpiry } from './tokens.ts';

/** How often a renewal begins anew because the grant has changed. */
const MOST_ROUNDS = 4;

/**
 * Renews with a refresh token (OAuth 2.1 section 4.3), which is spent by it.
 *
 * - The unspent token: Entra is asked about the person, then it is rotated, in one transaction.
 * - The one spent last, within the retry window: the same successor again. An
 *   answer was lost, or a client sent two requests at once.
 * - Any other spent one within the window after it was spent: refused, no more.
 * - A spent one after the window: somebody else has it. The grant ends.
 *
 * @param jkt the key that the request proves to hold: the new tokens are bound to it (RFC 9449 section 5)
 * @throws TokenError
 * @throws UnavailableError when storage or Entra fails it, or the grant changes all the time
 * @throws TooManyRequestsError when one grant is renewed without end
 */
export async function renew(
  services: OAuthServices,
  presented: PresentedClient,
  form: FormParameters,
  jkt: string | undefined,
  context: RequestContext,
): Promise<TokenAnswer> {
  const token = form.get('refresh_token') ?? '';
  const key = grantOfRefreshToken(token);
  if (!key) throw new TokenError('invalid_grant', 'This is no refresh token of this server.');
  const hash = refreshTokenHash(token);

  // When somebody else changes the grant between our read and our write, the next
  // read mostly finds the token spent just now; or our own write, whose answer was lost.
  let mine: Awaited<ReturnType<typeof rotation>> | undefined;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const grant = await checkGrant(services, await services.grants.read(key), presented, form, jkt);
    context.span?.person(personKey(key.person));
    context.span?.tell({ client: grant.clientId });
    if (
      (await services.revocations.endedAt({ ...key, clientId: grant.clientId, since: grant.signedInAt })) !== undefined
    ) {
      // Ended with all that its person or its client had: now it is ended itself.
      await endGrant(services, context, key, { reason: 'ended by an administrator' });
      throw new TokenError('invalid_grant', 'The grant has ended: ended by an administrator.');
    }
    // Our own write, whose answer was lost.
    if (mine && grant.successorSalt === mine.grant.successorSalt) {
      return tokenAnswer(services, key, narrowed(services, grant, form), mine.token);
    }
    if (grant.refreshHash !== hash)
      return answerSpent(services, key, narrowed(services, grant, form), { token, hash, jkt }, context);

    // Some clients renew without end when their new token is refused.
    const taken = services.limits.renewals.take(key.grantId);
    if (!taken.ok) throw new TooManyRequestsError(taken.retryAfterSeconds);
    const { etag: _etag, ...current } = grant;
    mine = await rotation(services, key, await askEntra(services, key, current, context), { token, jkt });
    const outcome = await services.grants.rotate(key, grant, mine.grant, hash);
    if (outcome === 'written') {
      context.span?.count('renewals');
      context.log.info('grant renewed', { client: grant.clientId, grant: key.grantId });
      return tokenAnswer(services, key, narrowed(services, mine.grant, form), mine.token);
    }
  }
  throw new UnavailableError('storage', new Error('the grant changes all the time'));
}

/** What the token is bound to; a mismatch changes nothing. */
async function checkGrant(
  services: OAuthServices,
  grant: Stored<Grant> | undefined,
  presented: PresentedClient,
  form: FormParameters,
  jkt: string | undefined,
): Promise<Stored<Grant>> {
  if (!grant) throw new TokenError('invalid_grant', 'The grant is not known.');
  await authenticateClient(services, presented, grant);
  boundResource(services, grant, form.get('resource'));
  if (grant.endedAt !== undefined) throw new TokenError('invalid_grant', `The grant has ended: ${grant.endReason}.`);
  // A client that authenticates may change its key; a public one has nothing else to be known by.
  const isPublic = grant.clientSecretHash === undefined && grant.clientAuth === undefined;
  if (grant.dpopRequired) needKey(jkt);
  if (isPublic && grant.dpopJkt !== undefined) checkKey(grant.dpopJkt, jkt);
  const expiresAt = Math.min(grant.expiresAt, grantExpiry(services, grant.createdAt, grant.issuedAt));
  if (services.now() >= expiresAt) throw new TokenError('invalid_grant', 'The grant has expired.');
  return grant;
}

async function rotation(
  services: OAuthServices,
  key: GrantKey,
  from: Grant,
  { token, jkt }: { token: string; jkt: string | undefined },
) {
  const salt = randomText(services.random, 16);
  const successor = makeRefreshToken(await services.keys(), key, token, salt);
  const { dpopJkt: _formerKey, ...kept } = from;
  const issuedAt = services.now();
  const times = { issuedAt, expiresAt: grantExpiry(services, from.createdAt, issuedAt) };
  const grant: Grant = {
    ...kept,
    generation: from.generation + 1,
    ...times,
    tokensExpireAt: Math.max(from.tokensExpireAt, tokenExpiry(services, times)),
    ...(jkt ? { dpopJkt: jkt } : {}),
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
function narrowed<T extends Grant>({ resources }: OAuthServices, grant: T, form: FormParameters): T {
  const resource = resources.get(grant.resource);
  const granted = resource ? scopesOf(resource, grant.scope) : [];
  const asked = new Set((form.get('scope') ?? '').split(' '));
  const both = granted.filter(scope => asked.has(scope));
  return both.length > 0 ? { ...grant, scope: both.join(' ') } : grant;
}

async function answerSpent(
  services: OAuthServices,
  key: GrantKey,
  grant: Stored<Grant>,
  { token, hash, jkt }: { token: string; hash: string; jkt: string | undefined },
  context: RequestContext,
): Promise<TokenAnswer> {
  const windowMs = services.refreshRetrySeconds * 1000;
  const isLastSpent = grant.previousHash === hash;
  const spentAt = isLastSpent ? grant.issuedAt : await services.grants.spentAt(key, hash);
  // Not one that this server ever gave out: nothing to conclude from it.
  if (spentAt === undefined) throw new TokenError('invalid_grant', 'The refresh token is not known.');
  if (services.now() >= spentAt + windowMs) {
    await endGrant(services, context, key, { reason: 'refresh token reused' });
    context.log.warn('refresh token reused: its grant has ended', { client: grant.clientId, grant: key.grantId });
    throw new TokenError('invalid_grant', 'The refresh token was already used. The grant has ended.');
  }
  checkKey(grant.dpopJkt, jkt);
  const { successorSalt: salt, successorKid: kid } = grant;
  const successor =
    isLastSpent && salt && kid ? remakeRefreshToken(await services.keys(), key, token, salt, kid) : undefined;
  if (!successor)
    throw new TokenError('invalid_grant', 'The refresh token was already used, and so was its successor.');
  context.span?.count('renewals', 'again');
  context.log.info('renewal answered again', { client: grant.clientId, grant: key.grantId });
  return tokenAnswer(services, key, grant, successor);
}
