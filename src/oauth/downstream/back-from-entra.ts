import { type PersonId, personKey } from '../../access/person.ts';
import { type EntraRefusal, EntraRefusedError, entraRefusal } from '../../entra/errors.ts';
import type { SignedIn } from '../../entra/id-token.ts';
import type { Upstream } from '../../entra/sign-in.ts';
import { FormParameters } from '../../http/body.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import { UnavailableError } from '../../http/errors.ts';
import { hashOf } from '../../keys/hash.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { randomText } from '../../keys/random.ts';
import type { Signin, StartedSignin, StoredSignin } from '../../storage/signins.ts';
import { interactionDonePage } from '../../web/index.ts';
import { RETRY_MS } from '../authorize/code.ts';
import { isExpired, upstreamSecrets } from '../authorize/transaction.ts';
import { failure } from '../failure.ts';
import type { OAuthServices } from '../services.ts';
import { grantSeal, sealUpstream } from '../tokens/upstream-tokens.ts';
import { anotherPerson, interactionEnded, interactionOver, refusedInteraction } from './failures.ts';
import type { Interaction } from './interaction.ts';
import { livingGrant } from './living-grant.ts';

/** An interaction whose browser, known by its cookie, has come back from Entra. */
export interface Returned {
  readonly ring: KeyRing;
  readonly id: string;
  readonly signin: StoredSignin;
  readonly interaction: Interaction;
}

/**
 * The end of an interaction: redeems Entra's code, and where it is the grant's
 * own person who came back, keeps what Entra gave in the grant. Begins no
 * session. Whatever goes wrong before, nothing is kept.
 */
export async function backFromEntra(
  services: OAuthServices,
  request: Request,
  context: RequestContext,
  { ring, id, signin, interaction }: Returned,
): Promise<Response> {
  const { grantId, scopes } = interaction;
  const parameters = FormParameters.ofQuery(request);
  const code = parameters.get('code');
  const error = parameters.get('error');
  if (signin.stage !== 'started' || isExpired(signin, services.now())) {
    return wasThis(signin, code) ? interactionDonePage() : failure(request, context, interactionOver());
  }
  if (error) {
    const refusal = entraRefusal(error, parameters.get('error_description'));
    refused(reasonOf(refusal));
    return failure(request, context, refusedInteraction(id, refusal));
  }
  const secrets = upstreamSecrets(ring, id, signin);
  if (!code || !secrets) return failure(request, context, interactionOver());

  let who: SignedIn & Upstream;
  try {
    who = await services.entra.redeem({ code, ...secrets });
  } catch (no) {
    if (!(no instanceof EntraRefusedError)) throw no;
    // The same answer twice at once: Entra refuses the code to the slower of the two.
    const now = await services.signins.read(id);
    if (now && wasThis(now, code)) return interactionDonePage();
    refused(reasonOf(no.refusal), no.refusal.person);
    return failure(request, context, refusedInteraction(id, no.refusal));
  }
  if (personKey(who.person) !== personKey(interaction.person)) {
    refused('another person than the grant’s', who.person);
    return failure(request, context, anotherPerson(id));
  }
  if (!(await keep(who.refreshToken))) return failure(request, context, interactionEnded());
  await finish(signin, code);
  const { person } = who;
  services.audit.record(context, 'signed in', { person, grant: grantId, scopes, signin: id });
  return interactionDonePage();

  function refused(reason: string, person?: PersonId): void {
    const event = { grant: grantId, signin: id, reason, ...(person ? { person } : {}) };
    services.audit.record(context, 'sign-in refused', event);
  }

  /** Whether this very answer of Entra's is what completed the interaction a moment ago. */
  function wasThis(row: Signin, upstreamCode: string | undefined): boolean {
    if (row.stage === 'started' || !upstreamCode) return false;
    const isSame = row.upstreamCodeHash === hashOf('upstream code', upstreamCode);
    return isSame && services.now() < row.completedAt + RETRY_MS;
  }

  /** Puts Entra's new refresh token into the grant, unless it has ended. */
  async function keep(refreshToken: string | undefined): Promise<boolean> {
    if (!refreshToken) throw new UnavailableError('entra', new Error('Entra sent no refresh token'));
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const grant = await livingGrant(services, interaction);
      if (!grant) return false;
      const upstream = sealUpstream(ring, services.random, grantSeal(interaction), { refreshToken });
      // "Changed": it was renewed meanwhile, or has ended, or this write's answer was lost. The next read tells.
      if ((await services.grants.keepUpstream(grant, upstream)) === 'written') return true;
    }
    throw new UnavailableError('storage', new Error('the grant changes all the time'));
  }

  /** Uses the interaction up. Whoever was faster has kept as much. */
  async function finish(from: StoredSignin<StartedSignin>, upstreamCode: string): Promise<void> {
    const { etag: _etag, ...row } = from;
    await services.signins.advance(from, {
      ...row,
      stage: 'completed',
      claim: randomText(services.random, 16),
      completedAt: services.now(),
      upstreamCodeHash: hashOf('upstream code', upstreamCode),
      person: JSON.stringify(who.person),
    });
  }
}

const MOST_TRIES = 5;

function reasonOf({ what, code }: EntraRefusal): string {
  return code ? `${what} ${code}` : what;
}
