import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, buildFixture, chunks, type Fixture, type Run, run } from './fixture.ts';

let fixture: Fixture;
let host: Run;
beforeAll(async () => {
  fixture = await buildFixture('echo.ts');
  host = await run({ root: fixture.root, env: { HTTP_STREAMING: 'false' } });
});
afterAll(async () => {
  await host?.stop();
  await fixture?.remove();
});

test('a chunked body arrives empty, and a told one whole', async () => {
  const bytes = Buffer.from([...Array(256).keys()]);
  expect((await ask(host, '/echo', { method: 'POST', body: chunks('one', 'two') })).json()).toMatchObject({ body: '' });
  expect((await ask(host, '/echo', { method: 'POST', body: 'one' })).json()).toMatchObject({ body: 'one' });
  expect(await ask(host, '/count', { method: 'POST', body: bytes })).toMatchObject({ status: 200, body: '256' });
});

test('a stream is answered at its end, whole', async () => {
  const sent = request({ host: '127.0.0.1', port: host.port, path: '/events' }).end();
  let answered = false;
  sent.once('response', () => {
    answered = true;
  });
  await host.line(/the stream has begun/);
  await ask(host, '/more');
  expect(answered).toBe(false);
  const response = once(sent, 'response');
  await ask(host, '/last');
  const [answer] = (await response) as [IncomingMessage];
  expect((await answer.setEncoding('utf8').toArray()).join('')).toBe('data: first\n\ndata: more\n\n');
});

test('several values of the query are joined, and the URL keeps them', async () => {
  const seen = (await ask(host, '/echo?x=1&x=2&y=%20')).json();
  expect(seen.query).toEqual([
    ['x', '1,2'],
    ['y', ' '],
  ]);
  expect(seen.url).toBe(`http://127.0.0.1:${host.port}/echo?x=1&x=2&y=%20`);
});

test('a handler that throws is 500 and empty, one that returns nothing 204', async () => {
  expect(await ask(host, '/throws')).toMatchObject({ status: 500, body: '' });
  await host.line(/"throws" failed, so the answer is 500.*thrown by the handler/);
  expect(await ask(host, '/nothing')).toMatchObject({ status: 204, body: '' });
});

test('of several Set-Cookie headers the last one survives; the cookies array keeps all, encoded', async () => {
  const { headers } = await ask(host, '/headersOut');
  expect(headers['set-cookie']).toEqual(['second=2']);
  expect(headers['x-ms-invocation-id']).toBeUndefined();
  expect((await ask(host, '/cookiesOut')).headers['set-cookie']).toEqual([
    'lost=1',
    'one=x%20y%3D; path=/; samesite=lax; httponly',
    'two=b; path=/',
  ]);
});

test("the request's headers and the route's parameters are what they are", async () => {
  const body = '{"Headers":{"Cookie":"theirs"},"x":"y"}';
  const headers = { cookie: 'mine', host: 'named.example' };
  const seen = (await ask(host, '/echo/5?Headers={}&z=1', { method: 'POST', headers, body })).json();
  expect(seen.headers).toMatchObject(headers);
  expect(seen.params).toEqual({ id: '5' });
  expect(seen.url).toBe('http://named.example/echo/5?Headers={}&z=1');
});

test('a Response of the platform may be returned', async () => {
  expect(await ask(host, '/webResponse')).toMatchObject({ status: 201, body: 'made by the platform' });
  expect(await ask(host, '/noContent')).toMatchObject({ status: 204, body: '' });
  expect(await ask(host, '/echo', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});
