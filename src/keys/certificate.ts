import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from '../log.ts';

/** A certificate with its private key, as a credential towards Entra. */
export interface Certificate {
  /** In PEM. */
  readonly privateKey: string;
  /** The certificate alone, in PEM. */
  readonly certificate: string;
  /** SHA-256 of the certificate in hexadecimal (`x5t#S256`, RFC 7515 section 4.1.8). */
  readonly thumbprintSha256: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Reads a certificate and its private key, both in PEM: the path of a file that
 * holds them, or that file's content in base64.
 *
 * @throws Error that says what is wrong, without anything of the key
 */
export function parseCertificate(value: string): Certificate {
  const pem = isBase64(value) ? Buffer.from(value, 'base64').toString('latin1') : readPem(value);
  const certificate = block(pem, 'CERTIFICATE');
  const privateKey = block(pem, '(?:RSA |EC )?PRIVATE KEY');
  if (!certificate) throw new Error('it holds no certificate in PEM');
  if (!privateKey) throw new Error('it holds no unencrypted private key in PEM');
  const parsed = attempt(() => new X509Certificate(certificate), 'the certificate cannot be read');
  const key = attempt(() => createPrivateKey(privateKey), 'the private key cannot be read');
  if (key.asymmetricKeyType !== 'rsa') throw new Error('the key is not an RSA key, which Entra asks for');
  if (!parsed.checkPrivateKey(key)) throw new Error('the private key is not that of the certificate');
  return {
    privateKey,
    certificate,
    thumbprintSha256: parsed.fingerprint256.replaceAll(':', '').toLowerCase(),
    expiresAt: Date.parse(parsed.validTo),
  };
}

/** How long before its end a certificate is spoken of, in milliseconds. */
const SOON_MS = 30 * 86_400_000;

/** Warns of a certificate that has expired or does so within 30 days. @param now milliseconds since the epoch */
export function warnOfExpiry({ expiresAt }: Pick<Certificate, 'expiresAt'>, now: number, log: Logger): void {
  if (now < expiresAt - SOON_MS) return;
  const event = now < expiresAt ? 'the certificate expires soon' : 'the certificate has expired';
  log.warn(event, { setting: 'AUTH_CLIENT_CERTIFICATE', expires: new Date(expiresAt).toISOString() });
}

/** A path never has the length and the characters of a PEM in base64 alone. */
function isBase64(value: string): boolean {
  return value.length > 500 && /^[A-Za-z0-9+/\s]+=*\s*$/.test(value);
}

function readPem(path: string): string {
  return attempt(() => readFileSync(path, 'latin1'), 'it is neither base64 nor a file that can be read');
}

function block(pem: string, label: string): string | undefined {
  return new RegExp(`-----BEGIN (${label})-----[\\s\\S]+?-----END \\1-----`).exec(pem)?.[0];
}

function attempt<T>(work: () => T, problem: string): T {
  try {
    return work();
  } catch {
    throw new Error(problem);
  }
}
