import { type AccessToken, InvalidTokenError, verifyAccessToken } from '../../access/access-token.ts';
import { personKey } from '../../access/person.ts';
import { type FormParameters, readForm } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { json, notFound } from '../../http/responses.ts';
import type { PreregisteredClient } from '../../setting-values.ts';
import { isSecretOf, PLAIN } from '../clients/client.ts';
import { readClient } from '../clients/client-authentication.ts';
import type { OAuthServices } from '../services.ts';
import { withTokenErrors } from './token.ts';
import { TokenError } from './token-error.ts';

/**
 * Introspection (RFC 7662) for resource servers that the operator has named. Each
 * is told of the access tokens for its own resource, which is our endpoint's unless
 * another is named; all else, refresh tokens and tokens of other resources among
 * it, is `{"active":false}` with no word why. Where nobody is named the endpoint is
 * not there.
 */
export function introspectionEndpoint(services: OAuthServices): Endpoint {
  const { introspectors } = services;
  if (introspectors.length === 0) return notFound;

  /** @throws TokenError for a caller who is not named, or whose secret is wrong */
  function authenticate(request: Request, form: FormParameters): PreregisteredClient {
    const { clientId, secret = '', basic } = readClient(request, form);
    const caller = introspectors.find(client => client.client_id === clientId);
    const hash = caller?.client_secret_sha256;
    // Compared for an unknown caller too, so that the time does not tell who is named.
    const isRight = isSecretOf(PLAIN + (hash ?? 'A'.repeat(43)), secret);
    if (!caller || !hash || !isRight)
      throw new TokenError('invalid_client', 'The caller may not introspect tokens.', 401, basic);
    return caller;
  }

  async function live(token: string, resource: string): Promise<AccessToken | undefined> {
    try {
      const { origin: issuer, now } = services;
      const verified = await verifyAccessToken(await services.keys(), { issuer, resource }, token, now() / 1000);
      return (await services.revocations.isRevoked(verified)) ? undefined : verified;
    } catch (error) {
      if (error instanceof InvalidTokenError) return undefined;
      throw error;
    }
  }

  return withTokenErrors(async (request, context) => {
    const form = await readForm(request);
    const { client_id: caller, resource = services.resource } = authenticate(request, form);
    const token = form.get('token');
    if (!token) throw new TokenError('invalid_request', 'The request has no token.');
    const found = await live(token, resource);
    context.log.debug('token introspected', { client: caller, active: found !== undefined });
    return json(200, found ? described(found, services.origin) : { active: false });
  });
}

/** RFC 7662 section 2.2, with `cnf` of RFC 9449 section 6.2. */
function described(token: AccessToken, issuer: string) {
  const { person, roles, jkt } = token;
  return {
    active: true,
    scope: token.scopes.join(' '),
    client_id: token.clientId,
    ...(person.email ? { username: person.email } : {}),
    token_type: jkt ? 'DPoP' : 'Bearer',
    exp: token.expiresAt,
    iat: token.issuedAt,
    sub: personKey(person),
    aud: token.resource,
    iss: issuer,
    jti: token.tokenId,
    ...(roles.length > 0 ? { roles } : {}),
    ...(jkt ? { cnf: { jkt } } : {}),
  };
}
