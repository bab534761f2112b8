import type { AccessToken } from './access-token.ts';

/**
 * What the MCP endpoint asks before it serves a token whose signature and times
 * are good: was its grant ended meanwhile?
 */
export interface Revocations {
  /**
   * @throws UnavailableError when the list of revocations is too old to be relied on
   */
  isRevoked(token: AccessToken): Promise<boolean>;
}
