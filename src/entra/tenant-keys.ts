import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { UnavailableError } from '../http/errors.ts';

/** The keys that Entra signs id tokens with. */
export interface TenantKeys {
  /**
   * Checks a token's signature and claims.
   * @returns the claims, and the `issuer` that Entra's document ties the key to, where it does
   * @throws what `jose` throws for a token that does not hold
   * @throws UnavailableError when there are no keys to check it with
   */
  verify(jwt: string, options: JWTVerifyOptions): Promise<{ payload: JWTPayload; keyIssuer?: string }>;
}

/** Keys as they were published, and the way to the one that a token names. */
interface Published {
  readonly document: JSONWebKeySet;
  readonly find: ReturnType<typeof createLocalJWKSet>;
}

/** How long keys are used without asking again: Entra publishes new ones long before it signs with them. */
const FRESH_MS = 3_600_000;
/** For a key that is not known the document is fetched again, but not oftener than this: anybody can name one. */
const COOLDOWN_MS = 300_000;
const TIMEOUT_MS = 5_000;

/**
 * Fetches the keys when they are first needed, once for all who wait. While
 * Entra cannot be reached, those that are there stay in use.
 */
export function createTenantKeys(jwksUri: string, fetch: typeof globalThis.fetch, now: () => number): TenantKeys {
  let keys: Published | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<Published> | undefined;

  async function download(): Promise<Published> {
    triedAt = now();
    const response = await fetch(jwksUri, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) throw new Error(`Entra answered ${response.status}`);
    const body = (await response.json().catch(() => undefined)) as JSONWebKeySet | undefined;
    if (!Array.isArray(body?.keys) || body.keys.length === 0) throw new Error('Entra sent no keys');
    // Throws for a list of something else.
    return { document: body, find: createLocalJWKSet(body) };
  }

  /** The keys, not older than `atMost` where Entra answers. */
  async function current(atMost: number): Promise<Published> {
    if (keys && now() - triedAt < atMost) return keys;
    fetching ??= download().finally(() => {
      fetching = undefined;
    });
    try {
      keys = await fetching;
    } catch (error) {
      if (!keys) throw new UnavailableError('entra', error);
    }
    return keys;
  }

  async function check(jwt: string, options: JWTVerifyOptions, { document, find }: Published) {
    const { payload, protectedHeader } = await jwtVerify(jwt, find, options).catch(error => {
      // A key that is none says nothing about the token.
      throw error instanceof errors.JOSEError ? error : new UnavailableError('entra', error);
    });
    // A member of Microsoft's own.
    const key = document.keys.find(({ kid }) => kid === protectedHeader.kid) as { issuer?: unknown } | undefined;
    return typeof key?.issuer === 'string' ? { payload, keyIssuer: key.issuer } : { payload };
  }

  return {
    async verify(jwt, options) {
      try {
        return await check(jwt, options, await current(FRESH_MS));
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        return check(jwt, options, await current(COOLDOWN_MS));
      }
    },
  };
}
