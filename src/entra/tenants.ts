/**
 * Whose people may sign in. Entra's address names one tenant, or one of three
 * words for many, and then the token says which: "organizations" is every
 * tenant, "consumers" the personal accounts, "common" both.
 */
export interface TenantRule {
  /** As it stands in Entra's addresses: a GUID or one of the three words. */
  readonly tenantId: string;
  /** For the three words: the tenants that are let in, or `*` for all. */
  readonly allowedTenants?: '*' | readonly string[] | undefined;
}

/** The tenant of all personal Microsoft accounts. */
export const CONSUMERS_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';

/** Whether an address names many tenants. */
export const isMultiTenant = (tenantId: string) => ['organizations', 'common', 'consumers'].includes(tenantId);

/** Whether people of a tenant may sign in. */
export function isTenantAllowed({ tenantId, allowedTenants }: TenantRule, tid: string): boolean {
  if (!isMultiTenant(tenantId)) return tid === tenantId;
  if (tenantId === 'consumers' && tid !== CONSUMERS_TENANT) return false;
  if (tenantId === 'organizations' && tid === CONSUMERS_TENANT) return false;
  return allowedTenants === '*' || (allowedTenants?.includes(tid) ?? false);
}

/**
 * Who issues the tokens of a tenant. Under External ID (`ciamlogin.com`) the
 * tenant stands in the host's name too.
 */
export function issuerOf(authorityHost: string, tid: string): string {
  const { protocol, hostname, host } = new URL(authorityHost);
  const at = hostname.endsWith('.ciamlogin.com') ? `${tid}.ciamlogin.com` : host;
  return `${protocol}//${at}/${tid}/v2.0`;
}

/** The tenant that an issuer stands for; `undefined` for any other text, and for tenants whose people may not sign in. */
export function tenantOfIssuer(rule: TenantRule & { authorityHost: string }, issuer: string): string | undefined {
  const tid = /\/([0-9a-f-]{36})\/v2\.0$/.exec(issuer)?.[1];
  return tid && issuer === issuerOf(rule.authorityHost, tid) && isTenantAllowed(rule, tid) ? tid : undefined;
}
