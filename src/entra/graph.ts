import type { Config } from '../config.ts';
import { UnavailableError } from '../http/errors.ts';

/** Microsoft Graph, as far as signing in needs it. */
export interface Graph {
  /**
   * Which of some groups the token's person is in, also through other groups
   * ("checkMemberGroups", 20 at a time).
   * @throws UnavailableError when Graph does not tell
   */
  memberGroups(accessToken: string, groups: readonly string[]): Promise<string[]>;
}

/** Lets a person be read, and their groups be checked. */
export const USER_READ = 'User.Read';

/** What a sign-in asks Entra for: who is in more groups than a token holds is looked up in Graph, which takes a scope. */
export function signInScopes({ scopes, entry }: Pick<Config['entra'], 'scopes' | 'entry'>): string[] {
  return entry.allowedGroups.length > 0 ? [...new Set([...scopes, USER_READ])] : [...scopes];
}

/** Whether a sign-in asks for `User.Read`, under its short name or its long one. */
export function asksUserRead(config: Pick<Config['entra'], 'scopes' | 'entry' | 'authorityHost'>): boolean {
  const names = [USER_READ, `${graphResource(config.authorityHost)}/${USER_READ}`];
  return signInScopes(config).some(scope => names.includes(scope));
}

const AT_ONCE = 20;
const TIMEOUT_MS = 8_000;

const GRAPH = 'https://graph.microsoft.com';

const HOSTS: Readonly<Record<string, string>> = {
  'https://login.microsoftonline.us': 'https://graph.microsoft.us',
  'https://login.partner.microsoftonline.cn': 'https://microsoftgraph.chinacloudapi.cn',
};

/** Graph's address goes with Entra's; a stand-in serves both. */
export function graphOrigin(authorityHost: string): string {
  return authorityHost.startsWith('http:') ? `${authorityHost}/graph` : graphResource(authorityHost);
}

/** What stands before Graph's scopes where they are written in full. */
export function graphResource(authorityHost: string): string {
  return HOSTS[authorityHost] ?? GRAPH;
}

export function createGraph(authorityHost: string, fetch: typeof globalThis.fetch): Graph {
  const url = `${graphOrigin(authorityHost)}/v1.0/me/checkMemberGroups`;

  async function check(accessToken: string, groupIds: readonly string[]): Promise<string[]> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ groupIds }),
      });
      if (response.status !== 200) throw new Error(`Microsoft Graph answered ${response.status}`);
      const { value } = (await response.json()) as { value?: unknown };
      if (!Array.isArray(value)) throw new Error('Microsoft Graph sent no groups');
      return value.filter(group => typeof group === 'string');
    } catch (error) {
      throw new UnavailableError('entra', error);
    }
  }

  return {
    async memberGroups(accessToken, groups) {
      const found: string[] = [];
      for (let start = 0; start < groups.length; start += AT_ONCE) {
        found.push(...(await check(accessToken, groups.slice(start, start + AT_ONCE))));
      }
      return found;
    },
  };
}
