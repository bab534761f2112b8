/** The credentials that take the place of a secret: assertions, signed with a certificate or by a trusted identity. */
import { randomBytes, X509Certificate } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { EntraError, entraErrors } from './errors.ts';
import type { EntraOptions } from './index.ts';

/** A federated credential of the application: whose tokens are taken for its assertions. */
export interface FederatedIdentity {
  issuer: string;
  /** The managed identity's principal id. */
  subject: string;
  /** The keys of the issuer. */
  jwks: JSONWebKeySet;
}

export interface Credentials {
  /** By which oidc-provider knows the application. */
  readonly secret: string;
  hasSpread: boolean;
  /**
   * Checks the assertion of a token request and puts the secret in its place.
   * @throws EntraError
   */
  exchange(form: URLSearchParams): Promise<void>;
}

const AUDIENCE = 'api://AzureADTokenExchange';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** @returns `undefined` where the application has a secret or is public */
export function createCredentials(options: EntraOptions, now: () => number): Credentials | undefined {
  const { certificate, federatedIdentity } = options;
  if (!certificate && !federatedIdentity) return undefined;
  const secret = randomBytes(32).toString('base64url');

  const credentials: Credentials = {
    secret,
    hasSpread: true,
    async exchange(form) {
      const assertion = form.get('client_assertion');
      if (form.has('client_secret')) throw entraErrors.wrongSecret(form.get('client_id') ?? '');
      if (!assertion || form.get('client_assertion_type') !== JWT_BEARER) throw entraErrors.noSecret();
      if (!isJwt(assertion)) throw entraErrors.malformed('the client_assertion is no JWT');
      if (federatedIdentity) await checkFederated(assertion, federatedIdentity);
      else if (certificate) await checkCertificate(assertion, certificate, form.get('client_id') ?? '');
      form.delete('client_assertion');
      form.delete('client_assertion_type');
      form.set('client_secret', secret);
    },
  };

  async function checkFederated(assertion: string, identity: FederatedIdentity): Promise<void> {
    const claims = decodeJwt(assertion);
    if (!credentials.hasSpread) throw entraErrors.noFederatedIdentity();
    if (claims.iss !== identity.issuer) throw entraErrors.noFederatedIssuer(String(claims.iss));
    if (claims.sub !== identity.subject) throw entraErrors.noFederatedSubject(String(claims.sub));
    if (claims.aud !== AUDIENCE) throw entraErrors.noFederatedAudience(String(claims.aud));
    await verify(() => jwtVerify(assertion, createLocalJWKSet(identity.jwks), { currentDate: new Date(now()) }));
  }

  async function checkCertificate(assertion: string, pem: string, clientId: string): Promise<void> {
    const x509 = new X509Certificate(pem);
    const thumbprint = Buffer.from(x509.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    if (decodeProtectedHeader(assertion)['x5t#S256'] !== thumbprint) throw entraErrors.unknownCertificate(clientId);
    const { payload } = await verify(() =>
      // MSAL makes its assertions by the real clock.
      jwtVerify(assertion, x509.publicKey, {
        algorithms: ['PS256'],
        issuer: clientId,
        subject: clientId,
        // Its times are rounded, up too.
        clockTolerance: 300,
      }),
    );
    if (!String(payload.aud).endsWith('/oauth2/v2.0/token')) throw entraErrors.assertionAudience(String(payload.aud));
  }

  return credentials;
}

function isJwt(text: string): boolean {
  try {
    return Boolean(decodeProtectedHeader(text) && decodeJwt(text));
  } catch {
    return false;
  }
}

async function verify(check: () => Promise<{ payload: JWTPayload }>): Promise<{ payload: JWTPayload }> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof EntraError) throw error;
    throw error instanceof errors.JWTExpired ? entraErrors.assertionExpired() : entraErrors.unknownCertificate('');
  }
}
