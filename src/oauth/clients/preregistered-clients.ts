import type { PreregisteredClient } from '../../setting-values.ts';
import { type Client, PLAIN } from './client.ts';

/** The clients that the operator has registered by hand, by their ids. */
export function preregisteredClients(configured: readonly PreregisteredClient[]): ReadonlyMap<string, Client> {
  return new Map(configured.map(each => [each.client_id, toClient(each)]));
}

function toClient({ client_id, client_name, redirect_uris, client_secret_sha256: hash }: PreregisteredClient): Client {
  return {
    id: client_id,
    source: 'preregistered',
    metadata: {
      redirect_uris: [...redirect_uris],
      ...(client_name ? { client_name } : {}),
      token_endpoint_auth_method: hash ? 'client_secret_basic' : 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    ...(hash ? { secretHash: PLAIN + hash } : {}),
    unused: false,
  };
}
