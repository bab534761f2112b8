/** One HTTP request on its way to a function: what the two modes have in common. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from './invocation.ts';
import type { Write } from './log.ts';
import type { Target } from './request-target.ts';
import type { HttpFunction } from './routing.ts';

export interface HttpCall {
  app: App;
  called: HttpFunction;
  /** The route's parameters. */
  params: Record<string, string>;
  target: Target;
  /** The request's, as the host tells them. */
  headers: Record<string, string>;
  /** Absent without a body, and when it is chunked: then it can be read from `request`. */
  body: Buffer | undefined;
  request: IncomingMessage;
  response: ServerResponse;
  write: Write;
  /** Says that this request will never be answered. Its connection is cut at the limit. */
  lost(): void;
}

/** The status alone. */
export function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'Content-Length': 0 }).end();
}

export function isChunked(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined;
}
