import type { FormParameters } from '../../http/body.ts';
import type { OAuthServices } from '../services.ts';
import { TokenError } from '../tokens/token-error.ts';
import { isSecretOf } from './client.ts';

/** Who a request to the token or revocation endpoint says it is (RFC 6749 section 2.3). */
export interface PresentedClient {
  readonly clientId: string;
  readonly secret?: string;
  /** Whether the Authorization header was used: the refusal then names its scheme. */
  readonly basic: boolean;
}

/**
 * Reads the client from the form or from the Authorization header, not both.
 * @throws TokenError
 */
export function readClient(request: Request, form: FormParameters): PresentedClient {
  const header = request.headers.get('authorization');
  const formId = form.get('client_id');
  const formSecret = form.get('client_secret');
  if (header === null) {
    if (!formId) throw new TokenError('invalid_client', 'The request names no client_id.', 401);
    return { clientId: formId, basic: false, ...(formSecret ? { secret: formSecret } : {}) };
  }
  const basic = parseBasic(header);
  if (!basic) throw new TokenError('invalid_client', 'The Authorization header is not HTTP Basic.', 401, true);
  if (formSecret) throw new TokenError('invalid_request', 'The client authenticates in two ways at once.');
  if (formId && formId !== basic.clientId) {
    throw new TokenError('invalid_request', 'The client_id is not the one in the Authorization header.');
  }
  return basic;
}

/** The client that a code or a grant is bound to, and how it proves itself. */
export interface ExpectedClient {
  readonly clientId: string;
  readonly clientSecretHash?: string;
  readonly clientAuth?: 'private_key_jwt';
}

/**
 * Checks that the presented client is the expected one and, where that one has
 * a secret, knows it.
 *
 * @throws TokenError `invalid_grant` for another client's code or token
 *   (RFC 6749 section 5.2), `invalid_client` for a wrong secret
 */
export async function authenticateClient(
  _services: OAuthServices,
  presented: PresentedClient,
  expected: ExpectedClient,
): Promise<void> {
  if (presented.clientId !== expected.clientId) {
    throw new TokenError('invalid_grant', 'This was issued to another client.');
  }
  if (expected.clientSecretHash === undefined) return;
  if (!presented.secret || !isSecretOf(expected.clientSecretHash, presented.secret)) {
    throw new TokenError('invalid_client', 'The client secret is missing or wrong.', 401, presented.basic);
  }
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
function parseBasic(header: string): PresentedClient | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1];
  const pair = encoded && Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair ? pair.indexOf(':') : -1;
  if (!pair || colon < 0) return undefined;
  try {
    const [clientId, secret] = [pair.slice(0, colon), pair.slice(colon + 1)].map(part =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    );
    return clientId ? { clientId, basic: true, ...(secret ? { secret } : {}) } : undefined;
  } catch {
    return undefined;
  }
}
