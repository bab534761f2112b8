import { oauthError, plainAscii } from '../http/responses.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Logger } from '../log.ts';
import { type AccessToken, InvalidTokenError, type TokenFault } from './access-token.ts';
import { DPOP_ALGORITHMS, type Dpop, InvalidProofError } from './dpop.ts';
import type { Revocations } from './revocations.ts';
import { covers, type ImpliedScopes } from './scopes.ts';
import { TokenCache, type VerifiedToken } from './token-cache.ts';

export interface GuardOptions {
  issuer: string;
  /** The exact URL of the endpoint: the audience of its tokens. */
  resource: string;
  /** The scopes of the endpoint, in the order in which challenges name them. */
  scopes: readonly string[];
  /** What its scopes bring with them; nothing unless given. */
  implied?: ImpliedScopes;
  /** Where the protected resource metadata is (RFC 9728 section 5.1). */
  resourceMetadataUrl: string;
  keys: () => Promise<KeyRing>;
  revocations: Revocations;
  dpop: Dpop;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The guard (RFC 6750, RFC 9449 section 7): who may pass, and what the others are told. */
export interface Guard {
  /**
   * The token of a request, or the 401 that answers it. Only the
   * `Authorization` header counts; a token in the query is not looked at.
   * @throws UnavailableError when it cannot be known whether the token was revoked
   */
  authenticate(request: Request, log: Logger): Promise<VerifiedToken | Response>;
  /** The 403 for a token that lacks some of the scopes that a call needs; `undefined` when it has them. */
  refuseScopes(token: VerifiedToken, needed: ReadonlySet<string>, log: Logger): Response | undefined;
}

export function createGuard(options: GuardOptions): Guard {
  const cache = new TokenCache(options);
  const metadata = `resource_metadata="${options.resourceMetadataUrl}"`;
  const everything = `scope="${options.scopes.join(' ')}"`;

  function unauthorized(scheme: Scheme, description: string, error?: string): Response {
    const why = error ? [`error="${error}"`, `error_description="${plainAscii(description)}"`] : [];
    return oauthError(401, error ?? 'invalid_token', description, {
      'www-authenticate': challenge(scheme, [...why, metadata, everything]),
    });
  }

  /** That a bound token comes with a proof of its key, and no other does. Asked for every request, whatever is cached. */
  async function checkPossession(token: AccessToken, { scheme, jwt }: Credentials, request: Request): Promise<void> {
    if (scheme === 'Bearer') {
      if (token.jkt !== undefined) throw new InvalidTokenError('needs a proof', { client: token.clientId });
      return;
    }
    if (token.jkt === undefined) throw new InvalidTokenError('has no key', { client: token.clientId });
    const proof = request.headers.get('dpop');
    const jkt = await options.dpop.check({ proof, method: request.method, url: options.resource, accessToken: jwt });
    if (jkt !== token.jkt) throw new InvalidTokenError('another key', { got: jkt, expected: token.jkt });
  }

  return {
    async authenticate(request, log) {
      const header = request.headers.get('authorization') ?? '';
      const scheme = schemeOf(header);
      // RFC 6750 section 3.1: without a token no error code.
      if (!scheme) return unauthorized('Bearer', 'Send an access token of this server as a bearer token.');
      try {
        const jwt = CREDENTIALS.exec(header)?.[1];
        if (!jwt) throw new InvalidTokenError('malformed');
        const token = await cache.verify(await options.keys(), jwt, options.now() / 1000);
        if (await options.revocations.isRevoked(token)) {
          throw new InvalidTokenError('revoked', { client: token.clientId, grant: token.grantId });
        }
        await checkPossession(token, { scheme, jwt }, request);
        return token;
      } catch (error) {
        if (error instanceof InvalidTokenError) {
          log.info('access token refused', { fault: error.fault, ...error.details });
          return unauthorized(scheme, DESCRIPTIONS[error.fault], 'invalid_token');
        }
        if (!(error instanceof InvalidProofError)) throw error;
        log.info('proof of possession refused', { fault: error.error, reason: error.message });
        const response = unauthorized('DPoP', error.message, error.error);
        response.headers.set('dpop-nonce', error.nonce);
        return response;
      }
    },

    refuseScopes(token, needed, log) {
      if (covers(token.covered, needed)) return undefined;
      log.info('scopes missing', { client: token.clientId, got: token.scopes, needed: [...needed] });
      const union = options.scopes.filter(scope => needed.has(scope) || token.scopes.includes(scope)).join(' ');
      const description = `This call needs the scopes ${[...needed].join(' ')}.`;
      return oauthError(403, 'insufficient_scope', description, {
        'www-authenticate': challenge(token.jkt ? 'DPoP' : 'Bearer', [
          'error="insufficient_scope"',
          `error_description="${description}"`,
          metadata,
          `scope="${union}"`,
        ]),
      });
    },
  };
}

type Scheme = 'Bearer' | 'DPoP';

interface Credentials {
  readonly scheme: Scheme;
  readonly jwt: string;
}

function schemeOf(header: string): Scheme | undefined {
  if (/^bearer\b/i.test(header)) return 'Bearer';
  return /^dpop\b/i.test(header) ? 'DPoP' : undefined;
}

/** RFC 6750 section 2.1: one token, of the characters that a token has. */
const CREDENTIALS = /^(?:bearer|dpop) +([\w\-.~+/]+=*) *$/i;

const DESCRIPTIONS: Record<TokenFault, string> = {
  malformed: 'This is not an access token.',
  type: 'This is a token of another type than an access token.',
  signature: 'The signature of the access token is not one of this server.',
  issuer: 'The access token is from another issuer.',
  audience: 'The audience of the access token is another resource.',
  expired: 'The access token has expired.',
  'not yet valid': 'The access token is not valid yet.',
  revoked: 'The access token was revoked.',
  'needs a proof': 'The access token is bound to a key. Send it as DPoP, with a proof.',
  'has no key': 'The access token is not bound to a key. Send it as Bearer.',
  'another key': 'The proof was not signed with the key that the access token is bound to.',
};

function challenge(scheme: Scheme, parameters: readonly string[]): string {
  const algorithms = scheme === 'DPoP' ? [`algs="${DPOP_ALGORITHMS.join(' ')}"`] : [];
  return `${scheme} ${[...parameters, ...algorithms].join(', ')}`;
}
