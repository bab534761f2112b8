import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The suite has no way to send a token: this stands in front of the server and puts one into every request. */
export interface AuthenticatingProxy {
  /** Where the suite sends to; its path is the server's. */
  readonly url: string;
  /** How many requests have passed. */
  readonly passed: () => number;
  stop(): Promise<void>;
}

/** Passes everything on as it comes, `Host` included, and the answer piece by piece. */
export async function startAuthenticatingProxy(to: string, token: string): Promise<AuthenticatingProxy> {
  const { port, pathname } = new URL(to);
  let passed = 0;
  const server = createServer((incoming, outgoing) => {
    passed++;
    const { method, url: path, headers } = incoming;
    const forward = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...headers, authorization: `Bearer ${token}` },
    });
    forward.on('response', answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    forward.on('error', () => outgoing.destroy());
    incoming.pipe(forward);
    outgoing.on('close', () => forward.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}${pathname}`,
    passed: () => passed,
    stop: () => {
      server.closeAllConnections();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}
