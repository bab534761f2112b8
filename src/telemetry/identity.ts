import type { TokenCredential } from '@azure/identity';

/** The managed identity that Application Insights knows. */
export interface InsightsIdentity {
  /** Absent: the system-assigned one. */
  readonly clientId?: string;
  /** What a token is asked for, in clouds of their own. */
  readonly audience?: string;
}

const AUDIENCE = 'https://monitor.azure.com';

/** Gives tokens of the identity; the library remembers them while they are good. */
export function identityToken({ clientId, audience = AUDIENCE }: InsightsIdentity): () => Promise<string> {
  const scope = `${audience.replace(/\/+$/, '')}/.default`;
  let credential: TokenCredential | undefined;
  return async () => {
    const { ManagedIdentityCredential } = await import('@azure/identity');
    credential ??= clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential();
    const token = await credential.getToken(scope);
    if (!token) throw new Error('The identity got no token for Application Insights.');
    return token.token;
  };
}
