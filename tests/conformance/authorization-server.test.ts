import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { freePorts } from '../../dev/local/ports.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { approveAndSignIn, register } from '../support/flows.ts';

/** The scenarios for authorization servers of the protocol's own conformance suite, with a person who consents. */
let server: AppServer;
let results: string;
beforeAll(async () => {
  [server, results] = await Promise.all([startAppServer({ instances: 2 }), mkdtemp(join(tmpdir(), 'conformance-'))]);
});
afterAll(async () => {
  await server.stop();
  await rm(results, { recursive: true });
});

const SUITE = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

/** Every check by name, so that none passes because it was not made. */
const EXPECTED = {
  'authorization-server-metadata': 'SUCCESS',
  'authorization-server-metadata-cimd': 'SUCCESS',
  'authorization-code-grant': 'SUCCESS',
};

/** A public client: to a server that takes public clients the suite sends no secret, not even of a client that has one. */
test('every check of the authorization scenarios passes', { timeout: 60_000 }, async () => {
  const [port = 0] = await freePorts(1);
  const callback = `http://127.0.0.1:${port}/callback`;
  const client = await register(server, { redirect_uris: [callback] });
  const child = spawn(
    process.execPath,
    [
      ...[SUITE, 'authorization', '--url', server.origin, '--resource', server.mcpUrl],
      ...['--client-id', client.client_id, '--port', String(port), '--output-dir', results],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (!line.startsWith(`${server.origin}/oauth/authorize?`)) continue;
    await fetch(await approveAndSignIn(new Browser(), line, 'ada', url => url.startsWith(callback)));
  }
  const [code] = await exited;
  expect([code, await checksIn(results)], said.join('\n')).toEqual([0, EXPECTED]);
});

/** What the suite wrote: the status of each check by its id. */
async function checksIn(folder: string): Promise<Record<string, string>> {
  const files = await readdir(folder, { recursive: true });
  const checks = await Promise.all(
    files
      .filter(file => file.endsWith('checks.json'))
      .map(async file => JSON.parse(await readFile(join(folder, file), 'utf8')) as { id: string; status: string }[]),
  );
  return Object.fromEntries(checks.flat().map(({ id, status }) => [id, status]));
}
