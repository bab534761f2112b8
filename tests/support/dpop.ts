import { hash } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** A key pair of a client that proves possession (RFC 9449), and the proofs that it makes. */
export interface ProofKey {
  readonly jkt: string;
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
  /** A proof; `change` replaces claims (`undefined` leaves one out), `header` members of its header. */
  proof(
    request: { method?: string; url: string; nonce?: string | null; accessToken?: string },
    change?: Record<string, unknown>,
    header?: Record<string, unknown>,
  ): Promise<string>;
}

export async function newProofKey(algorithm = 'ES256'): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(publicKey);
  let made = 0;
  return {
    jwk,
    privateKey,
    jkt: await calculateJwkThumbprint(jwk),
    proof({ method = 'POST', url, nonce, accessToken }, change = {}, header = {}) {
      const claims = {
        jti: `${Date.now()}.${++made}`,
        htm: method,
        htu: url,
        iat: Math.floor(Date.now() / 1000),
        ...(nonce ? { nonce } : {}),
        ...(accessToken ? { ath: hash('sha256', accessToken, 'base64url') } : {}),
        ...change,
      };
      return new SignJWT(claims)
        .setProtectedHeader({ typ: 'dpop+jwt', alg: algorithm, jwk, ...header })
        .sign(privateKey);
    },
  };
}
