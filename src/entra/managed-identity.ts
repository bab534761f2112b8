import type { IdentityToken } from './assertion-source.ts';

/** What Entra takes a client assertion for, by its address: another name in each cloud. */
const AUDIENCES: Readonly<Record<string, string>> = {
  'https://login.microsoftonline.us': 'api://AzureADTokenExchangeUSGov',
  'https://login.partner.microsoftonline.cn': 'api://AzureADTokenExchangeChina',
};

/** The audience of the assertions of a federated credential, in the cloud of an authority. */
export function tokenExchangeAudience(authorityHost: string): string {
  return AUDIENCES[authorityHost] ?? 'api://AzureADTokenExchange';
}

/** Asks the platform for a token of a user-assigned managed identity, for Entra's token exchange. */
export async function managedIdentityToken(clientId: string, audience: string): Promise<IdentityToken> {
  const { ManagedIdentityCredential } = await import('@azure/identity');
  return new ManagedIdentityCredential({ clientId }).getToken(`${audience}/.default`);
}
