import { DPOP_ALGORITHMS } from '../access/dpop.ts';
import type { ProtectedResource } from '../access/resources.ts';
import { OFFLINE_ACCESS } from '../access/scopes.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { json, preflight, withCors } from '../http/responses.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { PATHS } from './paths.ts';

/** Documents that anyone may read and keep for a while. */
const CACHE = { 'cache-control': 'public, max-age=300' };

/** How a client's assertion may be signed (RFC 7523 section 3). */
export const ASSERTION_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const;

export interface ServerMetadataOptions {
  /** The issuer. */
  readonly origin: string;
  /** What it issues tokens for. */
  readonly resources: readonly ProtectedResource[];
  /** Whether clients may register themselves. */
  readonly registration: boolean;
  /** Whether a client may be named by the URL of its metadata document; only such clients sign assertions. */
  readonly documents: boolean;
  /** Whether a resource server is configured that may introspect tokens. */
  readonly introspection: boolean;
}

/**
 * The authorization server's metadata (RFC 8414 section 2, with the members of
 * RFC 7591, RFC 9207, RFC 9449, RFC 9728 and client metadata documents), served as OpenID
 * Connect Discovery's document too. At the root only: the issuer has no path.
 * It names what this server is set to do, and nothing else.
 */
export function authorizationServerMetadata(options: ServerMetadataOptions): Endpoint {
  const { origin } = options;
  const scopes = new Set(options.resources.flatMap(resource => resource.scopes.map(({ name }) => name)));
  const authentication = {
    methods: ['none', 'client_secret_post', 'client_secret_basic', ...(options.documents ? ['private_key_jwt'] : [])],
    algorithms: options.documents ? ASSERTION_ALGORITHMS : undefined,
  };
  const document = {
    issuer: origin,
    authorization_endpoint: `${origin}${PATHS.authorize}`,
    token_endpoint: `${origin}${PATHS.token}`,
    ...(options.registration ? { registration_endpoint: `${origin}${PATHS.register}` } : {}),
    revocation_endpoint: `${origin}${PATHS.revoke}`,
    ...(options.introspection
      ? {
          introspection_endpoint: `${origin}${PATHS.introspect}`,
          introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        }
      : {}),
    jwks_uri: `${origin}${PATHS.jwks}`,
    scopes_supported: [...scopes, OFFLINE_ACCESS],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: authentication.methods,
    token_endpoint_auth_signing_alg_values_supported: authentication.algorithms,
    revocation_endpoint_auth_methods_supported: authentication.methods,
    revocation_endpoint_auth_signing_alg_values_supported: authentication.algorithms,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    ...(options.documents ? { client_id_metadata_document_supported: true } : {}),
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    prompt_values_supported: ['none', 'login', 'select_account', 'consent'],
    // RFC 9728 section 4.
    protected_resources: options.resources.map(({ resource }) => resource),
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
