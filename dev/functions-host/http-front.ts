/** The host's HTTP server: what it answers by itself, its limits, and the way to the functions. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerBuffered } from './buffered.ts';
import { incoming } from './header-names.ts';
import { answerEmpty, type HttpCall, isChunked } from './http-call.ts';
import type { App } from './invocation.ts';
import { MAX_BODY, MAX_HEADERS, MAX_IDLE, MAX_URL, type TimeLimits } from './limits.ts';
import { inDetail, type Write, warn } from './log.ts';
import { readTarget } from './request-target.ts';
import { findFunction, type HttpFunction } from './routing.ts';
import { answerStreaming } from './streaming.ts';

/** What the front serves once the app has started. */
export interface Served {
  app: App;
  functions: readonly HttpFunction[];
  /** Whether `/` is the host's page where no function has it. */
  homepage: boolean;
  /** Runs a timer's function, whatever its schedule; undefined for a name that no timer has. */
  runTimer(name: string): Promise<void> | undefined;
}

export interface Front {
  server: Server;
  /** Until this is called, the answer is 503. */
  serve(served: Served): void;
  /** Resolves when every request that can still be answered has been. */
  settled(): Promise<void>;
}

/** Makes the server; it does not listen yet. */
export function createFront(options: { write: Write; limits: TimeLimits }): Front {
  const { write, limits } = options;
  let served: Served | undefined;
  const unanswered = new Set<ServerResponse>();
  const waiting: (() => void)[] = [];
  const settle = (response: ServerResponse) => {
    unanswered.delete(response);
    if (unanswered.size === 0) for (const done of waiting.splice(0)) done();
  };

  const server = createServer(
    { maxHeaderSize: MAX_HEADERS + MAX_URL, keepAliveTimeout: MAX_IDLE },
    (request, response) => {
      unanswered.add(response);
      const cut = setTimeout(() => {
        warn(
          write,
          `${request.method} ${pathOf(request)} is not answered to the end after ${limits.answer / 1000} s: cut off.`,
        );
        response.destroy();
      }, limits.answer);
      response.on('close', () => {
        clearTimeout(cut);
        settle(response);
      });
      handle(served, request, response, { write, lost: () => settle(response) }).catch(error => {
        warn(write, `this is a bug of the local host. ${inDetail(error)}`);
        response.destroy();
      });
    },
  );
  // As the real host's web server: a client may keep its connection for so long.
  server.keepAliveTimeout = 130_000;
  return {
    server,
    serve: ready => {
      served = ready;
    },
    settled: () => new Promise(resolve => (unanswered.size === 0 ? resolve() : waiting.push(resolve))),
  };
}

async function handle(
  served: Served | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  say: Pick<HttpCall, 'write' | 'lost'>,
): Promise<void> {
  if (!served) {
    response.writeHead(503, { 'Content-Type': 'text/plain' }).end('Function host is not running.');
    return;
  }
  const { host = '' } = request.headers;
  const target = readTarget(request.url ?? '');
  const headers = incoming(request.rawHeaders);
  if (typeof target === 'number') return answerEmpty(response, target);
  if (headers === undefined || !/^([\w.~!$&'()*+,;=%-]*|\[[\da-f:.]+\])(:\d+)?$/i.test(host)) {
    return answerEmpty(response, 400);
  }
  if (/^\/admin\//i.test(target.path)) return answerAdmin(served, request, response, target.path, say.write);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) {
    response.writeHead(500, { 'Content-Length': 0, Connection: 'close' }).end();
    return;
  }

  const found = findFunction(served.functions, request.method ?? '', target.path);
  if (!found) {
    if (target.path !== '/') return answerEmpty(response, 404);
    if (!served.homepage) return answerEmpty(response, 204);
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(homepage);
    return;
  }
  const body = await readDeclaredBody(request);
  if (body === 'cut') return;
  const call: HttpCall = { app: served.app, ...found, target, headers, body, request, response, ...say };
  const port = served.app.streamingPort;
  await (port === undefined ? answerBuffered(call) : answerStreaming(call, port));
}

const homepage =
  '<!doctype html><html lang="en"><title>Functions host</title>' +
  '<p>Your Functions app is up and running. AzureWebJobsDisableHomepage=true takes this page away.</p></html>';

function answerAdmin(served: Served, request: IncomingMessage, response: ServerResponse, path: string, write: Write) {
  const [, name] = /^\/admin\/functions\/([^/]+)\/?$/i.exec(path) ?? [];
  if (request.method !== 'POST' || name === undefined) return answerEmpty(response, 401);
  const running = served.runTimer(name);
  if (running === undefined) return answerEmpty(response, 404);
  running.catch(error => warn(write, inDetail(error)));
  answerEmpty(response, 202);
}

/**
 * A body whose length is told is read whole before the function hears of it; a chunked one is not touched.
 * @returns `cut` when the client went away before its end
 */
async function readDeclaredBody(request: IncomingMessage): Promise<Buffer | undefined | 'cut'> {
  if (isChunked(request) || Number(request.headers['content-length'] ?? 0) === 0) return undefined;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch (error) {
    if (!request.complete) return 'cut';
    throw error;
  }
  return Buffer.concat(chunks);
}

/** A query may hold secrets, and is in no log. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}
