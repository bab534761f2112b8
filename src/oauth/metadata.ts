import { ALL_SCOPES, OFFLINE_ACCESS } from '../access/scopes.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { json, preflight, withCors } from '../http/responses.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { PATHS } from './paths.ts';

/** Documents that anyone may read and keep for a while. */
const CACHE = { 'cache-control': 'public, max-age=300' };

/**
 * The authorization server's metadata (RFC 8414 section 2, with RFC 9207's and
 * RFC 7591's members), served as OpenID Connect Discovery's document too. At
 * the root only: the issuer has no path.
 *
 * @param origin the issuer
 */
export function authorizationServerMetadata(origin: string): Endpoint {
  const document = {
    issuer: origin,
    authorization_endpoint: `${origin}${PATHS.authorize}`,
    token_endpoint: `${origin}${PATHS.token}`,
    registration_endpoint: `${origin}${PATHS.register}`,
    revocation_endpoint: `${origin}${PATHS.revoke}`,
    jwks_uri: `${origin}${PATHS.jwks}`,
    scopes_supported: [...ALL_SCOPES, OFFLINE_ACCESS],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic'],
    revocation_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    // OpenID Connect Discovery section 3 requires the next two of a document at its path.
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
  return published(async () => document);
}

/** The public keys of our access tokens (RFC 7517). */
export function jwksDocument(keys: () => Promise<KeyRing>): Endpoint {
  return published(async () => (await keys()).jwks);
}

function published(document: () => Promise<unknown>): Endpoint {
  return async request =>
    request.method === 'OPTIONS' ? preflight(['GET']) : withCors(json(200, await document(), CACHE));
}
