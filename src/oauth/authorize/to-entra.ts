import type { KeyRing } from '../../keys/key-ring.ts';
import type { Signin } from '../../storage/signins.ts';
import { interactionOf } from '../downstream/interaction.ts';
import type { OAuthServices } from '../services.ts';
import { challengeOf, requestOf, upstreamSecrets } from './transaction.ts';

/**
 * Where a browser goes to sign in at Entra (OpenID Connect Core section
 * 3.1.2.1), with what the client asked for of the sign-in itself. `consent` is
 * not among it: at Entra it would ask every person for what an administrator
 * has long granted.
 *
 * @param prompt for an interaction whose person asks for another account
 * @returns `undefined` when the sign-in was sealed under a key that is gone
 */
export async function toEntra(
  { entra }: Pick<OAuthServices, 'entra'>,
  ring: KeyRing,
  id: string,
  signin: Signin,
  prompt?: 'select_account',
): Promise<string | undefined> {
  const secrets = upstreamSecrets(ring, id, signin);
  if (!secrets) return undefined;
  const asked = requestOf(signin);
  const interaction = interactionOf(signin);
  return entra.authorizeUrl({
    state: id,
    nonce: secrets.nonce,
    challenge: challengeOf(secrets.verifier),
    ...(signin.prompt ? { prompt: signin.prompt } : {}),
    ...(prompt ? { prompt } : {}),
    ...(asked?.prompt ? { prompt: asked.prompt } : {}),
    ...(asked?.loginHint ? { loginHint: asked.loginHint } : {}),
    ...(asked?.domainHint ? { domainHint: asked.domainHint } : {}),
    ...(asked?.maxAge === undefined ? {} : { maxAge: asked.maxAge }),
    ...(interaction ? { moreScopes: interaction.scopes } : {}),
    ...(interaction?.claims ? { claims: interaction.claims } : {}),
  });
}
