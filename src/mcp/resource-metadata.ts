import { DPOP_ALGORITHMS } from '../access/dpop.ts';
import { ALL_SCOPES } from '../access/scopes.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { json, preflight, withCors } from '../http/responses.ts';

export interface ResourceMetadataOptions {
  /** The authorization server. */
  issuer: string;
  /** The exact URL of the MCP endpoint: clients compare it with what their user typed. */
  resource: string;
  /** What people call this server. */
  name: string;
}

const METHODS = ['GET', 'OPTIONS'];

/** The protected resource metadata (RFC 9728 section 3.2), the same at the root and at the path-suffixed location. */
export function createResourceMetadataEndpoint({ issuer, resource, name }: ResourceMetadataOptions): Endpoint {
  const metadata = {
    resource,
    authorization_servers: [issuer],
    scopes_supported: ALL_SCOPES,
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    resource_name: name,
  };
  return async request => {
    if (request.method === 'OPTIONS') return preflight(METHODS);
    if (request.method === 'GET') return withCors(json(200, metadata, { 'cache-control': 'public, max-age=300' }));
    return withCors(json(405, { error: 'This location answers GET only.' }, { allow: METHODS.join(', ') }));
  };
}
