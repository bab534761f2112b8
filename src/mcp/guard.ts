import { type AccessToken, InvalidTokenError, type TokenFault } from '../access/access-token.ts';
import type { Revocations } from '../access/revocations.ts';
import { ALL_SCOPES, covers, type Scope } from '../access/scopes.ts';
import { oauthError } from '../http/responses.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Logger } from '../log.ts';
import { TokenCache } from './token-cache.ts';

export interface GuardOptions {
  issuer: string;
  /** The exact URL of the endpoint: the audience of its tokens. */
  resource: string;
  /** Where the protected resource metadata is (RFC 9728 section 5.1). */
  resourceMetadataUrl: string;
  keys: () => Promise<KeyRing>;
  revocations: Revocations;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The bearer guard (RFC 6750): who may pass, and what the others are told. */
export interface Guard {
  /**
   * The token of a request, or the 401 that answers it. Only the
   * `Authorization` header counts; a token in the query is not looked at.
   * @throws UnavailableError when it cannot be known whether the token was revoked
   */
  authenticate(request: Request, log: Logger): Promise<AccessToken | Response>;
  /** The 403 for a token that lacks some of the scopes that a call needs; `undefined` when it has them. */
  refuseScopes(token: AccessToken, needed: ReadonlySet<Scope>): Response | undefined;
}

export function createGuard(options: GuardOptions): Guard {
  const cache = new TokenCache(options);
  const metadata = `resource_metadata="${options.resourceMetadataUrl}"`;
  const everything = `scope="${ALL_SCOPES.join(' ')}"`;

  return {
    async authenticate(request, log) {
      const header = request.headers.get('authorization');
      if (!header || !/^bearer\b/i.test(header)) {
        // RFC 6750 section 3.1: without a bearer token no error code.
        return unauthorized('Send an access token of this server as a bearer token.', [metadata, everything]);
      }
      try {
        const jwt = BEARER.exec(header)?.[1];
        if (!jwt) throw new InvalidTokenError('malformed');
        const token = await cache.verify(await options.keys(), jwt, options.now() / 1000);
        if (await options.revocations.isRevoked(token)) throw new InvalidTokenError('revoked');
        return token;
      } catch (error) {
        if (!(error instanceof InvalidTokenError)) throw error;
        log.info('access token refused', { fault: error.fault, ...error.details });
        const description = DESCRIPTIONS[error.fault];
        return unauthorized(description, [
          'error="invalid_token"',
          `error_description="${description}"`,
          metadata,
          everything,
        ]);
      }
    },

    refuseScopes(token, needed) {
      if (covers(token.scopes, needed)) return undefined;
      const union = ALL_SCOPES.filter(scope => needed.has(scope) || token.scopes.includes(scope)).join(' ');
      const description = `This call needs the scopes ${[...needed].join(' ')}.`;
      return oauthError(403, 'insufficient_scope', description, {
        'www-authenticate': challenge([
          'error="insufficient_scope"',
          `error_description="${description}"`,
          metadata,
          `scope="${union}"`,
        ]),
      });
    },
  };
}

/** RFC 6750 section 2.1: one token, of the characters that a token has. */
const BEARER = /^bearer +([\w\-.~+/]+=*) *$/i;

const DESCRIPTIONS: Record<TokenFault, string> = {
  malformed: 'This is not an access token.',
  type: 'This is a token of another type than an access token.',
  signature: 'The signature of the access token is not one of this server.',
  issuer: 'The access token is from another issuer.',
  audience: 'The audience of the access token is another resource.',
  expired: 'The access token has expired.',
  'not yet valid': 'The access token is not valid yet.',
  revoked: 'The access token was revoked.',
};

function unauthorized(description: string, parameters: readonly string[]): Response {
  return oauthError(401, 'invalid_token', description, { 'www-authenticate': challenge(parameters) });
}

function challenge(parameters: readonly string[]): string {
  return `Bearer ${parameters.join(', ')}`;
}
