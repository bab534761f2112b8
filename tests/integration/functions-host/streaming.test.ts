import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, buildFixture, chunks, type Fixture, type Run, run } from './fixture.ts';

const MIB = 1024 * 1024;

let fixture: Fixture;
let host: Run;
beforeAll(async () => {
  fixture = await buildFixture('echo.ts', { hostJson: { logging: { logLevel: { 'Function.logs': 'Debug' } } } });
  host = await run({ root: fixture.root, env: {} });
});
afterAll(async () => {
  await host?.stop();
  await fixture?.remove();
});

const echo = async (...[path, options]: Parameters<typeof ask> extends [unknown, ...infer Rest] ? Rest : never) =>
  (await ask(host, path, options)).json();

/** A request that is left open, and its response once that has begun. */
async function open(path: string, method = 'GET'): Promise<{ sent: ClientRequest; answer: IncomingMessage }> {
  const sent = request({ host: '127.0.0.1', port: host.port, path, method }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { sent, answer: answer.setEncoding('utf8') };
}

async function next(answer: IncomingMessage): Promise<string> {
  const [text] = await once(answer, 'data');
  return text as string;
}

describe('requests', () => {
  test('a chunked body is delivered', async () => {
    expect(await echo('/echo', { method: 'POST', body: chunks('one ', 'two') })).toMatchObject({ body: 'one two' });
  });

  test('a body is passed through while it is sent', async () => {
    const sent = request({ host: '127.0.0.1', port: host.port, path: '/count', method: 'POST' });
    sent.write('begin');
    await host.line(/the body has begun/);
    sent.end(' and end');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect(await next(answer.setEncoding('utf8'))).toBe('13');
  });

  test('a body that the client cuts short is not taken for a whole one', async () => {
    const sent = request({ host: '127.0.0.1', port: host.port, path: '/count', method: 'POST' });
    sent.on('error', () => {});
    const before = host.lines.length;
    sent.write('begin');
    await host.line(/the body has begun/, before);
    sent.destroy();
    await host.line(/the body was cut/);
  });

  test('nor is one whose length is told: the function does not hear of it', async () => {
    const sent = request({
      host: '127.0.0.1',
      port: host.port,
      path: '/count',
      method: 'POST',
      headers: { 'content-length': 10 },
    });
    sent.on('error', () => {});
    const before = host.lines.length;
    const gone = new Promise(resolve => sent.once('close', resolve));
    sent.write('begin', () => sent.destroy());
    await gone;
    expect(await ask(host, '/count', { method: 'POST', body: 'whole' })).toMatchObject({ body: '5' });
    // The lines come by another pipe than the answer.
    await host.line(/the body has begun/, before);
    expect(host.lines.slice(before)).toEqual(['the body has begun']);
  });

  test('a body has 100 MiB at most, told or chunked; beyond it is 500', async () => {
    async function* mebibytes(count: number) {
      const chunk = new Uint8Array(MIB);
      for (let sent = 0; sent < count; sent++) yield chunk;
    }
    expect(await ask(host, '/count', { method: 'POST', body: mebibytes(100) })).toMatchObject({ body: `${100 * MIB}` });
    expect(await ask(host, '/count', { method: 'POST', body: mebibytes(101) })).toMatchObject({
      status: 500,
      body: '',
    });
    const told = { 'content-length': String(100 * MIB + 1) };
    expect(await ask(host, '/count', { method: 'POST', headers: told })).toMatchObject({ status: 500, body: '' });
  });

  test('the query keeps every value', async () => {
    const seen = await echo('/echo?x=1&x=2');
    expect(seen.query).toEqual([
      ['x', '1'],
      ['x', '2'],
    ]);
  });

  test("the host part of the URL is the Host header's, and no other header's", async () => {
    const headers = { host: 'evil.example:81', 'x-forwarded-host': 'other.example', 'x-forwarded-proto': 'https' };
    const seen = await echo('/%2e/echo/a%2Fb?c=d%20e', { headers });
    expect(seen.url).toBe('http://evil.example:81/echo/a%2Fb?c=d%20e');
    expect(seen.headers).toMatchObject(headers);
  });

  test("parameters are polluted by the query's and a JSON body's keys, but the route's win", async () => {
    const body = '{"fromBody":"b","number":1,"yes":true,"none":null,"list":["l"],"object":{},"id":"body","q":"body"}';
    const seen = await echo('/echo/route?q=query&q=last&code=secret', { method: 'POST', body });
    expect(seen.params).toEqual({ fromBody: 'b', number: '1', yes: 'True', id: 'route', q: 'last' });
  });

  test('methods come as they are, without a body where a request has none', async () => {
    expect(await echo('/echo', { method: 'DELETE' })).toMatchObject({ method: 'DELETE', body: '' });
    expect(await echo('/echo', { method: 'POST' })).toMatchObject({ method: 'POST', body: '' });
    expect(await ask(host, '/echo', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });
});

describe('responses', () => {
  test('stream, event by event', async () => {
    const { answer } = await open('/events');
    expect(await next(answer)).toBe('data: first\n\n');
    const second = next(answer);
    await ask(host, '/more');
    expect(await second).toBe('data: more\n\n');
    const end = once(answer, 'end');
    await ask(host, '/last');
    await end;
  });

  test('a client that has gone is not noticed', async () => {
    const { sent, answer } = await open('/events');
    await next(answer);
    answer.on('error', () => {});
    const gone = once(sent, 'close');
    sent.destroy();
    await gone;
    for (let n = 0; n < 10; n++) expect(await ask(host, '/more')).toMatchObject({ body: 'sent' });
    expect(await ask(host, '/last')).toMatchObject({ body: 'ended' });
    expect(host.lines).not.toContain('the stream was cancelled');
  });

  test('of several Set-Cookie headers the last one survives', async () => {
    const { headers, status, body } = await ask(host, '/headersOut');
    expect({ status, body }).toEqual({ status: 200, body: 'ok' });
    expect(headers['set-cookie']).toEqual(['second=2']);
  });

  test('the cookies array keeps all, with encoded values, and beats the header', async () => {
    const { headers } = await ask(host, '/cookiesOut');
    expect(headers['set-cookie']).toEqual(['one=x%20y%3D; Path=/; HttpOnly; SameSite=Lax', 'two=b']);
  });

  test('header names other than the standard ones come out in lower case; the invocation has an id', async () => {
    const { rawHeaders } = await ask(host, '/headersOut');
    const names = rawHeaders.filter((_, index) => index % 2 === 0);
    expect(names).toEqual(
      expect.arrayContaining(['Content-Type', 'Set-Cookie', 'X-Frame-Options', 'x-custom', 'x-ms-invocation-id']),
    );
    expect(rawHeaders[names.indexOf('Connection') * 2 + 1]).toBe('keep-alive');
  });

  test('a Response of the platform may be returned', async () => {
    const answer = await ask(host, '/webResponse');
    expect(answer).toMatchObject({ status: 201, body: 'made by the platform' });
    expect(answer.headers['x-made']).toBe('yes');
    expect(await ask(host, '/noContent')).toMatchObject({ status: 204, body: '' });
  });
});

test("logs: host.json's levels, the console, and the request's trace", async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const answer = await ask(host, '/logs', { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
  expect(answer.body).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  await host.line(/^a debug message$/);
  await host.line(/^a message \{ with: 'fields' \}$/);
  await host.line(/^an error message$/);
  await host.line(/^from the console$/);
});

test("the library's own server listens on loopback only", async () => {
  await host.line(/^listens on /);
  expect(host.lines.filter(line => line.startsWith('listens on '))).toEqual(['listens on 127.0.0.1']);
});

describe('what is never answered', () => {
  let hasty: Run;
  beforeAll(async () => {
    hasty = await run({ root: fixture.root, env: {}, limits: { answer: 300 } });
  });
  afterAll(() => hasty?.stop());

  test('is cut off at the limit, and told to the developer', async () => {
    const header = { 'x-ms-invocation-id': '00000000-0000-0000-0000-000000000000' };
    const hanging = await Promise.allSettled([
      ask(hasty, '/throws'),
      ask(hasty, '/nothing'),
      ask(hasty, '/slow'),
      ask(hasty, '/breaks'),
      ask(hasty, '/echo', { headers: header }),
      ask(hasty, '/echo', { headers: { 'x-name': Buffer.from('€').toString('latin1') } }),
      ask(hasty, '/echo?Headers={"bad%20name":"x"}'),
    ]);
    expect(hanging.map(({ status }) => status)).toEqual(Array(7).fill('rejected'));
    await hasty.line(/"throws" failed\. In the streaming mode the real host never answers.*thrown by the handler/);
    await hasty.line(/"nothing" returned nothing\. In the streaming mode the real host never answers/);
    await hasty.line(/"breaks" failed.*the stream broke/);
    await hasty.line(/brings its own x-ms-invocation-id/);
    await hasty.line(/GET \/slow is not answered to the end after 0\.3 s: cut off/);
    expect(hasty.lines.join()).not.toContain('bad%20name');
  });
});

test('what is never answered does not keep the host from stopping', async () => {
  const other = await run({ root: fixture.root, env: {} });
  const hanging = expect(ask(other, '/throws')).rejects.toThrow();
  await other.line(/"throws" failed/);
  await other.stop();
  await hanging;
});
