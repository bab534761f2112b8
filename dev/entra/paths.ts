/** Where things are, as at Entra's v2.0 endpoints. */
export interface Paths {
  authorize: string;
  token: string;
  logout: string;
  keys: string;
  metadata: string;
  /** Microsoft Graph's, which stands here too. */
  graph: string;
  /** The account picker; each sign-in has its own page below. */
  signIn: string;
}

export function pathsOf(tenantId: string): Paths {
  return {
    authorize: `/${tenantId}/oauth2/v2.0/authorize`,
    token: `/${tenantId}/oauth2/v2.0/token`,
    logout: `/${tenantId}/oauth2/v2.0/logout`,
    keys: `/${tenantId}/discovery/v2.0/keys`,
    graph: '/graph/v1.0',
    metadata: `/${tenantId}/v2.0/.well-known/openid-configuration`,
    signIn: `/${tenantId}/sign-in`,
  };
}

/** The OpenID Connect discovery document, with what Entra's has. */
export function metadataOf(origin: string, tenantId: string, paths: Paths) {
  return {
    issuer: `${origin}/${tenantId}/v2.0`,
    authorization_endpoint: origin + paths.authorize,
    token_endpoint: origin + paths.token,
    end_session_endpoint: origin + paths.logout,
    jwks_uri: origin + paths.keys,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
    claims_supported: [
      'sub',
      'iss',
      'aud',
      'exp',
      'iat',
      'nonce',
      'oid',
      'tid',
      'sid',
      'auth_time',
      'ver',
      'name',
      'preferred_username',
      'email',
    ],
    tenant_region_scope: null,
  };
}
