import { lookup as systemLookup } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { ClientDocumentError } from './client-document-error.ts';
import { isPublicAddress } from './public-address.ts';

/**
 * Gets what strangers have named, as `fetch` would without following redirects.
 * @param signal ends it, the reading of the body too
 */
export type FetchDocument = (url: string, signal: AbortSignal) => Promise<Response>;

export interface PublicFetchOptions {
  /** Finds a host's addresses; the system's own unless a test has another. */
  lookup?: LookupFunction;
  /** Certificates to trust instead of the system's. */
  ca?: string;
  isAllowedAddress?: (address: string) => boolean;
}

/**
 * A way to the public internet that leads nowhere else. Each address that the
 * host's name resolves to is checked, and the one that is connected to once
 * more: a name that changes its mind between the two is refused. No proxy, no
 * cookies, no kept connections, no redirects.
 *
 * @returns throws ClientDocumentError for an address that is not public, and
 *   whatever the network throws
 */
export function createPublicFetch({
  lookup = systemLookup,
  ca,
  isAllowedAddress = isPublicAddress,
}: PublicFetchOptions = {}): FetchDocument {
  const agent = new Agent({ keepAlive: false, ...(ca ? { ca } : {}) });

  const checkedLookup: LookupFunction = (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, []);
      const addresses = Array.isArray(found) ? found : [];
      const [first] = addresses;
      if (!first || !addresses.every(({ address }) => isAllowedAddress(address))) return done(notPublic(), []);
      if (options.all) return done(null, addresses);
      done(null, first.address, first.family);
    });
  };

  return async (url, signal) => {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(url, {
        agent,
        signal,
        lookup: checkedLookup,
        // Identity: nothing that grows when it is unpacked.
        headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'entra-mcp' },
      });
      asked.on('socket', socket => {
        // First of all that listens: nothing is sent to a wrong one, not even the beginning of the handshake.
        socket.prependOnceListener('connect', () => {
          if (!isAllowedAddress(socket.remoteAddress ?? '')) asked.destroy(notPublic());
        });
      });
      asked.on('response', resolve);
      asked.on('error', reject);
      asked.end();
    });
    const status = incoming.statusCode ?? 0;
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    if (status === 200) return new Response(Readable.toWeb(incoming) as ReadableStream, { status, headers });
    incoming.destroy();
    // `Response` knows no others; what is not 200 is refused anyhow.
    return new Response(null, { status: status >= 200 && status <= 599 ? status : 502, headers });
  };
}

function notPublic(): ClientDocumentError {
  return new ClientDocumentError('The host of the application’s document is not a public one');
}
