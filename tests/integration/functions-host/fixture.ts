/** Builds and runs the small apps of tests/fixtures/functions-host as the real app is built and run. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type HostOptions, type RunningHost, spawnFunctionsHost } from '../../../dev/functions-host/index.ts';

const sources = join(import.meta.dirname, '../../fixtures/functions-host');

const banner =
  "import { createRequire as __createRequireOfThisFixture } from 'node:module';" +
  'const require = __createRequireOfThisFixture(import.meta.url);';

export interface Fixture {
  root: string;
  remove(): Promise<void>;
}

/**
 * Bundles `source` into a folder of its own.
 * @param options `banner` stands in for the one that gives the bundle its `require`
 */
export async function buildFixture(
  source: string,
  options: { hostJson?: object; banner?: string } = {},
): Promise<Fixture> {
  const root = await mkdtemp(join(tmpdir(), 'functions-host-'));
  await build({
    entryPoints: [join(sources, source)],
    outfile: join(root, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@azure/functions-core'],
    banner: { js: options.banner ?? banner },
    logLevel: 'error',
  });
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', main: 'index.js' }));
  const hostJson = { version: '2.0', extensions: { http: { routePrefix: '' } }, ...options.hostJson };
  await writeFile(join(root, 'host.json'), JSON.stringify(hostJson));
  return { root, remove: () => rm(root, { recursive: true }) };
}

export interface Run extends RunningHost {
  /** What the app and its host wrote so far. */
  lines: string[];
  /** Resolves with the first line that fits, of those to come and those from number `since` on. */
  line(pattern: RegExp, since?: number): Promise<string>;
}

/** Runs a host, its output kept. */
export async function run(options: HostOptions): Promise<Run> {
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  const host = await spawnFunctionsHost({
    ...options,
    onOutput: line => {
      lines.push(line);
      for (const look of waiting) look(line);
    },
  });
  const line = (pattern: RegExp, since = 0) =>
    new Promise<string>(resolve => {
      const look = (text: string) => {
        if (!pattern.test(text)) return;
        waiting.delete(look);
        resolve(text);
      };
      waiting.add(look);
      for (const text of lines.slice(since)) look(text);
    });
  return { ...host, lines, line };
}

export interface Answer {
  status: number;
  /** With names as they came over the wire. */
  rawHeaders: string[];
  headers: IncomingMessage['headers'];
  body: string;
  json: () => Record<string, unknown>;
}

/** Sends exactly this, with nothing made nicer on the way. An iterable body is chunked. */
export function ask(
  host: { port: number },
  path: string,
  options: {
    method?: string;
    headers?: Record<string, string | string[]>;
    body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  } = {},
): Promise<Answer> {
  const { body } = options;
  const whole = typeof body === 'string' || body instanceof Uint8Array;
  const length: Record<string, string> = whole ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  const chunked: Record<string, string> = body !== undefined && !whole ? { 'transfer-encoding': 'chunked' } : {};
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: host.port,
        path,
        method: options.method ?? 'GET',
        headers: { ...length, ...chunked, ...options.headers },
      },
      async answer => {
        let text = '';
        try {
          for await (const chunk of answer.setEncoding('utf8')) text += chunk;
        } catch (error) {
          return reject(error);
        }
        const { statusCode = 0, rawHeaders, headers } = answer;
        resolve({ status: statusCode, rawHeaders, headers, body: text, json: () => JSON.parse(text) });
      },
    );
    sent.on('error', reject);
    if (whole || body === undefined) sent.end(body);
    else {
      (async () => {
        for await (const chunk of body) sent.write(chunk);
        sent.end();
      })().catch(error => sent.destroy(error as Error));
    }
  });
}

/** Splits a body so that it goes out chunked. */
export async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
