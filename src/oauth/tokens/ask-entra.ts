import { EntraRefusedError, isAboutThePerson } from '../../entra/errors.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { UnavailableError } from '../../http/errors.ts';
import { hashOf } from '../../keys/hash.ts';
import { describeError } from '../../log.ts';
import type { Grant, GrantKey } from '../../storage/grants.ts';
import { joinText, withoutText } from '../../storage/long-text.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from './end-grant.ts';
import { TokenError } from './token-error.ts';
import { grantSeal, openUpstream, sealUpstream } from './upstream-tokens.ts';

/**
 * Asks Entra, before a grant is renewed, whether its person may still sign in:
 * who is disabled there, or has lost a role that is needed, is out at the next
 * renewal. What Entra says of them is kept: name, e-mail address, roles.
 *
 * While Entra cannot be reached, or refuses this server and not the person, the
 * grant is renewed all the same for a grace period, and then answered 503.
 *
 * @returns the grant with what is new of it
 * @throws TokenError `invalid_grant` when the person is out: the grant has ended
 * @throws UnavailableError when Entra has not answered for longer than the grace period
 */
export async function askEntra(
  services: OAuthServices,
  key: GrantKey,
  grant: Grant,
  context: RequestContext,
): Promise<Grant> {
  const { keys, random, renewals } = services;
  const ring = await keys();
  const row = grantSeal(key);
  const upstream = openUpstream(ring, row, grant);
  if (!upstream) throw new TokenError('invalid_grant', 'What Entra gave at this sign-in is gone. Sign in again.');
  try {
    // Several renewals of one grant at once, which clients do, ask once; not with a token that was replaced meanwhile.
    const name = `${key.grantId}.${grant.generation}.${hashOf('upstream refresh token', upstream.refreshToken)}`;
    const { person, roles, refreshToken } = await renewals.once(name, () =>
      services.entra.renew(upstream.refreshToken, key.person),
    );
    const {
      name: _name,
      email: _email,
      roles: _roles,
      entraDownSince: _since,
      ...kept
    } = withoutText('upstreamTokens', grant);
    const newRoles = services.keptRoles(grant.resource, roles);
    return {
      ...kept,
      ...(person.name ? { name: person.name } : {}),
      ...(person.email ? { email: person.email } : {}),
      ...(newRoles ? { roles: newRoles } : {}),
      ...sealUpstream(ring, random, row, { refreshToken: refreshToken ?? upstream.refreshToken }),
    };
  } catch (error) {
    if (error instanceof EntraRefusedError && isAboutThePerson(error.refusal)) {
      await checkUnchanged(services, key, grant);
      const { what, todo, code } = error.refusal;
      const detail = [what, code].filter(Boolean).join(' ');
      context.log.warn('Entra refused a renewal: the grant ends', { client: grant.clientId, grant: key.grantId, code });
      services.audit.record(context, 'renewal refused', {
        person: key.person,
        client: grant.clientId,
        clientName: grant.clientName,
        grant: key.grantId,
        reason: detail,
      });
      await endGrant(services, context, key, { reason: 'refused by Entra', detail });
      throw new TokenError('invalid_grant', [what, todo, code].filter(Boolean).join(' '));
    }
    return withGrace(services, key, grant, error, context);
  }
}

/** A visit to Entra may have mended the grant meanwhile: what was said of its former token then counts no more. */
async function checkUnchanged({ grants }: OAuthServices, key: GrantKey, asked: Grant): Promise<void> {
  const current = await grants.read(key);
  if (current && joinText('upstreamTokens', current) !== joinText('upstreamTokens', asked)) {
    throw new UnavailableError('entra', new Error('its tokens were replaced meanwhile'), 1);
  }
}

function withGrace(
  { now, offlineGraceSeconds }: OAuthServices,
  key: GrantKey,
  grant: Grant,
  error: unknown,
  context: RequestContext,
): Grant {
  if (!(error instanceof UnavailableError) && !(error instanceof EntraRefusedError)) throw error;
  const entraDownSince = grant.entraDownSince ?? now();
  const reason = { grant: key.grantId, since: new Date(entraDownSince).toISOString(), reason: describeError(error) };
  if (now() >= entraDownSince + offlineGraceSeconds * 1000) {
    context.log.error('Entra has not answered for too long: not renewed', reason);
    throw error instanceof UnavailableError ? error : new UnavailableError('entra', error);
  }
  context.log.warn('renewed without Entra, which does not answer', reason);
  return { ...grant, entraDownSince };
}
