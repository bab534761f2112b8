import { readJson } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { BadRequestError } from '../../http/errors.ts';
import { json, oauthError, preflight, tooManyRequests, withCors } from '../../http/responses.ts';
import { hashOf } from '../../keys/hash.ts';
import { randomText } from '../../keys/random.ts';
import type { NewClient } from '../../storage/clients.ts';
import type { OAuthServices } from '../services.ts';
import { type ClientMetadata, parseClientMetadata, publicClientId, publicMetadata } from './client-metadata.ts';

/** What a registration may be long, in bytes. */
const LIMIT = 16 * 1024;

/**
 * Dynamic client registration (RFC 7591 section 3). The answer repeats what was
 * registered. A public client's id is the hash of its metadata, so registering
 * again changes nothing and counts for no limit; a confidential one gets a
 * random id and secret.
 */
export function registrationEndpoint(
  services: Pick<OAuthServices, 'registration' | 'limits' | 'audit' | 'now' | 'random'>,
): Endpoint {
  const { registration, limits, audit, now, random } = services;
  const { clients, privateUseSchemes } = registration;

  async function register(request: Request, context: RequestContext): Promise<Response> {
    if (!registration.isOpen) return closed();
    const parsed = parseClientMetadata(await readJson(request, LIMIT), privateUseSchemes);
    if ('problem' in parsed) {
      const error = parsed.aboutRedirectUris ? 'invalid_redirect_uri' : 'invalid_client_metadata';
      return oauthError(400, error, parsed.problem);
    }
    const { metadata } = parsed;
    const registeredAt = now();
    const isPublic = metadata.token_endpoint_auth_method === 'none';
    return isPublic
      ? registerPublic(request, context, metadata, registeredAt)
      : registerConfidential(request, context, metadata, registeredAt);
  }

  async function registerPublic(
    request: Request,
    context: RequestContext,
    metadata: ClientMetadata,
    registeredAt: number,
  ): Promise<Response> {
    const kept = publicMetadata(metadata);
    const id = publicClientId(kept);
    const taken = limits.registrations.take(request);
    if (!taken.ok) {
      if (!(await clients.renew(id, registeredAt)))
        return tooManyRequests('Too many clients were registered.', taken.retryAfterSeconds);
    } else if ((await store(request, id, { metadata: JSON.stringify(kept), registeredAt })) === 'exists') {
      // As good as new: the id says that it is the same client.
      limits.registrations.giveBack(request);
    } else {
      told(context, id, metadata);
    }
    return answer(id, registeredAt, metadata);
  }

  async function registerConfidential(
    request: Request,
    context: RequestContext,
    metadata: ClientMetadata,
    registeredAt: number,
  ) {
    const taken = limits.registrations.take(request);
    if (!taken.ok) return tooManyRequests('Too many clients were registered.', taken.retryAfterSeconds);
    const id = `cc.${randomText(random, 16)}`;
    const secret = `cs.${randomText(random, 32)}`;
    const secretHash = hashOf('client secret', secret);
    // The id is random: a row under it can only be what an earlier try of this very write stored.
    await store(request, id, { metadata: JSON.stringify(metadata), secretHash, registeredAt });
    told(context, id, metadata);
    return answer(id, registeredAt, metadata, { client_secret: secret, client_secret_expires_at: 0 });
  }

  function told(context: RequestContext, client: string, { client_name: clientName }: ClientMetadata): void {
    audit.record(context, 'client registered', { client, clientName });
  }

  /** An outage does not count: who tries again after it is not the one to be slowed down. */
  async function store(request: Request, id: string, client: NewClient) {
    try {
      return await clients.register(id, client);
    } catch (error) {
      limits.registrations.giveBack(request);
      throw error;
    }
  }

  return async (request, context) => {
    if (request.method === 'OPTIONS') return preflight(['POST']);
    try {
      return withCors(await register(request, context));
    } catch (error) {
      if (error instanceof BadRequestError) {
        return withCors(oauthError(error.status, 'invalid_client_metadata', error.message));
      }
      throw error;
    }
  };
}

function answer(
  id: string,
  issuedAt: number,
  metadata: ClientMetadata,
  secret: Record<string, string | number> = {},
): Response {
  return json(201, { client_id: id, client_id_issued_at: Math.floor(issuedAt / 1000), ...secret, ...metadata });
}

function closed(): Response {
  return oauthError(
    403,
    'access_denied',
    'Clients cannot register themselves at this server. Ask whoever runs it for a client_id.',
  );
}
