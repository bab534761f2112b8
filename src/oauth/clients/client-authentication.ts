import type { FormParameters } from '../../http/body.ts';
import { randomText } from '../../keys/random.ts';
import { PATHS } from '../paths.ts';
import type { OAuthServices } from '../services.ts';
import { TokenError } from '../tokens/token-error.ts';
import { ASSERTION_TYPE, claimedSubject, InvalidAssertionError, verifyAssertion } from './assertion.ts';
import { isSecretOf } from './client.ts';
import { ClientDocumentError } from './documents/client-document-error.ts';

/** Who a request to the token, revocation or introspection endpoint says it is (RFC 6749 section 2.3). */
export interface PresentedClient {
  readonly clientId: string;
  readonly secret?: string;
  readonly assertion?: PresentedAssertion;
  /** Whether the Authorization header was used: the refusal then names its scheme. */
  readonly basic: boolean;
}

/** A signed assertion (RFC 7521 section 4.2). */
interface PresentedAssertion {
  readonly jwt: string;
  /** Set when it is checked first: what claims its single use for this request, however often this one checks it. */
  nonce?: string;
}

/**
 * Reads the client from the form or from the Authorization header, by one way of
 * authentication at most.
 * @throws TokenError
 */
export function readClient(request: Request, form: FormParameters): PresentedClient {
  const header = request.headers.get('authorization');
  const formId = form.get('client_id');
  const formSecret = form.get('client_secret');
  const assertion = readAssertion(form);
  if ([header ?? undefined, formSecret, assertion].filter(way => way !== undefined).length > 1) {
    throw new TokenError('invalid_request', 'The client authenticates in two ways at once.');
  }
  if (assertion) {
    const clientId = formId ?? claimedSubject(assertion.jwt);
    if (!clientId) throw new TokenError('invalid_client', 'The client assertion names no client.', 401);
    return { clientId, basic: false, assertion };
  }
  if (header === null) {
    if (!formId) throw new TokenError('invalid_client', 'The request names no client_id.', 401);
    return { clientId: formId, basic: false, ...(formSecret ? { secret: formSecret } : {}) };
  }
  const basic = parseBasic(header);
  if (!basic) throw new TokenError('invalid_client', 'The Authorization header is not HTTP Basic.', 401, true);
  if (formId && formId !== basic.clientId) {
    throw new TokenError('invalid_request', 'The client_id is not the one in the Authorization header.');
  }
  return basic;
}

function readAssertion(form: FormParameters): PresentedAssertion | undefined {
  const jwt = form.get('client_assertion');
  const type = form.get('client_assertion_type');
  if (jwt === undefined && type === undefined) return undefined;
  if (jwt && type === ASSERTION_TYPE) return { jwt };
  throw new TokenError('invalid_request', `A client_assertion comes with the client_assertion_type ${ASSERTION_TYPE}.`);
}

/** The client that a code or a grant is bound to, and how it proves itself. */
export interface ExpectedClient {
  readonly clientId: string;
  readonly clientSecretHash?: string;
  readonly clientAuth?: 'private_key_jwt';
}

/**
 * Checks that the presented client is the expected one and, where that one has
 * a secret, knows it, or where it has keys, has signed an assertion with one,
 * which is used up by that.
 *
 * @throws TokenError `invalid_grant` for another client's code or token
 *   (RFC 6749 section 5.2), `invalid_client` for a wrong secret or assertion, or
 *   where the operator has turned the client away since, `unauthorized_client` where an administrator has blocked it
 * @throws UnavailableError when the client's keys cannot be had, or whether it is blocked
 */
export async function authenticateClient(
  services: Pick<OAuthServices, 'clients' | 'revocations' | 'assertions' | 'origin' | 'now' | 'random'>,
  presented: PresentedClient,
  expected: ExpectedClient,
): Promise<void> {
  if (presented.clientId !== expected.clientId) {
    throw new TokenError('invalid_grant', 'This was issued to another client.');
  }
  if (!services.clients.isLetIn(expected.clientId)) {
    throw new TokenError('invalid_client', 'Clients that are named by such a document are not let in here.', 401);
  }
  if (await services.revocations.isBlocked(expected.clientId)) {
    throw new TokenError('unauthorized_client', 'An administrator of this server has blocked this client.');
  }
  if (expected.clientAuth === 'private_key_jwt') return checkAssertion(services, presented);
  if (presented.assertion) {
    throw new TokenError('invalid_client', 'The client is not one that signs assertions.', 401);
  }
  const current = services.clients.ofOperator(expected.clientId);
  if (current === 'removed') {
    throw new TokenError(
      'invalid_client',
      'The operator of this server has removed this client.',
      401,
      presented.basic,
    );
  }
  // The operator's word of today counts, and not that of the day of the sign-in.
  const { secretHash } = current ?? { secretHash: expected.clientSecretHash };
  if (secretHash === undefined) return;
  if (!presented.secret || !isSecretOf(secretHash, presented.secret)) {
    throw new TokenError('invalid_client', 'The client secret is missing or wrong.', 401, presented.basic);
  }
}

async function checkAssertion(
  { clients, assertions, origin, now, random }: Parameters<typeof authenticateClient>[0],
  { clientId, assertion, basic }: PresentedClient,
): Promise<void> {
  if (!assertion) {
    throw new TokenError('invalid_client', 'The client must prove itself by a client_assertion.', 401, basic);
  }
  try {
    const client = await clients.find(clientId);
    if (!client) throw new TokenError('invalid_client', 'The client is not known.', 401);
    const verified = await verifyAssertion(assertion.jwt, {
      clientId,
      audiences: [origin, `${origin}${PATHS.token}`],
      algorithm: client.metadata.token_endpoint_auth_signing_alg,
      keys: kid => clients.keys(client, kid),
      now: now(),
    });
    // Last: an assertion that is refused for anything else is not used up.
    assertion.nonce ??= randomText(random, 16);
    if (await assertions.claim({ clientId, ...verified }, assertion.nonce)) return;
    throw new InvalidAssertionError('was used before: sign a new one for each request');
  } catch (error) {
    if (error instanceof InvalidAssertionError) {
      throw new TokenError('invalid_client', `The client assertion ${error.message}.`, 401);
    }
    if (error instanceof ClientDocumentError) throw new TokenError('invalid_client', error.message, 401);
    throw error;
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
