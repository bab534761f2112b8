/**
 * One start, in a process of its own, bundled into one file so that it costs little itself: loads the app that its first
 * argument names as the Functions host does, sends `POST /mcp` through the library's streaming path, says on stdout what
 * came, and ends. Without an argument Node's own HTTP server answers in the app's place.
 *
 * A second argument makes it tell also which files were loaded until then.
 */
import { writeSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { registerHooks } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { invoke } from '../../dev/functions-host/invocation.ts';
import { loadApp } from '../../dev/functions-host/load-app.ts';

/** What a start comes to. */
export interface Start {
  status: number | undefined;
  /** User and system time of the process up to the answer, in milliseconds. */
  cpuMs: number;
  /** URLs; empty when nobody asked. */
  loaded: string[];
}

const [main, trace] = process.argv.slice(2);
const id = 'first';
const loaded: string[] = [];
if (trace) {
  registerHooks({
    load: (url, context, next) => {
      loaded.push(url);
      return next(url, context);
    },
  });
}

const write = (_stream: string, text: string) => process.stderr.write(`${text}\n`);

/** @returns the port where the request goes */
async function start(entry: string): Promise<number | undefined> {
  const folder = { root: dirname(entry), main: entry, routePrefix: '', logLevels: {} };
  const app = await loadApp(folder, 30_000, write);
  const called = app.registry.functions.get('mcp');
  if (!called) throw new Error('The app has no function mcp.');
  void invoke(app, { id, called, input: { http: {} } }, write);
  return app.streamingPort;
}

async function startNothing(): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(401).end());
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const port = await (main ? start(main) : startNothing());
const headers = {
  'x-ms-invocation-id': id,
  'x-forwarded-host': 'mcp.example',
  'x-forwarded-proto': 'https',
  'content-length': 0,
};
request({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers }, ({ statusCode }) => {
  const { user, system } = process.cpuUsage();
  const start: Start = { status: statusCode, cpuMs: (user + system) / 1000, loaded };
  writeSync(1, JSON.stringify(start));
  process.exit(0);
}).end();
