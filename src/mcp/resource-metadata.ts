import { DPOP_ALGORITHMS } from '../access/dpop.ts';
import { type ProtectedResource, resourceMetadataUrl } from '../access/resources.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { json, notFound, preflight, withCors } from '../http/responses.ts';

export interface ResourceMetadataOptions {
  /** The authorization server. */
  issuer: string;
  /** The resources that this app serves: the first one's metadata is at the root too. */
  resources: readonly ProtectedResource[];
}

const METHODS = ['GET', 'OPTIONS'];

/**
 * The metadata of the protected resources that this app serves (RFC 9728 section
 * 3.2), each at the location that its path gives: clients compare its `resource`
 * with what their user typed. A slash at the end and the case do not count, as in
 * the host's routes.
 */
export function createResourceMetadataEndpoint({ issuer, resources }: ResourceMetadataOptions): Endpoint {
  const documents = new Map<string, unknown>();
  for (const resource of resources) {
    const document = metadataOf(resource, issuer);
    const { pathname } = new URL(resourceMetadataUrl(resource.resource));
    if (documents.size === 0) documents.set('/.well-known/oauth-protected-resource', document);
    documents.set(pathname, document);
  }
  return async request => {
    const path = new URL(request.url).pathname.replace(/\/$/, '').toLowerCase();
    const document = documents.get(path);
    if (!document) return notFound();
    if (request.method === 'OPTIONS') return preflight(METHODS);
    if (request.method === 'GET') return withCors(json(200, document, { 'cache-control': 'public, max-age=300' }));
    return withCors(json(405, { error: 'This location answers GET only.' }, { allow: METHODS.join(', ') }));
  };
}

function metadataOf({ resource, name, scopes }: ProtectedResource, issuer: string) {
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: scopes.map(scope => scope.name),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    resource_name: name,
  };
}
