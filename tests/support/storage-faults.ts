import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes over the wire to storage: counted, and lost when a test wants it to be. */

interface RequestStart {
  request: ClientRequest;
}

/** How many HTTP requests `work` sends to a storage account, retries included, counted where they leave the process. */
export async function countTrips<T>(
  accountName: string,
  work: () => Promise<T>,
): Promise<{ trips: number; result: T }> {
  let trips = 0;
  const count = (message: unknown) => {
    if ((message as RequestStart).request.path.startsWith(`/${accountName}/`)) trips++;
  };
  subscribe('http.client.request.start', count);
  try {
    return { result: await work(), trips };
  } finally {
    unsubscribe('http.client.request.start', count);
  }
}

export interface StorageProxy {
  /** The connection string that leads through this proxy. */
  connectionString: string;
  /** The next request that matches reaches storage, and its reply is lost. Resolves when it was. */
  loseNextReply(matches: (request: IncomingMessage) => boolean): Promise<void>;
  /** The next request that matches waits on its way: `held` resolves when it does, and `release` lets it go on to storage. */
  holdNext(matches: (request: IncomingMessage) => boolean): { held: Promise<void>; release(): void };
  /** From now on requests that match get this answer, and never reach storage; `undefined` ends it. */
  refuse(refusal: { matches(request: IncomingMessage): boolean; status: number; type?: string } | undefined): void;
  /** From now on requests get no answer, and never reach storage. */
  hang(on: boolean): void;
  stop(): Promise<void>;
}

/** A proxy in front of the emulator. */
export async function startStorageProxy(connectionString: string): Promise<StorageProxy> {
  const endpoint = /TableEndpoint=(http:\/\/[^;]+)/.exec(connectionString)?.[1];
  if (!endpoint) throw new Error('The connection string names no table endpoint.');
  const target = new URL(endpoint);
  let losing: { matches: (request: IncomingMessage) => boolean; lost: () => void } | undefined;

  let holding: { matches: (request: IncomingMessage) => boolean; arrived: (goOn: () => void) => void } | undefined;
  let hanging = false;
  let refusal: Parameters<StorageProxy['refuse']>[0];

  const server = createServer((incoming, outgoing) => {
    if (hanging) return;
    if (refusal?.matches(incoming)) {
      outgoing.writeHead(refusal.status, { 'content-type': refusal.type ?? 'application/json' }).end('{}');
      return;
    }
    if (holding?.matches(incoming)) {
      const { arrived } = holding;
      holding = undefined;
      arrived(() => forward(incoming, outgoing));
    } else {
      forward(incoming, outgoing);
    }
  });

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const lose = losing?.matches(incoming) ? losing.lost : undefined;
    if (lose) losing = undefined;
    const forwarded = request(
      {
        host: target.hostname,
        port: target.port,
        path: incoming.url,
        method: incoming.method,
        headers: incoming.headers,
      },
      answer => {
        if (lose) {
          answer.resume();
          answer.on('end', () => {
            incoming.socket.destroy();
            lose();
          });
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forwarded.on('error', () => incoming.socket.destroy());
    incoming.pipe(forwarded);
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    connectionString: connectionString.replace(target.host, `127.0.0.1:${port}`),
    loseNextReply: matches =>
      new Promise(lost => {
        losing = { matches, lost };
      }),
    holdNext: matches => {
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const held = new Promise<void>(resolve => {
        const arrived = (goOn: () => void) => {
          resolve();
          void released.then(goOn);
        };
        holding = { matches, arrived };
      });
      return { held, release };
    },
    refuse: next => {
      refusal = next;
    },
    hang: on => {
      hanging = on;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
