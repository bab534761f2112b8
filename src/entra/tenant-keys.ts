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
  let keys: JSONWebKeySet | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<JSONWebKeySet> | undefined;

  async function download(): Promise<JSONWebKeySet> {
    triedAt = now();
    const response = await fetch(jwksUri, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) throw new Error(`Entra answered ${response.status}`);
    const body = (await response.json().catch(() => undefined)) as JSONWebKeySet | undefined;
    if (!Array.isArray(body?.keys)) throw new Error('Entra sent no keys');
    return body;
  }

  /** The keys, not older than `atMost` where Entra answers. */
  async function current(atMost: number): Promise<JSONWebKeySet> {
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

  async function check(jwt: string, options: JWTVerifyOptions, set: JSONWebKeySet) {
    const { payload, protectedHeader } = await jwtVerify(jwt, createLocalJWKSet(set), options);
    // A member of Microsoft's own.
    const key = set.keys.find(({ kid }) => kid === protectedHeader.kid) as { issuer?: unknown } | undefined;
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
