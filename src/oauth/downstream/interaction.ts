import type { GrantKey } from '../../storage/grants.ts';
import { SIGNIN_SECONDS, type Signin, type StartedSignin } from '../../storage/signins.ts';
import { startSignin } from '../authorize/transaction.ts';
import { PATHS } from '../paths.ts';
import type { OAuthServices } from '../services.ts';

/**
 * What Entra wants a person for before it gives a token of another API: consent,
 * a second proof, a new sign-in. It is a sign-in of its own in the table
 * `signins`, bound to the grant. Its name stands in the address that the tool's
 * caller gets, short enough to be copied by whoever passes it on.
 */
export interface Interaction extends GrantKey {
  readonly scopes: readonly string[];
  /** To ask Entra with (OpenID Connect Core section 5.5), as JSON. */
  readonly claims?: string | undefined;
}

/** The binding of an interaction that no browser has begun: the hash of no cookie. */
const UNBOUND = '';

/**
 * Makes a page for an interaction.
 * @returns what to tell the person
 */
export async function offerInteraction(
  { keys, now, origin, random, signins }: Pick<OAuthServices, 'keys' | 'now' | 'origin' | 'random' | 'signins'>,
  { person: { tid, oid }, grantId, scopes, claims }: Interaction,
): Promise<string> {
  const at = now();
  const id = signins.newId(random(16), at);
  const interaction = JSON.stringify({ person: { tid, oid }, grantId, scopes, claims });
  await signins.insert(id, startSignin(await keys(), random, { id, binding: UNBOUND, now: at, interaction }));
  const minutes = SIGNIN_SECONDS / 60;
  return `Open ${origin}${PATHS.interaction}?id=${id} in a browser within ${minutes} minutes, then try again.`;
}

/** The interaction that a sign-in is. */
export function interactionOf({ interaction }: Pick<Signin, 'interaction'>): Interaction | undefined {
  return interaction === undefined ? undefined : (JSON.parse(interaction) as Interaction);
}

/** Whether the browser of a binding may go on with an interaction, or begin it. */
export function isOpenTo(signin: StartedSignin, binding: string | undefined): boolean {
  return signin.binding === UNBOUND || signin.binding === binding;
}
