import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import type { Instance } from './instance.ts';

/** Stands before the instances, as the platform's front end does. */
export interface Balancer {
  readonly port: number;
  /** What it balances between; those that are down are passed over. */
  serve(instances: readonly Instance[]): void;
  stop(): Promise<void>;
}

/**
 * Each request goes to the next instance, whoever sends it. When an instance breaks off, so does the answer: 502.
 * @param connections each connection goes to the next instance instead, which costs less: for load
 * @param port its own; a free one unless given
 */
export function startBalancer({ connections = false, port = 0 } = {}): Promise<Balancer> {
  return connections ? startConnectionBalancer(port) : startRequestBalancer(port);
}

/** The next of those that are up. */
function turns(): { serve: Balancer['serve']; next(): Instance | undefined } {
  let all: readonly Instance[] = [];
  let turn = 0;
  return {
    serve: instances => {
      all = instances;
    },
    next: () => {
      for (let tried = 0; tried < all.length; tried++) {
        const instance = all[turn++ % all.length];
        if (instance?.isUp) return instance;
      }
      return undefined;
    },
  };
}

async function listen(server: Server | TcpServer, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  // Throws when the port is taken.
  await once(server, 'listening');
}

async function startRequestBalancer(port: number): Promise<Balancer> {
  const { serve, next } = turns();
  const agent = new Agent({ keepAlive: true });
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const instance = next();
    if (!instance) return void outgoing.writeHead(502).end();
    const { method = 'GET', url: path = '/', rawHeaders } = incoming;
    const onward = request(
      { host: '127.0.0.1', port: instance.port, method, path, headers: [...rawHeaders], agent },
      answer => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.on('error', () => outgoing.destroy());
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) onward.destroy();
    });
    incoming.pipe(onward);
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, forward);
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    serve,
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

async function startConnectionBalancer(port: number): Promise<Balancer> {
  const { serve, next } = turns();
  const open = new Set<Socket>();
  const server = createTcpServer({ noDelay: true }, incoming => {
    const instance = next();
    if (!instance) return void incoming.destroy();
    const onward = connect({ host: '127.0.0.1', port: instance.port, noDelay: true });
    for (const [from, to] of [
      [incoming, onward],
      [onward, incoming],
    ] as const) {
      open.add(from);
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    serve,
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
