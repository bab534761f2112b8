/** Where the browser brings the authorization server's answer: a web server on this machine, for one page (RFC 8252). */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const path = '/callback';

export interface LoopbackReceiver {
  /** The redirect URI: `http://127.0.0.1:PORT/callback`. */
  redirectUrl: string;
  /**
   * Waits for the one answer that bears this `state`. Answers with another state are refused and do not end the
   * waiting, so nobody can end or replace a sign-in without knowing its state.
   * @param patience how long to wait, in milliseconds
   * @throws Error when nothing came in that time
   */
  answerTo(state: string, patience: number): Promise<URLSearchParams>;
  close(): Promise<void>;
}

/** @param preferredPort taken when it is free, so that a registration of an earlier run stays right; else any other */
export async function startReceiver(preferredPort = 0): Promise<LoopbackReceiver> {
  let waiting: { state: string; resolve(answer: URLSearchParams): void } | undefined;

  const server = await listen(preferredPort, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method !== 'GET' || url.pathname !== path) return page(response, 404, 'There is nothing here.');
    if (waiting === undefined || url.searchParams.get('state') !== waiting.state) {
      return page(response, 400, 'This is not the answer to a sign-in that is under way here.');
    }
    const { resolve } = waiting;
    waiting = undefined;
    // Whether a refusal is genuine is not known yet, so none of its words are shown.
    const text = url.searchParams.has('code')
      ? 'You can close this page and go back to the terminal.'
      : 'The sign-in did not succeed. The terminal says why.';
    page(response, 200, text);
    resolve(url.searchParams);
  });

  return {
    redirectUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    answerTo: (state, patience) =>
      new Promise((resolve, reject) => {
        const giveUp = () => {
          if (waiting === sought) waiting = undefined;
          reject(new Error(`Nobody signed in within ${Math.round(patience / 60_000)} minutes.`));
        };
        const timer = setTimeout(giveUp, patience);
        const sought = {
          state,
          resolve: (answer: URLSearchParams) => {
            clearTimeout(timer);
            resolve(answer);
          },
        };
        waiting = sought;
      }),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

async function listen(port: number, listener: RequestListener) {
  const server = createServer(listener).listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (port === 0) throw error;
    return listen(0, listener);
  }
}

const style = `
  body { font: 1.1rem/1.5 system-ui, sans-serif; color-scheme: light dark; display: grid; place-items: center; min-height: 90vh; margin: 1rem; text-align: center }
`;
const headers = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`,
  // The code is in this page's address.
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  Connection: 'close',
};

/** @param text fixed words of ours, never anything from the request */
function page(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, headers)
    .end(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>Example MCP client</title><style>${style}</style><main><h1>Example MCP client</h1><p>${text}</p></main></html>`,
    );
}
