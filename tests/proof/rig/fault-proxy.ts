import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** What can befall a request on its way to an upstream, or its answer on the way back. */
export type Fault =
  /** The upstream does it, and the reply is lost: the connection ends without one; `reset`: by a TCP reset. */
  | { readonly kind: 'drop'; readonly reset?: boolean }
  /** The connection is reset before the upstream sees anything. */
  | { readonly kind: 'reset' }
  /** This answer instead of the upstream's; `done`: the upstream did it all the same. */
  | { readonly kind: 'answer'; status: number; headers?: Record<string, string>; body?: string; done?: boolean }
  /** Nothing is answered, ever; the upstream sees nothing. */
  | { readonly kind: 'hang' }
  /** The upstream is asked that many milliseconds later. */
  | { readonly kind: 'slow'; readonly ms: number };

/** A request as it passes. */
export interface Passing {
  /** Counts from 1, over all that passed. */
  readonly number: number;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FaultProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** How many requests have arrived. */
  readonly count: number;
  /** Bytes of bodies that went to the upstream, and that came back. */
  readonly bytes: { readonly up: number; readonly down: number };
  /**
   * From now on each request meets this rule; those injected first are asked first, and the first fault counts. A rule
   * may wait: the request waits with it.
   * @returns takes the rule away again
   */
  inject(rule: (passing: Passing) => Fault | undefined | Promise<Fault | undefined>): () => void;
  /** From now on each request is told of once the upstream's whole answer is here, and waits for `listener` to be sent on. */
  afterwards(listener: (passing: Passing, status: number, body: Buffer) => void | Promise<void>): () => void;
  stop(): Promise<void>;
}

/** Requests beyond that many in a second are told 503, as an account of Azure's does that is asked too much. */
export function throttle(perSecond: number, now: () => number = Date.now): () => Fault | undefined {
  let second = 0;
  let taken = 0;
  return () => {
    const current = Math.floor(now() / 1000);
    if (current !== second) [second, taken] = [current, 0];
    return ++taken > perSecond ? SERVER_BUSY : undefined;
  };
}

/** What Azure Tables answers where it is overloaded. */
export const SERVER_BUSY: Fault = {
  kind: 'answer',
  status: 503,
  headers: { 'content-type': 'application/json' },
  body: '{"odata.error":{"code":"ServerBusy","message":{"lang":"en-US","value":"The server is busy."}}}',
};

/**
 * Stands before an upstream on loopback and lets through what no rule befalls.
 * @param upstream its port; `port` is the proxy's own, a free one unless given
 */
export async function startFaultProxy(upstream: () => number, port = 0): Promise<FaultProxy> {
  const rules = new Set<Parameters<FaultProxy['inject']>[0]>();
  const listeners = new Set<Parameters<FaultProxy['afterwards']>[0]>();
  const agent = new Agent({ keepAlive: true });
  const bytes = { up: 0, down: 0 };
  let count = 0;

  async function faultOf(passing: Passing): Promise<Fault | undefined> {
    for (const rule of rules) {
      const fault = await rule(passing);
      if (fault) return fault;
    }
    return undefined;
  }

  /** The upstream's whole answer. A kept connection that the upstream has just closed is no fault of anybody's: once more. */
  function ask({ method, path, body }: Passing, incoming: IncomingMessage) {
    bytes.up += body.length;
    const { promise, resolve, reject } = Promise.withResolvers<{ answer: IncomingMessage; body: Buffer }>();
    const options = { host: '127.0.0.1', port: upstream(), method, path, headers: [...incoming.rawHeaders] };
    const send = (through: Agent | false) => {
      const sent = request({ ...options, agent: through }, answer => {
        readAll(answer).then(whole => resolve({ answer, body: whole }), reject);
      });
      sent.on('error', error => (sent.reusedSocket && through ? send(false) : reject(error))).end(body);
    };
    send(agent);
    return promise;
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const passing: Passing = {
      number: ++count,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: incoming.headers,
      body: await readAll(incoming),
    };
    const fault = await faultOf(passing);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void incoming.socket.resetAndDestroy();
    if (fault?.kind === 'slow') await setTimeout(fault.ms);
    if (fault?.kind === 'answer' && !fault.done) return void answerWith(fault, outgoing);

    const { answer, body } = await ask(passing, incoming);
    for (const listener of listeners) await listener(passing, answer.statusCode ?? 0, body);
    if (fault?.kind === 'drop') {
      return void (fault.reset ? incoming.socket.resetAndDestroy() : incoming.socket.destroy());
    }
    if (fault?.kind === 'answer') return void answerWith(fault, outgoing);
    bytes.down += body.length;
    outgoing.writeHead(answer.statusCode ?? 502, withoutFraming(answer.rawHeaders)).end(body);
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    // Whoever asked may be gone, or the upstream be down: either way the connection ends.
    serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  const own = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${own}`,
    port: own,
    get count() {
      return count;
    },
    bytes,
    inject: rule => {
      rules.add(rule);
      return () => rules.delete(rule);
    },
    afterwards: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function answerWith(fault: Extract<Fault, { kind: 'answer' }>, outgoing: ServerResponse): void {
  outgoing.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? '');
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The body is sent on whole, so its framing is made anew. */
function withoutFraming(rawHeaders: readonly string[]): string[] {
  const framing = new Set(['transfer-encoding', 'content-length', 'connection', 'keep-alive']);
  return rawHeaders.filter((_, at) => !framing.has((rawHeaders[at - (at % 2)] ?? '').toLowerCase()));
}
