/** Where Entra's v2.0 endpoints of one tenant are. Known by rule, so no discovery request is made. */
export interface EntraEndpoints {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly endSessionEndpoint: string;
  readonly jwksUri: string;
}

/**
 * @param authorityHost an origin, such as https://login.microsoftonline.com
 * @param tenantId the tenant's GUID, or "organizations", "common" or "consumers"
 */
export function entraEndpoints(authorityHost: string, tenantId: string): EntraEndpoints {
  const tenant = `${authorityHost}/${tenantId}`;
  return {
    issuer: `${tenant}/v2.0`,
    authorizationEndpoint: `${tenant}/oauth2/v2.0/authorize`,
    tokenEndpoint: `${tenant}/oauth2/v2.0/token`,
    endSessionEndpoint: `${tenant}/oauth2/v2.0/logout`,
    jwksUri: `${tenant}/discovery/v2.0/keys`,
  };
}
