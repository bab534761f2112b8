import { namesResource, type ProtectedResource, scopesOf } from '../access/resources.ts';
import type { OAuthServices } from './services.ts';
import { TokenError } from './tokens/token-error.ts';

/**
 * The resource that a code or a grant is for. It is for no other ever: a `resource`
 * parameter at the token endpoint can only name it once more (RFC 8707 section 2.2).
 *
 * @param bound what the code or the grant holds
 * @param asked the parameter, where the request has one
 * @throws TokenError `invalid_target` for another, and `invalid_grant` when settings have taken it, or all its scopes, away
 */
export function boundResource(
  { resources }: Pick<OAuthServices, 'resources'>,
  { resource, scopes }: { readonly resource: string; readonly scopes: string },
  asked: string | undefined,
): ProtectedResource {
  const known = resources.get(resource);
  if (!known || scopesOf(known, scopes).length === 0) {
    throw new TokenError('invalid_grant', `This server issues no such tokens for ${resource} any more.`);
  }
  if (asked === undefined || namesResource(asked, known)) return known;
  throw new TokenError('invalid_target', `The resource is not the one of this sign-in. It is ${resource}.`);
}
