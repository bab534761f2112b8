import type { IdentityToken } from './assertion-source.ts';

/** What Entra takes a client assertion for: the same in every cloud but its name. */
const TOKEN_EXCHANGE = 'api://AzureADTokenExchange/.default';

/** Asks the platform for a token of a user-assigned managed identity, for Entra's token exchange. */
export async function managedIdentityToken(clientId: string): Promise<IdentityToken> {
  const { ManagedIdentityCredential } = await import('@azure/identity');
  return new ManagedIdentityCredential({ clientId }).getToken(TOKEN_EXCHANGE);
}
