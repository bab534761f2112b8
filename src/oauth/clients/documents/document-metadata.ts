import * as z from 'zod';
import { ASSERTION_ALGORITHMS } from '../../metadata.ts';
import { readKeySet } from '../assertion-keys.ts';
import { type ClientMetadata, clientMetadata, parseMetadata, text } from '../client-metadata.ts';
import { ClientDocumentError } from './client-document-error.ts';
import { publicUrlProblem } from './public-url.ts';

/** How a client that a document describes may authenticate: everybody can read it, so it holds no secret. */
const AUTH_METHODS = ['none', 'private_key_jwt'] as const;

const documentMetadata = clientMetadata.extend({
  client_id: z.string(),
  client_name: text(200),
  client_secret: z
    .unknown()
    .refine(() => false, 'is something that no document may hold')
    .optional(),
  token_endpoint_auth_method: z.enum(AUTH_METHODS, 'is neither none nor private_key_jwt').default('none'),
  token_endpoint_auth_signing_alg: z.enum(ASSERTION_ALGORITHMS, 'is not served here').optional(),
  jwks: z.unknown().optional(),
  jwks_uri: z
    .string()
    .superRefine((uri, context) => {
      const message = publicUrlProblem(uri);
      if (message) context.addIssue({ code: 'custom', message });
    })
    .optional(),
});

/**
 * Reads a client's metadata document (draft-ietf-oauth-client-id-metadata-document,
 * "Client ID Metadata Document"), by the rules of registration and some more.
 *
 * @param id the URL that it was fetched from, which it must name as its `client_id`
 * @param privateUseSchemes that its redirect URIs may have, besides the known ones
 * @throws ClientDocumentError
 */
export function readDocumentMetadata(json: unknown, id: string, privateUseSchemes: readonly string[]): ClientMetadata {
  const parsed = parseMetadata(documentMetadata, json, privateUseSchemes);
  if ('problem' in parsed) {
    throw new ClientDocumentError(`The application’s metadata document is not valid: ${parsed.problem}`);
  }
  const { client_id, client_secret: _absent, jwks, jwks_uri, ...metadata } = parsed.metadata;
  if (client_id !== id) throw new ClientDocumentError('The application’s metadata document names another client_id');
  if (metadata.token_endpoint_auth_method === 'none') return metadata;
  if ((jwks === undefined) === (jwks_uri === undefined)) {
    throw new ClientDocumentError('The application’s metadata document does not name its keys, by jwks or by jwks_uri');
  }
  return jwks_uri === undefined ? { ...metadata, jwks: { keys: readKeySet(jwks) } } : { ...metadata, jwks_uri };
}
