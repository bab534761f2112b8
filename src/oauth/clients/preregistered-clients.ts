import { ConfigError } from '../../config.ts';
import type { PreregisteredClient } from '../../setting-values.ts';
import { type Client, PLAIN } from './client.ts';
import { redirectUriProblem } from './redirect-uri.ts';

/**
 * The clients that the operator has registered by hand, by their ids. Which
 * private-use schemes their redirect URIs have is the operator's choice; for the
 * rest they are held to the rules of all.
 *
 * @throws ConfigError
 */
export function preregisteredClients(configured: readonly PreregisteredClient[]): ReadonlyMap<string, Client> {
  const problems = configured.flatMap(({ client_id, redirect_uris }) =>
    redirect_uris.flatMap(uri => {
      const problem = redirectUriProblem(uri, [new URL(uri).protocol.slice(0, -1)]);
      return problem ? [`PREREGISTERED_CLIENTS is not valid: the redirect URI ${uri} of ${client_id} ${problem}.`] : [];
    }),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return new Map(configured.map(each => [each.client_id, toClient(each)]));
}

function toClient({ client_secret_sha256: hash, ...given }: PreregisteredClient): Client {
  const { client_id, client_name, redirect_uris, resource } = given;
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
    ...(resource ? { resource } : {}),
    unused: false,
  };
}
