/** Requests exactly as a client shapes them: no header but those that are given, besides Host and Connection. */
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface WireRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sends the body in chunks, without a Content-Length. */
  readonly chunked?: boolean | undefined;
}

/** Sends a request that `fetch` would dress up. */
export function send(
  url: string,
  { method = 'GET', headers = {}, body, chunked }: WireRequest = {},
): Promise<Response> {
  const length = body !== undefined && !chunked ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: { ...headers, ...length } }, incoming => {
      buffer(incoming).then(bytes => {
        const status = incoming.statusCode ?? 0;
        const isEmpty = bytes.length === 0 || status === 204;
        resolve(new Response(isEmpty ? null : bytes, { status, headers: incoming.headers as Record<string, string> }));
      }, reject);
    });
    outgoing.on('error', reject);
    if (body !== undefined && chunked) {
      const half = Math.ceil(body.length / 2);
      outgoing.write(body.slice(0, half));
      outgoing.end(body.slice(half));
    } else {
      outgoing.end(body);
    }
  });
}
