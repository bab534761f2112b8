/**
 * The streaming mode: the library has an HTTP server of its own, and the request is forwarded there under the id of
 * the invocation. Response and errors are the library's: where it does not answer, nobody does.
 */
import { randomUUID } from 'node:crypto';
import { Agent, type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import { outgoing } from './header-names.ts';
import { answerEmpty, type HttpCall, isChunked } from './http-call.ts';
import { invoke } from './invocation.ts';
import { MAX_BODY } from './limits.ts';
import { inDetail, warn } from './log.ts';
import { triggerMetadata } from './trigger-metadata.ts';

const idHeader = 'x-ms-invocation-id';
const agent = new Agent({ keepAlive: true });

/** Runs the function and passes request and response through. Resolves when the function has ended. */
export async function answerStreaming(call: HttpCall, port: number): Promise<void> {
  const { called, request, write } = call;
  const id = randomUUID();
  const brought = request.headers[idHeader]?.toString();
  if (brought !== undefined) {
    warn(
      write,
      `a request for "${called.name}" brings its own ${idHeader}. The real host forwards it under that id, so that the` +
        ' function never runs and the request is never answered.',
    );
    call.lost();
  }
  forward(call, port, brought ?? id);

  const outcome = await invoke(
    call.app,
    {
      id,
      called,
      input: { http: {} },
      triggerMetadata: triggerMetadata({
        headers: call.headers,
        query: call.target.query,
        params: call.params,
        body: call.body,
      }),
      traceparent: request.headers.traceparent?.toString(),
      tracestate: request.headers.tracestate?.toString(),
    },
    write,
  );
  const hangs = 'In the streaming mode the real host never answers then: the client waits until it is cut off.';
  if (outcome.failed) {
    warn(write, `the function "${called.name}" failed. ${hangs} Catch what it throws. ${inDetail(outcome.error)}`);
    call.lost();
  } else if (outcome.result === undefined || outcome.result === null) {
    warn(write, `the function "${called.name}" returned nothing. ${hangs} Return a response.`);
    call.lost();
  }
}

function forward(call: HttpCall, port: number, id: string): void {
  const { body, request, response, target } = call;
  const upstream = send({
    agent,
    host: '127.0.0.1',
    port,
    method: request.method,
    path: target.url,
    headers: {
      'x-forwarded-host': request.headers.host ?? '',
      'x-forwarded-proto': 'http',
      [idHeader]: id,
      ...(body && { 'content-length': body.length }),
      ...(isChunked(request) && { 'transfer-encoding': 'chunked' }),
    },
  });
  upstream.on('response', answer => passOn(answer, call));
  upstream.on('error', error => {
    if (response.headersSent || response.destroyed) return void response.destroy();
    warn(call.write, `the request could not be forwarded to the library: ${error.message}`);
    answerEmpty(response, 502);
  });
  if (isChunked(request)) streamBody(call, upstream);
  else upstream.end(body);
}

/** Nothing of the body is kept; what is cut short by the client, or too long, is cut short for the function too. */
function streamBody({ request, response }: HttpCall, upstream: ClientRequest): void {
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_BODY) {
      upstream.destroy();
      request.pause();
      if (!response.headersSent) response.writeHead(500, { 'Content-Length': 0, Connection: 'close' }).end();
    } else if (!upstream.write(chunk)) {
      request.pause();
    }
  });
  upstream.on('drain', () => request.resume());
  request.on('end', () => upstream.end());
  request.on('close', () => {
    if (!request.complete) upstream.destroy();
  });
}

/** A client that has gone is not noticed: the function's stream is read to its end all the same. */
function passOn(answer: IncomingMessage, { response }: HttpCall): void {
  if (!response.destroyed) {
    response.writeHead(answer.statusCode ?? 500, outgoing(answer.rawHeaders));
    response.flushHeaders();
  }
  response.on('drain', () => answer.resume());
  response.on('close', () => answer.resume());
  answer.on('data', (chunk: Buffer) => {
    if (!response.destroyed && !response.write(chunk)) answer.pause();
  });
  answer.on('end', () => response.end());
  answer.on('error', () => response.destroy());
}
