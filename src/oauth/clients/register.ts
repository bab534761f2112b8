import { readJson } from '../../http/body.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { BadRequestError } from '../../http/errors.ts';
import { json, oauthError, preflight, withCors } from '../../http/responses.ts';
import { hashOf } from '../../keys/hash.ts';
import { type RandomBytes, randomText } from '../../keys/random.ts';
import type { Clients, StoredClient } from '../../storage/clients.ts';
import { type ClientMetadata, parseClientMetadata, publicClientId, publicMetadata } from './client-metadata.ts';

/** What a registration may be long, in bytes. */
const LIMIT = 16 * 1024;

export interface RegistrationOptions {
  registrations: Clients;
  now: () => number;
  random: RandomBytes;
}

/**
 * Dynamic client registration (RFC 7591 section 3). The answer repeats what was
 * registered. A public client's id is the hash of its metadata, so registering
 * again changes nothing; a confidential one gets a random id and secret.
 */
export function registrationEndpoint({ registrations, now, random }: RegistrationOptions): Endpoint {
  async function register(request: Request): Promise<Response> {
    const parsed = parseClientMetadata(await readJson(request, LIMIT));
    if ('problem' in parsed) {
      const error = parsed.aboutRedirectUris ? 'invalid_redirect_uri' : 'invalid_client_metadata';
      return oauthError(400, error, parsed.problem);
    }
    const { metadata } = parsed;
    return metadata.token_endpoint_auth_method === 'none' ? registerPublic(metadata) : registerConfidential(metadata);
  }

  async function registerPublic(metadata: ClientMetadata): Promise<Response> {
    const kept = publicMetadata(metadata);
    const id = publicClientId(kept);
    const createdAt = now();
    // "Exists" is as good: the id says that it is the same client.
    await registrations.insert(id, { metadata: JSON.stringify(kept), createdAt });
    return answer(id, createdAt, metadata);
  }

  async function registerConfidential(metadata: ClientMetadata): Promise<Response> {
    const id = `cc.${randomText(random, 16)}`;
    const secret = `cs.${randomText(random, 32)}`;
    const client: StoredClient = {
      metadata: JSON.stringify(metadata),
      secretHash: hashOf('client secret', secret),
      createdAt: now(),
    };
    // The id is random: a row under it can only be what an earlier try of this very write stored.
    await registrations.insert(id, client);
    return answer(id, client.createdAt, metadata, { client_secret: secret, client_secret_expires_at: 0 });
  }

  return async request => {
    if (request.method === 'OPTIONS') return preflight(['POST']);
    try {
      return withCors(await register(request));
    } catch (error) {
      if (error instanceof BadRequestError) {
        return withCors(oauthError(error.status, 'invalid_client_metadata', error.message));
      }
      throw error;
    }
  };
}

function answer(id: string, createdAt: number, metadata: ClientMetadata, secret: Record<string, string | number> = {}) {
  return json(201, { client_id: id, client_id_issued_at: Math.floor(createdAt / 1000), ...secret, ...metadata });
}
