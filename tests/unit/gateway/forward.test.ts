/** What a server behind the gateway may take at the most, with servers that take all of it. */
import { createHash } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import type { AccessToken } from '../../../src/access/access-token.ts';
import { createForwarder } from '../../../src/gateway/forward.ts';
import { createKeyRing } from '../../../src/keys/key-ring.ts';
import { parseSecrets } from '../../../src/keys/secret.ts';
import { createLogger } from '../../../src/log.ts';

const keys = createKeyRing(parseSecrets(createHash('sha256').update('a key').digest('base64url')));
const context = { correlationId: 'c', log: createLogger('error', () => {}) };

function tokenOf(oid: string): AccessToken {
  return {
    ...{ person: { tid: 'tenant', oid }, clientId: 'client', grantId: 'grant', tokenId: 'token' },
    ...{ resource: 'https://mcp.example/wiki/mcp', scopes: ['wiki:use'], roles: [] },
    ...{ signedInAt: 0, issuedAt: 0, expiresAt: 3600 },
  };
}

/** The way to a server that answers so. */
function forwarder(answer: (signal: AbortSignal) => Promise<Response>) {
  const forward = createForwarder(
    { name: 'wiki', url: 'https://wiki.example/mcp', resource: 'https://mcp.example/wiki/mcp', scopes: [], tools: {} },
    {
      issuer: 'https://mcp.example',
      keys: () => keys,
      random: length => Buffer.alloc(length, 1),
      now: () => 0,
      fetch: (_url, init) => answer(init?.signal ?? new AbortController().signal),
      record: async () => {},
      timeoutMs: 1_000_000,
      maxBytes: 4096,
    },
  );
  const sent = { url: 'https://mcp.example/wiki/mcp', accept: 'application/json, text/event-stream' };
  return {
    call: (oid: string) => {
      const message = { jsonrpc: '2.0', id: 1, method: 'ping' };
      const request = new Request(sent.url, { method: 'POST', body: JSON.stringify(message) });
      return forward(request, tokenOf(oid), context);
    },
    listen: (oid: string) =>
      forward(new Request(sent.url, { headers: { accept: sent.accept } }), tokenOf(oid), context),
  };
}

const silent = (signal: AbortSignal) =>
  new Promise<Response>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

afterEach(() => vi.useRealTimers());

test('an answer and a stream end after 200 seconds, before the platform cuts them', async () => {
  vi.useFakeTimers();
  let close: ((signal: AbortSignal) => void) | undefined;
  const streaming = async (signal: AbortSignal) => {
    const body = new ReadableStream({
      start: controller => {
        controller.enqueue(new TextEncoder().encode(': \n\n'));
        close = () => controller.error(signal.reason);
        signal.addEventListener('abort', () => close?.(signal));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  const answer = forwarder(silent).call('ada');
  const stream = (await forwarder(streaming).listen('ada')).text();
  const ended: string[] = [];
  void answer.then(() => ended.push('answer'));
  void stream.then(
    () => ended.push('stream'),
    () => ended.push('stream'),
  );
  await vi.advanceTimersByTimeAsync(199_000);
  expect(ended).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(ended.sort()).toEqual(['answer', 'stream']);
  expect((await answer).status).toBe(504);
});

/** Sends as many as have a place, and one more: its answer, or that it was let in. */
async function oneMore(kind: 'call' | 'listen', persons: readonly string[], more: string) {
  let begun = 0;
  let letIn = () => {};
  const tooMany = new Promise<'let in'>(resolve => {
    letIn = () => resolve('let in');
  });
  const { [kind]: send } = forwarder(signal => {
    begun += 1;
    if (begun > persons.length) letIn();
    return silent(signal);
  });
  for (const person of persons) void send(person);
  await vi.waitFor(() => expect(begun).toBe(persons.length));
  return Promise.race([send(more), tooMany]);
}

test.each([
  ['calls', 'call', 64, 16],
  ['streams to listen', 'listen', 256, 32],
] as const)('so many %s are under way at once, and so many of one person', async (_what, kind, all, each) => {
  const everybody = Array.from({ length: all }, (_, n) => `person ${n % (all / each)}`);
  const grace = Array.from({ length: each }, () => 'grace');
  for (const refused of [await oneMore(kind, everybody, 'grace'), await oneMore(kind, grace, 'grace')]) {
    expect(refused).toMatchObject({ status: 503 });
  }
  expect(await oneMore(kind, grace, 'ada')).toBe('let in');
});
