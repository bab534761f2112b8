/** The default mode: request and response travel whole, as messages; a chunked body does not travel at all. */
import { randomUUID } from 'node:crypto';
import { outgoing } from './header-names.ts';
import { answerEmpty, type HttpCall } from './http-call.ts';
import { invoke } from './invocation.ts';
import { inDetail, warn } from './log.ts';
import type { CookieData, HttpResponseData } from './rpc.ts';
import { queryOf } from './trigger-metadata.ts';

/** Runs the function and answers with what it returned. */
export async function answerBuffered(call: HttpCall): Promise<void> {
  const { headers, request, response } = call;
  const outcome = await invoke(
    call.app,
    {
      id: randomUUID(),
      called: call.called,
      input: {
        http: {
          url: `http://${request.headers.host ?? ''}${call.target.url}`,
          method: request.method ?? '',
          nullableHeaders: nullable(headers, name => name.toLowerCase()),
          nullableQuery: nullable(queryOf(call.target.query, values => values.join(','))),
          nullableParams: nullable(call.params),
          ...(call.body && { body: { bytes: call.body } }),
        },
      },
      traceparent: request.headers.traceparent?.toString(),
      tracestate: request.headers.tracestate?.toString(),
    },
    call.write,
  );
  if (outcome.failed) {
    warn(call.write, `the function "${call.called.name}" failed, so the answer is 500. ${inDetail(outcome.error)}`);
    return answerEmpty(response, 500);
  }
  const http = outcome.returnValue?.http as HttpResponseData | undefined;
  if (!http) return answerEmpty(response, 204);
  send(call, http);
}

function send({ response }: HttpCall, http: HttpResponseData): void {
  const status = Number(http.statusCode);
  const body = http.body?.bytes ?? new Uint8Array();
  const headers = outgoing(Object.entries(http.headers).flat());
  const cookies = http.cookies.flatMap(cookie => ['Set-Cookie', setCookie(cookie)]);
  const length = [204, 304].includes(status) ? [] : ['Content-Length', String(body.byteLength)];
  const without = headers.filter((_, at) => headers[at - (at % 2)] !== 'Content-Length');
  response.writeHead(status, [...without, ...cookies, ...length]).end(body);
}

function nullable(values: Record<string, string>, rename = (name: string) => name) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [rename(name), { value }]));
}

/** A cookie as ASP.NET Core writes it: its path is `/` unless it has one. */
function setCookie(cookie: CookieData): string {
  const parts = [`${escapeData(cookie.name)}=${escapeData(cookie.value)}`];
  const expires = cookie.expires?.value;
  if (expires) parts.push(`expires=${new Date(expires.seconds * 1000).toUTCString()}`);
  const maxAge = cookie.maxAge?.value;
  if (maxAge !== undefined && maxAge !== null) parts.push(`max-age=${Math.trunc(maxAge)}`);
  if (cookie.domain?.value) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value ?? '/'}`);
  if (cookie.secure?.value) parts.push('secure');
  if (cookie.sameSite !== 'none') parts.push(`samesite=${cookie.sameSite.replace('explicitNone', 'none')}`);
  if (cookie.httpOnly?.value) parts.push('httponly');
  return parts.join('; ');
}

/** Everything but RFC 3986's unreserved characters. */
function escapeData(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, found => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
