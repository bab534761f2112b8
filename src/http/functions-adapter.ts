import type { Cookie, HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';

type HttpResponseBody = NonNullable<HttpResponseInit['body']>;

import { describeError, type Logger } from '../log.ts';
import { drain, isHeadersKey } from './body.ts';
import type { Endpoint } from './endpoint.ts';
import { type Fault, programFault, toFault } from './faults.ts';
import { withCors } from './responses.ts';

/**
 * The one place that knows the Functions host. It meets the faults of its
 * streaming mode: it always answers, for a handler that throws is never
 * answered there; it refuses a query that would replace the request's headers;
 * and it hands cookies over as a list, for of several headers only the last
 * survives.
 */
export interface AdapterOptions {
  readonly log: (context: InvocationContext) => Logger;
  /** 32 hex digits for a request that brings no trace id. */
  readonly newCorrelationId: () => string;
  /** Whether the host streams; when it does not, a body sent in chunks arrives empty. */
  readonly streaming: boolean;
  /** Whether pages of any site may read what is answered for a fault: where the endpoint's own answers say so too. */
  readonly cors: boolean;
}

/** Makes a Functions handler of an endpoint, which is looked up at the first request so that the app starts fast. */
export function toHandler(endpoint: () => Promise<Endpoint> | Endpoint, options: AdapterOptions): HttpHandler {
  return async (request, context) => {
    const correlationId = traceId(request.headers) ?? options.newCorrelationId();
    const log = options.log(context).with({ correlation_id: correlationId, function: context.functionName });
    const answer = (fault: Fault) => (options.cors ? withCors(programFault(fault)) : programFault(fault));
    let response: Response;
    try {
      const web = toWebRequest(request);
      const refusal = refuseBeforeReading(web, options.streaming);
      response = refusal ? answer(refusal) : await (await endpoint())(web, { correlationId, log });
      await drain(web);
    } catch (error) {
      response = answer(toFault(error, log));
      await drain(request);
    }
    log.debug('answered', { method: request.method, path: pathOf(request.url), status: response.status });
    return toFunctionsResponse(response, correlationId, log);
  };
}

function toWebRequest(request: HttpRequest): Request {
  return new Request(request.url, {
    method: request.method,
    headers: new Headers(request.headers as unknown as Headers),
    ...(request.body ? { body: request.body as unknown as ReadableStream, duplex: 'half' } : {}),
  } as RequestInit);
}

/** Of a path's part, in a log; none of our own is longer. */
const LONGEST_PART = 30;

/** For the log: never the query, which holds codes; and long parts cut, for a path of nobody's may hold one too. */
function pathOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const parts = new URL(url).pathname.split('/');
  return parts.map(part => (part.length > LONGEST_PART ? `${part.slice(0, 8)}…` : part)).join('/');
}

/** Looked at before any header is: a query that names "headers" has replaced them. */
function refuseBeforeReading(request: Request, streaming: boolean): Fault | undefined {
  const query = new URL(request.url).searchParams;
  if ([...query.keys()].some(isHeadersKey)) {
    return { status: 400, what: 'The query has a key named "headers", which no request here has.' };
  }
  if (!streaming && request.headers.get('transfer-encoding')) {
    return { status: 411, what: 'Send the body with a Content-Length: this server does not take bodies in chunks.' };
  }
  return undefined;
}

/** The trace that a request belongs to (W3C Trace Context, section 3.2.2.3). */
function traceId(headers: { get(name: string): string | null }): string | undefined {
  const id = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(headers.get('traceparent') ?? '')?.[1];
  return id && !/^0+$/.test(id) ? id : undefined;
}

function toFunctionsResponse(response: Response, correlationId: string, log: Logger): HttpResponseInit {
  const headers = new Headers(response.headers);
  const cookies = headers.getSetCookie().map(toFunctionsCookie);
  headers.delete('set-cookie');
  headers.set('x-correlation-id', correlationId);
  return {
    status: response.status,
    headers: Object.fromEntries(headers),
    ...(cookies.length > 0 ? { cookies } : {}),
    ...(response.body ? { body: endingAtErrors(response.body, log) as unknown as HttpResponseBody } : {}),
  };
}

/** The library leaves the connection open when a response's stream fails: so it ends instead, and the log says why. */
function endingAtErrors(body: ReadableStream<Uint8Array>, log: Logger): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        log.error('answer cut short', { reason: describeError(error) });
        controller.close();
      }
    },
    cancel: reason => reader.cancel(reason),
  });
}

/** Reads a `Set-Cookie` of our own making. */
function toFunctionsCookie(header: string): Cookie {
  const [pair = '', ...attributes] = header.split('; ');
  const equals = pair.indexOf('=');
  const cookie: Cookie = { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
  for (const attribute of attributes) {
    const [name, value] = attribute.split('=');
    if (name === 'Path' && value) cookie.path = value;
    if (name === 'Max-Age') cookie.maxAge = Number(value);
    if (name === 'HttpOnly') cookie.httpOnly = true;
    if (name === 'Secure') cookie.secure = true;
    if (name === 'SameSite') cookie.sameSite = 'Lax';
  }
  return cookie;
}
