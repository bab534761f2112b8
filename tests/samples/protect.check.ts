/** The servers of `examples/protect/`, each as it stands: they take this server's tokens for them, and nothing else. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../../dev/local/ports.ts';
import {
  type AccessToken,
  signAccessToken,
  signUpstreamToken,
  verifyAccessToken,
} from '../../src/access/access-token.ts';
import { personKey } from '../../src/access/person.ts';
import { createKeyRing, type KeyRing } from '../../src/keys/key-ring.ts';
import { parseSecrets } from '../../src/keys/secret.ts';
import { Application, LIBRARIES } from '../clients/support/application.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import { claimsOf, connect, register } from '../support/flows.ts';

const ROOT = join(import.meta.dirname, '../..');
const KEY = newSecret();
const run = promisify(execFile);
/** Whether a command does what it should, said by its output. */
const says = (words: RegExp, command: string, ...args: string[]) =>
  run(command, args).then(
    ({ stdout }) => words.test(stdout),
    () => false,
  );

interface Sample {
  /** Why it cannot run here; `undefined` where it can. */
  readonly missing: string | undefined;
  /** @returns how it is started; what it compiles lies in the folder */
  prepare(folder: string): Promise<readonly [command: string, ...args: string[]]>;
}

const SAMPLES: Record<string, Sample> = {
  typescript: {
    missing: undefined,
    prepare: async () => [process.execPath, join(ROOT, 'examples/protect/typescript/server.ts')],
  },
  csharp: {
    missing: (await says(/^1\d\./m, 'dotnet', '--list-sdks')) ? undefined : 'there is no .NET SDK 10',
    prepare: async folder => {
      const files = { recursive: true, filter: (path: string) => !/\/(bin|obj)$/.test(path) };
      await cp(join(ROOT, 'examples/protect/csharp'), folder, files);
      await run('dotnet', ['build', '-c', 'Release', '-o', 'out', '-nologo', '-v', 'q'], { cwd: folder });
      return ['dotnet', join(folder, 'out/Reports.dll')];
    },
  },
  python: {
    missing: (await says(/./, 'python3', '-c', 'import fastmcp; print("here")')) ? undefined : 'there is no FastMCP',
    prepare: async () => ['python3', join(ROOT, 'examples/protect/python/server.py')],
  },
};

describe.each(Object.entries(SAMPLES))('%s', (name, { missing, prepare }) => {
  if (missing && process.env.REQUIRE_SAMPLES === '1') {
    test('can be run', () => expect.fail(`REQUIRE_SAMPLES=1, but ${missing} here.`));
    return;
  }
  if (missing) {
    console.warn(`${name} is not run: ${missing}.`);
    test.skip(`is not run: ${missing}`, () => {});
    return;
  }

  let server: AppServer;
  let keys: KeyRing;
  let sample: ChildProcess;
  let resource: string;
  let folder: string;
  let good: string;
  let token: AccessToken;

  beforeAll(async () => {
    await mkdir(join(ROOT, '.local'), { recursive: true });
    folder = await mkdtemp(join(ROOT, `.local/sample-${name}-`));
    const [port] = await freePorts(1);
    resource = `http://localhost:${port}/mcp`;
    const scopes = { 'reports:read': 'Read your reports', profile: 'See your name' };
    server = await startAppServer({
      settings: {
        JWT_SECRET_KEY: KEY,
        RESOURCES: JSON.stringify([{ resource, name: 'Reports', scopes }]),
        // The same server once more, reached through this one.
        GATEWAY_UPSTREAMS: `reports=${resource}`,
        GATEWAY_SCOPES: JSON.stringify({ reports: scopes }),
      },
    });
    keys = await createKeyRing(parseSecrets(KEY));
    const [command, ...args] = await prepare(folder);
    sample = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ISSUER: server.origin, RESOURCE: resource },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await answers(resource, sample);
    good = (await connect(server, 'ada', { resource, scope: 'reports:read' }, await register(server))).tokens
      .access_token;
    token = await verifyAccessToken(keys, { issuer: server.origin, resource }, good, Date.now() / 1000);
  });
  afterAll(async () => {
    if (sample && sample.exitCode === null) {
      sample.kill();
      await once(sample, 'exit');
    }
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const send = (authorization?: string) =>
    fetch(resource, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(authorization ? { authorization } : {}),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
    });
  const refused = async (jwt: string) => (await send(`Bearer ${jwt}`)).status;
  const sign = (change: Partial<AccessToken>, issuer = server.origin, ring = keys) =>
    signAccessToken(ring, issuer, { ...token, ...change });

  test('says to a stranger where to sign in', async () => {
    const response = await send();
    expect(response.status).toBe(401);
    const [, at = ''] = /resource_metadata="([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
    const metadata = (await (await fetch(at)).json()) as Record<string, string[]>;
    expect(metadata).toMatchObject({ resource, scopes_supported: ['reports:read'] });
    expect(metadata.authorization_servers?.map(each => each.replace(/\/$/, ''))).toEqual([server.origin]);
  });

  test.each(Object.entries(LIBRARIES))(
    '%s, told no more than its URL, signs its person in here and calls it',
    async (_name, library) => {
      const application = new Application();
      const connection = await library({ origin: server.origin, mcpUrl: resource }, application);
      const { content } = await connection.call('list_reports');
      expect(content).toEqual([{ type: 'text', text: `Reports of ${personKey(token.person)}: none yet.` }]);
      expect(application.windows.map(url => [url.origin, url.searchParams.get('resource')])).toEqual([
        [server.origin, resource],
      ]);
      const { access_token = '' } = application.tokens() ?? {};
      expect(claimsOf(access_token)).toMatchObject({ aud: resource, scope: 'reports:read' });
      await connection.close();
    },
  );

  test.each(Object.entries(LIBRARIES))(
    '%s calls it through the gateway, with a token for that',
    async (_n, library) => {
      const application = new Application();
      const mcpUrl = `${server.origin}/reports/mcp`;
      const connection = await library({ origin: server.origin, mcpUrl }, application);
      const { content } = await connection.call('list_reports');
      expect(content).toEqual([{ type: 'text', text: `Reports of ${personKey(token.person)}: none yet.` }]);
      const { access_token = '' } = application.tokens() ?? {};
      expect(claimsOf(access_token).aud).toBe(mcpUrl);
      // The server itself does not take what the client has.
      expect(await refused(access_token)).toBe(401);
      await connection.close();
    },
  );

  test('refuses tokens for another resource, of another issuer or key, that have expired or are bound to a key', async () => {
    const own = (await connect(server, 'ada', { resource: server.mcpUrl })).tokens.access_token;
    expect(await refused(own)).toBe(401);
    expect(await refused(await sign({ resource: `${resource}/x` }))).toBe(401);
    expect(await refused(await sign({}, 'https://evil.example'))).toBe(401);
    const others = await createKeyRing(parseSecrets(newSecret()));
    expect(await refused(await sign({}, server.origin, others))).toBe(401);
    const { privateKey } = others.signing;
    const underOurs = { ...others, signing: { privateKey, kid: keys.signing.kid } };
    expect(await refused(await sign({}, server.origin, underOurs))).toBe(401);
    const now = Math.floor(Date.now() / 1000);
    expect(await refused(await sign({ issuedAt: now - 3600, expiresAt: now - 120 }))).toBe(401);
    expect(await refused(await sign({ jkt: 'A'.repeat(43) }))).toBe(401);
    expect((await send(`Bearer ${await sign({})}`)).status).toBe(200);
    // As it would be behind the gateway.
    const upstream = { upstream: resource, tokenId: 'upstream', now };
    const behind = await signUpstreamToken(keys, server.origin, { ...token, resource: server.mcpUrl }, upstream);
    expect((await send(`Bearer ${behind}`)).status).toBe(200);
  });

  test('refuses what is signed by this server and no access token', async () => {
    const claims = JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString());
    const { kid, privateKey } = keys.signing;
    const other = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid }).sign(privateKey);
    expect(await refused(other)).toBe(401);
  });

  test('says which scope is missing', async () => {
    const response = await send(`Bearer ${await sign({ scopes: ['profile'] })}`);
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*reports:read/);
  });
});

/** Waits until the server of a process answers. */
async function answers(url: string, process: ChildProcess): Promise<void> {
  while ((await fetch(url).catch(() => undefined)) === undefined) {
    if (process.exitCode !== null) throw new Error(`The sample ended with ${process.exitCode}.`);
    await setTimeout(100);
  }
}
