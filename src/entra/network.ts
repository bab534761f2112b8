import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import { UnavailableError } from '../http/errors.ts';

/** How long Entra may take to answer, in milliseconds. */
const TIMEOUT_MS = 8_000;

/** MSAL forgets what its network threw; this keeps it. */
export interface MsalNetwork extends INetworkModule {
  /** Why the last request got no answer. */
  outage?: UnavailableError;
}

/**
 * MSAL's way to Entra, over `fetch`, so that an outage is told apart from a
 * refusal: no answer, 429, 5xx and anything that is not JSON is an outage.
 */
export function createMsalNetwork(fetch: typeof globalThis.fetch): MsalNetwork {
  async function send<T>(method: 'GET' | 'POST', url: string, options?: NetworkRequestOptions) {
    try {
      const response = await fetch(url, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(options?.headers ? { headers: options.headers } : {}),
        ...(options?.body ? { body: options.body } : {}),
      });
      if (response.status === 429 || response.status >= 500) throw new Error(`Entra answered ${response.status}`);
      // Not the parser's own words: they quote what came.
      const body: unknown = await response.json().catch(() => undefined);
      if (body === null || typeof body !== 'object' || Array.isArray(body))
        throw new Error('Entra sent no JSON object');
      const answer: NetworkResponse<T> = {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: body as T,
      };
      return answer;
    } catch (error) {
      network.outage = new UnavailableError('entra', error);
      throw network.outage;
    }
  }
  const network: MsalNetwork = {
    sendGetRequestAsync: (url, options) => send('GET', url, options),
    sendPostRequestAsync: (url, options) => send('POST', url, options),
  };
  return network;
}
