/** Entra's scopes, and how oidc-provider is told of them. */
const OPENID_CONNECT = new Set(['openid', 'profile', 'email', 'offline_access']);
/** The API whose scopes may be named alone. */
export const GRAPH_RESOURCE = 'https://graph.microsoft.com';

/**
 * Stands for `offline_access` inside oidc-provider, which otherwise gives a refresh token only where the person was
 * asked for consent; Entra gives it whenever it is asked for.
 */
export const OFFLINE = 'offline';

/** All that oidc-provider is to know. */
export const providerScopes = ['openid', 'profile', 'email', OFFLINE];

/** The parameter that carries a token request's `scope` past oidc-provider. */
export const REQUESTED_SCOPE = 'requested_scope';

/** The one that carries a request's `claims` past it. */
export const REQUESTED_CLAIMS = 'requested_claims';

/** The scopes of an authorize request as oidc-provider is to see them. */
export function providerScopesOf(scope: string): string {
  const names = scope.split(' ').map(name => (name === 'offline_access' ? OFFLINE : name));
  return names.filter(name => providerScopes.includes(name)).join(' ');
}

/** The scopes that are not OpenID Connect's own: those of an API. */
export function resourceScopesOf(scope: string): string[] {
  return scope.split(' ').filter(name => name !== '' && !OPENID_CONNECT.has(name));
}

/** A scope without its API, as it stands in tokens. */
export function shortScope(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** The APIs whose scopes are asked: what stands before a scope's last `/`, and Microsoft Graph where nothing does. */
export function resourcesOf(scope: string): Set<string> {
  return new Set(
    resourceScopesOf(scope).map(name => (name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : GRAPH_RESOURCE)),
  );
}
