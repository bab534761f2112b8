import { connect as connectSocket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  authorizationUrl,
  backAtClient,
  type Client,
  callTool,
  connect,
  REDIRECT_URI,
  register,
} from '../support/flows.ts';

/** Line ends and odd characters in everything that comes back in a header, on a page or in the log. */
let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
});
afterAll(() => server.stop());

const SPLITS = [
  'x\r\nSet-Cookie: evil=1',
  'x\nSet-Cookie: evil=1',
  'x\rSet-Cookie: evil=1',
  'x\r\n\r\n<script>alert(1)</script>',
  'x\u0085Set-Cookie: evil=1',
  'x\u2028Set-Cookie: evil=1',
  // Characters whose low byte is a line end, where somebody writes them as Latin-1.
  '\u010d\u010aSet-Cookie: evil=1',
  '\u560d\u560aSet-Cookie: evil=1',
  '%0d%0aSet-Cookie:%20evil=1',
  '%250d%250aSet-Cookie: evil=1',
  '\0',
  '"><script>alert(1)</script>',
  '😀 ünïcode \u202e\u200b',
];

/** The head of an answer as it came over the wire, line by line. */
function headOf(path: string, headers: Record<string, string> = {}): Promise<string[]> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connectSocket(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname, () => {
      const lines = Object.entries({ host: new URL(server.origin).host, connection: 'close', ...headers });
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    });
    socket.setEncoding('latin1');
    socket.on('data', chunk => {
      received += chunk;
    });
    socket.on('end', () => resolve((received.split('\r\n\r\n')[0] ?? '').split('\r\n')));
    socket.on('error', reject);
  });
}

describe('a state', () => {
  test.each(SPLITS)('%j comes back as it was, and in no header but the one', async state => {
    const browser = new Browser();
    const page = await browser.open(authorizationUrl(server, client, { state }).url);
    expect(page.html).not.toContain('<script>alert');
    const { status, location, cookies } = await deny(browser, page.html);
    expect([status, cookies]).toEqual([303, []]);
    expect(location).toMatch(/^[\x21-\x7e]+$/);
    expect(new URL(location).searchParams.get('state')).toBe(state);
    expect(new URL(location).searchParams.get('error')).toBe('access_denied');
  });

  test('of a lone surrogate, or of bytes that are no UTF-8, is no fault of ours', async () => {
    const { url } = authorizationUrl(server, client, { state: undefined });
    for (const state of ['%ED%A0%80', '%FF', '%C0%80', '%', '%zz', '%u000d']) {
      expect((await fetch(`${url}&state=${state}`)).status).toBe(200);
    }
  });

  async function deny(browser: Browser, html: string) {
    const response = await fetch(`${server.origin}/oauth/consent`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: browser.cookies.header(new URL(server.origin), false, true) ?? '',
        'sec-fetch-site': 'same-origin',
      },
      body: new URLSearchParams({ request: /name="request" value="([^"]+)"/.exec(html)?.[1] ?? '', decision: 'deny' }),
    });
    const location = response.headers.get('location') ?? '';
    return { status: response.status, location, cookies: response.headers.getSetCookie() };
  }
});

describe('what is refused', () => {
  test.each(['redirect_uri', 'client_id', 'resource', 'scope', 'prompt', 'login_hint', 'response_type', 'max_age'])(
    'because of a strange %s makes no header and no markup',
    async name => {
      for (const value of SPLITS) {
        const path = authorizationUrl(server, client, { [name]: value }).url.slice(server.origin.length);
        const head = await headOf(path, { accept: 'text/html' });
        expect(head[0]).toMatch(/^HTTP\/1\.1 (200|400) /);
        expect(head.filter(line => /evil|script/i.test(line))).toEqual([]);
        for (const line of head) expect(line).toMatch(/^[\x20-\x7e]+$/);
        const text = await (await fetch(server.origin + path)).text();
        expect(text).not.toContain('<script>alert');
      }
    },
  );

  test('by Entra, in its own words, comes back in plain ASCII without any of them', async () => {
    for (const words of SPLITS) {
      const browser = new Browser();
      const page = await browser.open(authorizationUrl(server, client).url);
      const stopAt = (url: string) => url.startsWith(server.entra.url);
      const entra = await browser.submit(page, { button: 'decision=approve', stopAt });
      const query = new URLSearchParams({
        state: new URL(entra.url).searchParams.get('state') ?? '',
        error: words,
        error_description: words,
      });
      const back = new URL(
        (await browser.open(`${server.origin}/auth/callback?${query}`, { stopAt: backAtClient })).url,
      );
      expect(back.searchParams.get('error')).toBe('server_error');
      expect(back.searchParams.get('error_description')).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
      expect(back.href).not.toMatch(/evil|alert/);
    }
  });

  test('by the token endpoint says so in the characters that RFC 6749 allows', async () => {
    for (const value of SPLITS) {
      for (const name of ['grant_type', 'client_id', 'code', 'resource', 'code_verifier']) {
        const response = await fetch(`${server.origin}/oauth/token`, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'authorization_code',
            client_id: client.client_id,
            code: 'x',
            [name]: value,
          }),
        });
        const { error, error_description } = (await response.json()) as Record<string, string>;
        expect(`${error} ${error_description}`).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
        expect(JSON.stringify(Object.fromEntries(response.headers))).not.toContain('evil');
      }
    }
  });

  test('at registration: names and addresses with characters that cannot be seen', async () => {
    for (const value of SPLITS.filter(each => /[\p{Cc}\p{Cf}\p{Zl}]/u.test(each))) {
      for (const change of [{ client_name: value }, { redirect_uris: [`${REDIRECT_URI}${value}`] }]) {
        const body = JSON.stringify({ redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none', ...change });
        const response = await fetch(`${server.origin}/oauth/register`, { method: 'POST', body });
        expect([value, response.status]).toEqual([value, 400]);
      }
    }
  });
});

describe('headers that come in', () => {
  test('a cookie, a trace or a referrer comes back in no header', async () => {
    const name = `mcp-signin-${new URL(server.origin).port}`;
    for (const headers of [
      { cookie: `${name}=evil%0d%0aSet-Cookie:%20evil=1` },
      { cookie: `${name}="evil"` },
      { traceparent: '00-evilevilevilevilevilevilevilevil-0000000000000001-01' },
      { 'x-correlation-id': 'evil' },
      { referer: 'http://evil.example/' },
      { 'accept-language': 'evil' },
    ]) {
      for (const path of ['/', '/auth/login', '/auth/callback', '/oauth/authorize', '/account', '/mcp']) {
        const head = await headOf(path, headers);
        expect(head.filter(line => line.includes('evil'))).toEqual([]);
      }
    }
  });

  test('a session id, a method or a version of MCP comes back in no header', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    for (const name of ['mcp-session-id', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'last-event-id']) {
      const response = await fetch(server.mcpUrl, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${tokens.access_token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          [name]: 'evil',
        },
        body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
      });
      expect(JSON.stringify([...response.headers])).not.toContain('evil');
      await response.body?.cancel();
    }
    const odd = await callTool(server, tokens.access_token, 'x"\r\nSet-Cookie: evil=1');
    expect(JSON.stringify([...odd.headers])).not.toContain('evil');
  });
});

test('no line of the log is broken or forged by any of it', () => {
  expect(server.logLines.length).toBeGreaterThan(100);
  for (const line of server.logLines) {
    expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202e\u200b]/u);
    expect(Object.keys(JSON.parse(line))).toEqual(expect.arrayContaining(['level', 'event']));
  }
});
