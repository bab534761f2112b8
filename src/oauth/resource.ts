import { namesResource, type ProtectedResource, scopesOf } from '../access/resources.ts';
import type { OAuthServices } from './services.ts';
import { TokenError } from './tokens/token-error.ts';

/**
 * The one resource that a code or a grant is for, where tokens for it are issued
 * today. A `resource` parameter at the token endpoint can do no more than name it
 * once more (RFC 8707 section 2.2).
 *
 * @param bound what the code or the grant holds, its scopes with spaces between
 * @param asked the parameter, where the request has one
 * @throws TokenError `invalid_target` for another resource; `invalid_grant` where
 *   settings have this one no more, or none of its scopes, or not for this client
 */
export function boundResource(
  { resources, clients }: Pick<OAuthServices, 'resources' | 'clients'>,
  bound: { readonly clientId: string; readonly resource: string; readonly scope: string },
  asked: string | undefined,
): ProtectedResource {
  const { resource, scope: scopes } = bound;
  const known = resources.get(resource);
  if (!known || scopesOf(known, scopes).length === 0) {
    throw new TokenError('invalid_grant', `This server issues no such tokens for ${resource} any more.`);
  }
  const client = clients.ofOperator(bound.clientId);
  if (client && client !== 'removed' && client.resource !== undefined && client.resource !== resource) {
    throw new TokenError('invalid_grant', `This client gets tokens for ${client.resource} alone now.`);
  }
  if (asked === undefined || namesResource(asked, known)) return known;
  throw new TokenError('invalid_target', `The resource is not the one of this sign-in. It is ${resource}.`);
}
