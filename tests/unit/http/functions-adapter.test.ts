import { HttpRequest, InvocationContext } from '@azure/functions';
import { describe, expect, test, vi } from 'vitest';
import type { Endpoint } from '../../../src/http/endpoint.ts';
import { BadRequestError, UnavailableError } from '../../../src/http/errors.ts';
import { toHandler } from '../../../src/http/functions-adapter.ts';
import { createLogger } from '../../../src/log.ts';

async function call(endpoint: Endpoint, init: ConstructorParameters<typeof HttpRequest>[0] = {}, streaming = true) {
  const lines: string[] = [];
  const handler = toHandler(() => endpoint, {
    log: () => createLogger('debug', (_level, line) => lines.push(line)),
    newCorrelationId: () => 'a'.repeat(32),
    streaming,
    cors: true,
  });
  const request = new HttpRequest({ url: 'http://localhost/x', method: 'GET', ...init });
  const answer = await handler(request, new InvocationContext({ functionName: 'f' }));
  if (!answer || answer instanceof Response) throw new Error('no plain answer');
  return { answer: answer as Exclude<typeof answer, Response>, lines };
}

const ok: Endpoint = async () => new Response('fine');

describe('it always answers, for the streaming mode never answers a handler that throws', () => {
  test.each([
    [new Error('secret detail'), 500, 'server_error'],
    ['not even an error', 500, 'server_error'],
    [new BadRequestError('Too long.', 413), 413, 'invalid_request'],
    [new UnavailableError('storage', new Error('secret detail')), 503, 'temporarily_unavailable'],
  ])('%s is %i', async (error, status, code) => {
    const { answer } = await call(async () => {
      throw error;
    });
    expect(answer.status).toBe(status);
    const text = await new Response(answer.body as ReadableStream).text();
    expect(JSON.parse(text)).toMatchObject({ error: code });
    expect(text).not.toContain('secret detail');
    if (status === 503) expect(answer.headers).toMatchObject({ 'retry-after': '5' });
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*' });
  });

  test('so too when the endpoint’s code cannot be loaded', async () => {
    const handler = toHandler(() => Promise.reject(new Error('gone')), {
      log: () => createLogger('error', () => {}),
      newCorrelationId: () => 'a'.repeat(32),
      streaming: true,
      cors: false,
    });
    const answer = await handler(
      new HttpRequest({ url: 'http://localhost/x', method: 'GET' }),
      new InvocationContext(),
    );
    expect(answer).toMatchObject({ status: 500 });
  });
});

describe('headers that were replaced', () => {
  test.each(['Headers', 'headers', 'HEADERS', '%48eaders', '%68%65%61%64%65%72%73', 'a=1&heAders'])(
    'a query with %s is 400 before any header is looked at',
    async key => {
      let reached = false;
      const { answer } = await call(
        async () => {
          reached = true;
          return new Response();
        },
        { url: `http://localhost/x?${key}={}`, headers: { cookie: 'forged' } },
      );
      expect([answer.status, reached]).toEqual([400, false]);
    },
  );

  test.each(['Headers%5B%5D', 'Headers.x', 'Head+ers', 'xheaders'])(
    '%s does not replace them, and is served',
    async key => {
      expect((await call(ok, { url: `http://localhost/x?${key}=1` })).answer.status).toBe(200);
    },
  );
});

test('a body in chunks is 411 where the host buffers, for it would arrive empty', async () => {
  const chunked = { method: 'POST', headers: { 'transfer-encoding': 'chunked' } };
  expect((await call(ok, chunked, false)).answer.status).toBe(411);
  expect((await call(ok, chunked, true)).answer.status).toBe(200);
});

test('an answer whose stream fails ends, for the library would leave its connection open', async () => {
  let sent = 0;
  const failing = new ReadableStream({
    pull(controller) {
      sent += 1;
      if (sent === 1) controller.enqueue(Buffer.from('first'));
      else controller.error(new Error('broken'));
    },
  });
  const { answer, lines } = await call(async () => new Response(failing));
  expect(await new Response(answer.body as ReadableStream).text()).toBe('first');
  expect(lines.join()).toContain('broken');
});

describe('a body that an endpoint leaves', () => {
  const post = (body: ReadableStream) =>
    call(async () => new Response('refused', { status: 401 }), {
      nativeRequest: new Request('http://localhost/x', { method: 'POST', body, duplex: 'half' } as RequestInit),
    } as never);

  test('is read to its end before the answer goes out', async () => {
    let left = 100;
    const body = new ReadableStream({
      pull(controller) {
        left -= 1;
        if (left === 0) controller.close();
        else controller.enqueue(new Uint8Array(65_536));
      },
    });
    expect((await post(body)).answer.status).toBe(401);
    expect(left).toBe(0);
  });

  test('is given up after five seconds when it has none', async () => {
    vi.useFakeTimers();
    try {
      const answered = post(new ReadableStream({ pull: () => new Promise(() => {}) }));
      await vi.advanceTimersByTimeAsync(5_000);
      expect((await answered).answer.status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });
});

test('cookies go out as a list, with their attributes', async () => {
  const { answer } = await call(async () => {
    const headers = new Headers();
    headers.append('set-cookie', '__Host-a=x.y; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure');
    headers.append('set-cookie', 'b=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax');
    return new Response(null, { headers });
  });
  expect(answer.headers).not.toHaveProperty('set-cookie');
  expect(answer.cookies).toEqual([
    { name: '__Host-a', value: 'x.y', path: '/', maxAge: 60, httpOnly: true, secure: true, sameSite: 'Lax' },
    { name: 'b', value: '', path: '/', maxAge: 0, httpOnly: true, sameSite: 'Lax' },
  ]);
});

describe('the correlation id', () => {
  const echo: Endpoint = async (_request, { correlationId }) => new Response(correlationId);
  const text = async (headers: Record<string, string>) => {
    const { answer } = await call(echo, { headers });
    return [
      await new Response(answer.body as ReadableStream).text(),
      (answer.headers as Record<string, string>)['x-correlation-id'],
    ];
  };

  test('is the trace’s where there is one', async () => {
    const id = '0af7651916cd43dd8448eb211c80319c';
    expect(await text({ traceparent: `00-${id}-b7ad6b7169203331-01` })).toEqual([id, id]);
  });

  test.each(['', 'junk', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, '00-<script>-b7ad6b7169203331-01'])(
    'is new for the traceparent "%s"',
    async traceparent => {
      expect(await text({ traceparent })).toEqual(['a'.repeat(32), 'a'.repeat(32)]);
    },
  );
});

test('the log tells the path, never the query', async () => {
  const { lines } = await call(ok, { url: 'http://localhost/auth/callback?code=SECRET' });
  expect(lines.join()).toContain('/auth/callback');
  expect(lines.join()).not.toContain('SECRET');
});

test('the log names the path without its query, and cuts a part that no path of ours has', async () => {
  const secret = 'ac.secret-of-somebody-in-the-wrong-place';
  const { lines } = await call(ok, { url: `http://localhost/.well-known/oauth-authorization-server/${secret}?code=x` });
  expect(lines.map(line => JSON.parse(line).path)).toEqual(['/.well-known/oauth-authorization-server/ac.secre…']);
});
