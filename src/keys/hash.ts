import { createHash } from 'node:crypto';

/**
 * SHA-256 in base64url of a value of one kind. The kind is part of what is
 * hashed, so that the hash of one kind of token is never that of another.
 */
export function hashOf(kind: string, value: string): string {
  return createHash('sha256').update(`${kind}\n${value}`).digest('base64url');
}
