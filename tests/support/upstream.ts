/** An MCP server behind the gateway that does what a test says, and remembers what it was asked. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Behaviour = (asked: Asked, outgoing: ServerResponse, incoming: IncomingMessage) => unknown;

export interface Upstream {
  readonly url: string;
  readonly asked: Asked[];
  /** What it does with the next requests. */
  behave: Behaviour;
  stop(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const server = createServer(async (incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming;
    const asked = { method, path, headers, body: await text(incoming) };
    upstream.asked.push(asked);
    await upstream.behave(asked, outgoing, incoming);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const upstream: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    asked: [],
    behave: answersWith({}),
    stop: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
  return upstream;
}

/** The id of the request that came. */
export const idOf = ({ body }: Asked): unknown => (body === '' ? undefined : JSON.parse(body).id);

/** Answers with a result under the request's id, as JSON. */
export const answersWith =
  (result: unknown, headers: Record<string, string | string[]> = {}): Behaviour =>
  (asked, outgoing) =>
    outgoing
      .writeHead(200, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ jsonrpc: '2.0', id: idOf(asked), result }));

/** Answers with this, whatever comes. */
export const says =
  (status: number, headers: Record<string, string | string[]> = {}, body = ''): Behaviour =>
  (_asked, outgoing) =>
    outgoing.writeHead(status, headers).end(body);
