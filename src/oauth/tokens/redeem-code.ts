import type { Person } from '../../access/person.ts';
import type { FormParameters } from '../../http/body.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { equalInConstantTime, type KeyRing } from '../../keys/key-ring.ts';
import { randomText } from '../../keys/random.ts';
import type { Grant, GrantKey } from '../../storage/grants.ts';
import type { CompletedSignin, RedeemedSignin, StoredSignin } from '../../storage/signins.ts';
import type { AuthorizationRequest } from '../authorize/authorization-request.ts';
import { CODE_SECONDS, codeHash, RETRY_MS, signinOfCode } from '../authorize/code.ts';
import { challengeOf, requestOf } from '../authorize/transaction.ts';
import { authenticateClient, type PresentedClient } from '../clients/client-authentication.ts';
import { boundResource } from '../resource.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from './end-grant.ts';
import { checkKey, needKey } from './proof.ts';
import { refreshTokenHash, remakeRefreshToken } from './refresh-token.ts';
import { TokenError } from './token-error.ts';
import { grantExpiry, type TokenAnswer, tokenAnswer, tokenExpiry } from './tokens.ts';
import { grantSeal, openUpstream, sealUpstream, signinSeal, type UpstreamColumns } from './upstream-tokens.ts';

type AnsweredSignin = StoredSignin<CompletedSignin | RedeemedSignin>;

/**
 * Redeems an authorization code (OAuth 2.1 section 4.1.3).
 *
 * Everything that the code is bound to is checked first: a mismatch changes
 * nothing. Then one attempt claims the row. Whoever comes second finds in it what
 * was made, and within 30 s answers alike; a full match later ends the grant.
 *
 * @param jkt the key that the request proves to hold, to which the tokens are then bound (RFC 9449 section 5)
 * @throws TokenError
 */
export async function redeemCode(
  services: OAuthServices,
  presented: PresentedClient,
  form: FormParameters,
  jkt: string | undefined,
  context: RequestContext,
): Promise<TokenAnswer> {
  const code = form.get('code') ?? '';
  const signinId = signinOfCode(code);
  if (!signinId) throw new TokenError('invalid_grant', 'This is no code of this server.');
  const found = await services.signins.read(signinId);
  if (!found || found.stage === 'started') throw unknownCode();
  const request = await checkBinding(services, found, code, presented, form);
  context.span?.tell({ client: request.clientId });
  context.span?.signin(signinId);
  if (request.dpopRequired) needKey(jkt);
  if (request.dpopJkt !== undefined) checkKey(request.dpopJkt, jkt);

  const ring = await services.keys();
  const claim = randomText(services.random, 16);
  const signin = await claimCode(services, ring, signinId, found, { claim, jkt });
  // An answer is given again to the same key only, and another one's request changes nothing.
  checkKey(signin.redeemJkt, jkt);
  const person = JSON.parse(signin.person) as Person;
  const key: GrantKey = { person, grantId: signin.grantId };
  const since = signin.completedAt;
  if ((await services.revocations.endedAt({ person, clientId: presented.clientId, since })) !== undefined) {
    throw new TokenError('invalid_grant', 'An administrator has ended this sign-in.');
  }
  const isLate = signin.redeemClaim !== claim && services.now() >= signin.redeemedAt + RETRY_MS;
  if (isLate && !(await wasCutOff(services, key, signin))) {
    await endGrant(services, context, key, { reason: 'code reused' });
    context.log.warn('code reused: its grant has ended', { client: presented.clientId, grant: key.grantId });
    throw new TokenError('invalid_grant', 'The code was already used. Its tokens have been revoked.');
  }

  const refreshToken = request.offline
    ? remakeRefreshToken(ring, key, code, signin.redeemClaim, signin.redeemKid)
    : undefined;
  // The secret that it is made with is gone: without it this grant could never be renewed.
  if (request.offline && !refreshToken)
    throw new TokenError('invalid_grant', 'The key of this sign-in is gone. Sign in again.');
  const grant = {
    ...newGrant(services, signin, request, person, refreshToken),
    ...upstreamOf(services, ring, signinId, signin, key),
  };
  // "Exists" is as good: it can only be this very grant. But it may have ended since.
  const inserted = await services.grants.insert(key, grant);
  if (inserted !== 'written') {
    const stored = await services.grants.read(key);
    if (!stored || stored.endedAt !== undefined) throw new TokenError('invalid_grant', 'The grant has ended.');
  }
  services.redeemedChallenges.add(request.codeChallenge);
  if (request.firstUse) await services.clients.markUsed(request.clientId);
  services.signins.forgetUpstream(signinId, signin);
  if (inserted === 'written' || signin.redeemClaim === claim) {
    services.records.connections.add(key, grant);
    const { clientId: client, clientName, resource } = grant;
    const names = { client, clientName, resource, grant: key.grantId, signin: signinId };
    services.audit.record(context, 'connected', { person, ...names });
    context.span?.signin(signinId, signin.createdAt);
  } else {
    context.log.info('code answered again', { client: presented.clientId, grant: key.grantId });
  }
  return tokenAnswer(services, key, grant, refreshToken);
}

/** Whether the attempt that claimed the code never got as far as its grant: then the code, while it lives, is as good as new. */
async function wasCutOff({ grants, now }: OAuthServices, key: GrantKey, signin: RedeemedSignin): Promise<boolean> {
  return now() < signin.completedAt + CODE_SECONDS * 1000 && (await grants.read(key)) === undefined;
}

/** Client, its authentication, redirect URI, verifier and resource, in this order; none of them changes anything. */
async function checkBinding(
  services: OAuthServices,
  signin: AnsweredSignin,
  code: string,
  presented: PresentedClient,
  form: FormParameters,
): Promise<AuthorizationRequest> {
  const request = requestOf(signin);
  if (!request || !equalInConstantTime(signin.codeHash ?? '', codeHash(code))) throw unknownCode();
  await authenticateClient(services, presented, request);
  const redirectUri = form.get('redirect_uri');
  if (redirectUri !== undefined && redirectUri !== request.redirectUri) {
    throw new TokenError('invalid_grant', 'The redirect_uri is not the one of the authorization request.');
  }
  const verifier = form.get('code_verifier') ?? '';
  if (!/^[\w.~-]{43,128}$/.test(verifier) || !equalInConstantTime(challengeOf(verifier), request.codeChallenge)) {
    throw new TokenError('invalid_grant', 'The code_verifier does not fit the code_challenge.');
  }
  boundResource(services, { ...request, scope: request.scopes.join(' ') }, form.get('resource'));
  return request;
}

/** One attempt to redeem a code: its nonce, and the key that it proves to hold. */
interface Attempt {
  readonly claim: string;
  readonly jkt: string | undefined;
}

/** Claims a code, or finds whose claim it bears: somebody was faster, or the answer of our own write was lost. */
async function claimCode(
  services: OAuthServices,
  ring: KeyRing,
  signinId: string,
  signin: AnsweredSignin,
  attempt: Attempt,
): Promise<RedeemedSignin> {
  if (signin.stage === 'redeemed') return signin;
  if (services.now() >= signin.completedAt + CODE_SECONDS * 1000) {
    throw new TokenError('invalid_grant', 'The code has expired.');
  }
  const next = redeemed(services, ring, signin, attempt);
  if ((await services.signins.advance(signin, next)) === 'written') return next;
  const winner = await services.signins.read(signinId);
  if (winner?.stage !== 'redeemed') throw unknownCode();
  return winner;
}

function redeemed(
  services: OAuthServices,
  ring: KeyRing,
  signin: StoredSignin<CompletedSignin>,
  { claim, jkt }: Attempt,
): RedeemedSignin {
  const { etag: _etag, ...row } = signin;
  const redeemedAt = services.now();
  return {
    ...row,
    stage: 'redeemed',
    redeemClaim: claim,
    redeemedAt,
    redeemKid: ring.signing.kid,
    ...(jkt ? { redeemJkt: jkt } : {}),
    // The claim names the grant: both are 128 random bits of the attempt that won.
    grantId: claim,
    grantExpiresAt: grantExpiry(services, redeemedAt, redeemedAt),
  };
}

/** Entra's tokens, taken out of the sign-in's row and sealed for the grant's. */
function upstreamOf(
  { random }: OAuthServices,
  ring: KeyRing,
  signinId: string,
  signin: RedeemedSignin,
  key: GrantKey,
): UpstreamColumns {
  const tokens = openUpstream(ring, signinSeal(signinId), signin);
  return tokens ? sealUpstream(ring, random, grantSeal(key), tokens) : {};
}

const unknownCode = () => new TokenError('invalid_grant', 'The code is not known or has expired.');

function newGrant(
  services: OAuthServices,
  signin: RedeemedSignin,
  request: AuthorizationRequest,
  person: Person,
  refreshToken?: string,
): Grant {
  const times = { issuedAt: signin.redeemedAt, expiresAt: signin.grantExpiresAt };
  return {
    kind: 'client',
    clientId: request.clientId,
    ...(request.clientName ? { clientName: request.clientName } : {}),
    ...(request.clientSecretHash ? { clientSecretHash: request.clientSecretHash } : {}),
    ...(request.clientAuth ? { clientAuth: request.clientAuth } : {}),
    redirectUri: request.redirectUri,
    ...(request.approvedScope ? { approvedScope: request.approvedScope } : {}),
    scope: request.scopes.join(' '),
    resource: request.resource,
    ...(person.name ? { name: person.name } : {}),
    ...(person.email ? { email: person.email } : {}),
    ...(signin.roles ? { roles: signin.roles } : {}),
    ...(signin.redeemJkt ? { dpopJkt: signin.redeemJkt } : {}),
    ...(request.dpopRequired ? { dpopRequired: true } : {}),
    createdAt: signin.redeemedAt,
    signedInAt: signin.completedAt,
    ...times,
    generation: 0,
    tokensExpireAt: tokenExpiry(services, times),
    ...(refreshToken ? { refreshHash: refreshTokenHash(refreshToken) } : {}),
  };
}
