import type { JWK } from 'jose';
import * as z from 'zod';
import { hashOf } from '../../keys/hash.ts';
import type { AssertionAlgorithm } from './assertion-keys.ts';
import { redirectUriProblem, withoutLoopbackPort } from './redirect-uri.ts';

/** What a client may register with; a metadata document may name `private_key_jwt` too. */
export const REGISTRATION_AUTH_METHODS = ['none', 'client_secret_post', 'client_secret_basic'] as const;

const GRANT_TYPES = ['authorization_code', 'refresh_token'] as const;

/**
 * Control, formatting (bidi, zero width), private and other characters that show
 * nothing: nothing that a name honestly needs, but for the variation selectors of emoji.
 */
const UNSEEN = /(?![\uFE00-\uFE0F])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Text that a person can see all of. */
export const text = (most: number) =>
  z
    .string()
    .max(most, `is longer than ${most} characters`)
    .refine(value => !UNSEEN.test(value), 'has characters that cannot be seen');

const webUrl = text(2_000).refine(value => URL.canParse(value) && /^https?:\/\//.test(value), 'is not a web address');

/**
 * The members of a registration that this server keeps (RFC 7591 section 2).
 * Unknown members and grant types that it lacks are ignored, as the RFC allows.
 */
export const clientMetadata = z.object({
  redirect_uris: z.array(z.string()).min(1, 'holds no URI').max(20, 'holds more than 20 URIs'),
  client_name: text(200).optional(),
  client_uri: webUrl.optional(),
  token_endpoint_auth_method: z.enum(REGISTRATION_AUTH_METHODS).default('client_secret_basic'),
  application_type: z.enum(['web', 'native']).optional(),
  grant_types: z
    .array(z.string().max(100))
    .max(20)
    .default(['authorization_code'])
    .transform(types => GRANT_TYPES.filter(type => types.includes(type)))
    .refine(types => types.includes('authorization_code'), 'lacks authorization_code'),
  response_types: z
    .array(z.string().max(100))
    .max(20)
    .default(['code'])
    .refine(types => types.includes('code'), 'lacks code')
    .transform(() => ['code'] as const),
  scope: text(1_000).optional(),
  software_id: text(200).optional(),
  // RFC 9449 section 5.2.
  dpop_bound_access_tokens: z.boolean().optional(),
  software_version: text(200).optional(),
});

type RegisteredMetadata = z.output<typeof clientMetadata>;

/** What is known of a client, whoever said it. */
export interface ClientMetadata extends Omit<RegisteredMetadata, 'token_endpoint_auth_method'> {
  readonly token_endpoint_auth_method: RegisteredMetadata['token_endpoint_auth_method'] | 'private_key_jwt';
  /** The keys that verify its assertions, or where they are; only a document names them. */
  readonly jwks?: { readonly keys: readonly JWK[] };
  readonly jwks_uri?: string;
  /** The one algorithm of its assertions, where it names one. */
  readonly token_endpoint_auth_signing_alg?: AssertionAlgorithm | undefined;
}

export type ParsedMetadata<T = ClientMetadata> = { metadata: T } | { problem: string; aboutRedirectUris: boolean };

/**
 * Reads what a client registers with.
 *
 * @param privateUseSchemes that its redirect URIs may have, besides the known ones
 */
export function parseClientMetadata(body: unknown, privateUseSchemes: readonly string[] = []): ParsedMetadata {
  return parseMetadata(clientMetadata, body, privateUseSchemes);
}

/**
 * Reads what a client says of itself, by a schema. A member that is `null` or
 * empty counts as absent: some clients send one for each that they do not have.
 */
export function parseMetadata<T extends Pick<RegisteredMetadata, 'redirect_uris'>>(
  schema: z.ZodType<T>,
  body: unknown,
  privateUseSchemes: readonly string[],
): ParsedMetadata<T> {
  const present =
    body !== null && typeof body === 'object' && !Array.isArray(body)
      ? Object.fromEntries(Object.entries(body).filter(([, value]) => !isEmpty(value)))
      : body;
  const result = schema.safeParse(present);
  if (!result.success) {
    const [issue] = result.error.issues;
    const member = String(issue?.path[0] ?? 'the body');
    const problem = issue?.code === 'invalid_type' ? 'is missing or of another type' : issue?.message;
    return { problem: `${member} ${problem ?? 'is not valid'}`, aboutRedirectUris: member === 'redirect_uris' };
  }
  for (const uri of result.data.redirect_uris) {
    const problem = redirectUriProblem(uri, privateUseSchemes);
    if (problem) return { problem: `redirect_uris ${problem}`, aboutRedirectUris: true };
  }
  return { metadata: result.data };
}

function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** What a client's row holds as its metadata: a loopback URI's port is left out where the id does not depend on it. */
export function publicMetadata(metadata: ClientMetadata): ClientMetadata {
  return { ...metadata, redirect_uris: metadata.redirect_uris.map(withoutLoopbackPort) };
}

/**
 * The id of a public client: the hash of all that is kept of it. The same
 * registration, the loopback port aside, is thus one client, however often it
 * comes; and nobody can register under another's id.
 *
 * @param metadata as {@link publicMetadata} gives it
 */
export function publicClientId(metadata: ClientMetadata): string {
  const canonical = JSON.stringify(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `pc.${hashOf('public client', canonical)}`;
}
