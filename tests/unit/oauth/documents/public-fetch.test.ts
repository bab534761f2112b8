import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type LookupFunction } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { UnavailableError } from '../../../../src/http/errors.ts';
import { ClientDocumentError } from '../../../../src/oauth/clients/documents/client-document-error.ts';
import { fetchJson } from '../../../../src/oauth/clients/documents/fetch-json.ts';
import {
  createPublicFetch,
  type FetchDocument,
  type PublicFetchOptions,
} from '../../../../src/oauth/clients/documents/public-fetch.ts';

/** A real https server on loopback, for `documents.example`, with a certificate of its own. */
let server: Server;
let ca: string;
let port: number;
let seen: IncomingMessage[];
let connections = 0;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  const folder = join(import.meta.dirname, '../../../fixtures/tls');
  ca = await readFile(join(folder, 'certificate.pem'), 'utf8');
  const key = await readFile(join(folder, 'key.pem'), 'utf8');
  server = createServer({ key, cert: ca }, (request, response) => {
    seen.push(request);
    answer(request, response);
  });
  server.on('connection', () => connections++);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => {
  seen = [];
  connections = 0;
  answer = (_request, response) => json(response, { hello: 'world' });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

function json(response: ServerResponse, body: unknown, status = 200, type = 'application/json') {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'max-age=60' }).end(JSON.stringify(body));
}

/** A name server of the test's: gives these addresses, whatever it is asked. */
function resolvesTo(...addresses: string[]): LookupFunction {
  return (_hostname, options, done) => {
    const found = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = found;
    if (options.all) done(null, found);
    else done(null, first?.address ?? '', first?.family);
  };
}

const url = (path = '/id') => `https://documents.example:${port}${path}`;
const options = (change: PublicFetchOptions = {}): PublicFetchOptions => ({
  lookup: resolvesTo('127.0.0.1'),
  ca,
  isAllowedAddress: () => true,
  ...change,
});
const read = (change: PublicFetchOptions = {}, path?: string) =>
  fetchJson(createPublicFetch(options(change)), url(path), { name: 'It', limit: 5_120 });

test('gets JSON, its headers with it, and sends nothing that it need not', async () => {
  const { json: body, headers } = await read();
  expect(body).toEqual({ hello: 'world' });
  expect(headers.get('cache-control')).toBe('max-age=60');
  expect(seen.map(({ method, url: path, headers: sent }) => [method, path, sent])).toEqual([
    [
      'GET',
      '/id',
      {
        host: `documents.example:${port}`,
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'entra-mcp',
        connection: 'close',
      },
    ],
  ]);
});

test('a +json type will do, with parameters', async () => {
  answer = (_request, response) => json(response, 1, 200, 'application/client-metadata+json; charset=utf-8');
  expect((await read()).json).toBe(1);
});

describe('an address that is not public', () => {
  test.each(['127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::'])(
    '%s, by the real rule: refused, nothing is connected to',
    async address => {
      const { isAllowedAddress: _any, ...rest } = options({ lookup: resolvesTo(address) });
      const fetching = fetchJson(createPublicFetch(rest), url(), { name: 'It', limit: 100 });
      await expect(fetching).rejects.toThrow(
        new ClientDocumentError('The host of the application’s document is not a public one'),
      );
      expect(connections).toBe(0);
    },
  );

  test('by the system’s own look-up and everything else as it is in the cloud', async () => {
    const fetching = fetchJson(createPublicFetch(), `https://localhost:${port}/id`, { name: 'It', limit: 100 });
    await expect(fetching).rejects.toThrow(
      new ClientDocumentError('The host of the application’s document is not a public one'),
    );
    expect(connections).toBe(0);
  });

  test('one of several that a name has is one too many', async () => {
    const { isAllowedAddress: _any, ...rest } = options({ lookup: resolvesTo('8.8.8.8', '127.0.0.1') });
    const fetching = fetchJson(createPublicFetch(rest), url(), { name: 'It', limit: 100 });
    await expect(fetching).rejects.toBeInstanceOf(ClientDocumentError);
    expect(connections).toBe(0);
  });

  test('a name that changes its mind between the look-up and the connection: not a byte is sent', async () => {
    const plain = createTcpServer();
    const received = new Promise<number>(resolve => {
      plain.on('connection', socket => {
        socket.on('data', () => socket.destroy());
        socket.on('error', () => {});
        socket.on('close', () => resolve(socket.bytesRead));
      });
    });
    await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve));
    const target = `https://documents.example:${(plain.address() as AddressInfo).port}/id`;
    let asked = 0;
    // Public when it is looked up, loopback when the socket is asked.
    const fetchDocument = createPublicFetch(options({ isAllowedAddress: () => ++asked === 1 }));
    const fetching = fetchJson(fetchDocument, target, { name: 'It', limit: 100 });
    await expect(fetching).rejects.toBeInstanceOf(ClientDocumentError);
    expect([asked, await received]).toEqual([2, 0]);
    plain.close();
  });
});

describe('an answer that is refused', () => {
  test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async status => {
    answer = (_request, response) => response.writeHead(status, { location: url('/elsewhere') }).end();
    await expect(read()).rejects.toThrow(new ClientDocumentError('It is a redirect, which is not followed'));
    expect(seen).toHaveLength(1);
  });

  test.each([201, 202, 204, 206, 400, 401, 403, 404, 410])('status %i', async status => {
    answer = (_request, response) => (status === 204 ? response.writeHead(204).end() : json(response, {}, status));
    await expect(read()).rejects.toThrow(new ClientDocumentError(`It was answered with status ${status}`));
  });

  test.each(['text/html', 'text/plain', 'application/jsonp', 'application/javascript', ''])('type "%s"', async type => {
    answer = (_request, response) => response.writeHead(200, { 'content-type': type }).end('{}');
    await expect(read()).rejects.toThrow(new ClientDocumentError('It is not served as JSON'));
  });

  test('5 KB will do, a byte more will not, and the rest of it is not waited for', async () => {
    answer = (_request, response) => json(response, 'x'.repeat(5_120 - 2));
    await expect(read()).resolves.toBeDefined();
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`"${'x'.repeat(5_120)}`);
    };
    await expect(read()).rejects.toThrow(new ClientDocumentError('It is longer than 5120 bytes'));
  });

  test.each([Buffer.from('{'), Buffer.from([0x22, 0xff, 0x22])])('what is not JSON in UTF-8', async body => {
    answer = (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    await expect(read()).rejects.toThrow(new ClientDocumentError('It is not JSON'));
  });
});

describe('no answer', () => {
  test.each([408, 429, 500, 502, 503])('status %i says "later"', async status => {
    answer = (_request, response) => json(response, {}, status);
    await expect(read()).rejects.toBeInstanceOf(UnavailableError);
  });

  test('a certificate that nobody trusts', async () => {
    const { ca: _untrusted, ...rest } = options();
    const fetching = fetchJson(createPublicFetch(rest), url(), { name: 'It', limit: 100 });
    await expect(fetching).rejects.toBeInstanceOf(UnavailableError);
    expect(seen).toHaveLength(0);
  });

  test('a name without addresses, and one that is not known', async () => {
    const unknown: LookupFunction = (_hostname, _options, done) => done(new Error('ENOTFOUND'), []);
    await expect(read({ lookup: unknown })).rejects.toBeInstanceOf(UnavailableError);
    await expect(read({ lookup: resolvesTo() })).rejects.toBeInstanceOf(ClientDocumentError);
  });

  test('a host that cuts the line half-way', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('"half', () => response.destroy());
    };
    await expect(read()).rejects.toBeInstanceOf(UnavailableError);
  });

  test.each(['before its headers', 'in its body'])(
    'a host that hangs %s is given up when the time is over',
    async at => {
      const late = new AbortController();
      answer = (_request, response) => {
        if (at === 'in its body') {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.write('"half', () => late.abort());
        } else late.abort();
      };
      const slow = createPublicFetch(options());
      const fetching = fetchJson(address => slow(address, late.signal), url(), { name: 'It', limit: 5_120 });
      await expect(fetching).rejects.toBeInstanceOf(UnavailableError);
    },
  );

  test('the time is 5 seconds in all', async () => {
    const { signal } = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(signal);
    const given: AbortSignal[] = [];
    const fetchDocument: FetchDocument = async (_url, its) => {
      given.push(its);
      return Response.json({});
    };
    await fetchJson(fetchDocument, url(), { name: 'It', limit: 99 });
    expect([timeout.mock.calls, given]).toEqual([[[5_000]], [signal]]);
    timeout.mockRestore();
  });
});
