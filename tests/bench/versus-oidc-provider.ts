/**
 * Why the authorization server is written here: what it costs beside oidc-provider, a certified one off the shelf.
 *
 * `node tests/bench/versus-oidc-provider.ts` prints, for both, the calls to storage in one sign-in of a client that
 * has registered itself and in one renewal, and what it takes to load the code, from node_modules and bundled.
 *
 * oidc-provider is set up as favourably as its documentation allows: access tokens are JWTs and so not stored,
 * registrations have no token of their own, sign-in and consent are one interaction, and what the sign-in at Entra
 * needs travels in the browser. A call of its adapter is counted as one trip, though some would take more on Azure
 * Tables. Ours are the HTTP requests that leave for a real emulator.
 */
import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider';
import { emulatorAccount, startAzurite } from '../../dev/azurite/index.ts';
import { startEntra } from '../../dev/entra/index.ts';
import type { EndpointName } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { countTrips } from '../support/storage-faults.ts';

const root = join(import.meta.dirname, '../..');
const CLIENT = 'http://127.0.0.1:5555/callback';
const SCOPE = 'profile notes:read notes:write offline_access';
const VERIFIER = 'bench-'.padEnd(43, 'v');
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
/** How often each import is timed, each time in a new process. */
const ROUNDS = 15;

const REGISTRATION = JSON.stringify({
  client_name: 'Bench',
  redirect_uris: [CLIENT],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
});

/** What the steps of a sign-in cost, in trips to storage. */
type Costs = Record<'registration' | 'sign-in' | 'renewal', number>;

/** A browser: cookies, and no redirect followed. */
class Jar {
  readonly #cookies = new Map<string, string>();

  async send(
    fetch: (request: Request) => Promise<Response>,
    url: string | URL,
    form?: Record<string, string>,
  ): Promise<Response> {
    const headers = new Headers({ cookie: [...this.#cookies].map(pair => pair.join('=')).join('; ') });
    if (form) headers.set('sec-fetch-site', 'same-origin');
    const init = form ? { method: 'POST', body: new URLSearchParams(form) } : {};
    const response = await fetch(new Request(url, { ...init, headers, redirect: 'manual' }));
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    return response;
  }
}

/** Where an answer sends the browser. */
function next(response: Response, base: string): URL {
  const location = response.headers.get('location');
  if (!location) throw new Error(`${response.status} where a redirect was expected`);
  return new URL(location, base);
}

/** A member of a JSON answer. */
async function member(response: Response, name: string): Promise<string> {
  const body = (await response.json()) as Record<string, unknown>;
  const value = body[name];
  if (typeof value !== 'string') throw new Error(`no ${name}: ${JSON.stringify(body)}`);
  return value;
}

const authorizeQuery = (clientId: string, resource: string) =>
  new URLSearchParams({
    client_id: clientId,
    redirect_uri: CLIENT,
    response_type: 'code',
    scope: SCOPE,
    state: 'bench',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    prompt: 'consent',
    resource,
  });

const exchange = (clientId: string, code: string, resource: string) => ({
  grant_type: 'authorization_code',
  client_id: clientId,
  code,
  redirect_uri: CLIENT,
  code_verifier: VERIFIER,
  resource,
});

const renewal = (clientId: string, token: string) => ({
  grant_type: 'refresh_token',
  client_id: clientId,
  refresh_token: token,
});

/** This server, on the table emulator and the Entra stand-in. */
async function ours(folder: string): Promise<Costs> {
  await using stack = new AsyncDisposableStack();
  const origin = 'http://localhost:7071';
  const callback = `${origin}/auth/callback`;
  const azurite = await startAzurite({});
  stack.defer(() => azurite.stop());
  const entra = await startEntra({ redirectUris: [callback] });
  stack.defer(() => entra.stop());
  const { config } = loadConfig({
    AUTH_TENANT_ID: entra.tenantId,
    AUTH_CLIENT_ID: entra.clientId,
    AUTH_AUTHORITY_HOST: entra.url,
    AzureWebJobsStorage: azurite.connectionString,
    JWT_SECRET_KEY: createHash('sha256').update('bench').digest('base64url'),
  });
  const log = createLogger('error', (_level, line) => console.error(line));
  // Node does not run the pages' .tsx, so the app is bundled; its dependencies come from node_modules.
  const bundled = await bundle(folder, { entryPoints: [join(root, 'src/app.ts')] }, 'external');
  const { createApp } = (await import(bundled.url)) as typeof import('../../src/app.ts');
  const app = createApp(config, { log, version: 'bench' });
  const context = { correlationId: 'bench', log };
  const at = (name: EndpointName) => async (request: Request) => (await app.endpoint(name))(request, context);
  const resource = `${origin}/mcp`;

  async function register(): Promise<string> {
    const request = new Request(`${origin}/oauth/register`, { method: 'POST', body: REGISTRATION });
    return member(await at('register')(request), 'client_id');
  }

  async function signIn(clientId: string): Promise<string> {
    const browser = new Jar();
    const authorize = new URL(`${origin}/oauth/authorize?${authorizeQuery(clientId, resource)}`);
    const page = await (await browser.send(at('authorize'), authorize)).text();
    const request = /name="request" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const approved = new URLSearchParams({ request, decision: 'approve' });
    for (const scope of SCOPE.split(' ')) approved.append('scope', scope);
    const consent = await browser.send(post => at('consent')(withBody(post, approved)), `${origin}/oauth/consent`, {});
    const login = await browser.send(at('login'), next(consent, origin));
    const back = await throughEntra(next(login, origin), callback);
    return next(await browser.send(at('callback'), back), origin).searchParams.get('code') ?? '';
  }

  const token = async (form: Record<string, string>) => {
    const request = new Request(`${origin}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
    return member(await at('token')(request), 'refresh_token');
  };

  const count = <T>(work: () => Promise<T>) => countTrips(emulatorAccount.name, work);
  // Tables are made at their first use: once in the life of a storage account, so not counted.
  const first = await register();
  await token(exchange(first, await signIn(first), resource));

  const clientId = await count(register);
  const refreshToken = await count(async () =>
    token(exchange(clientId.result, await signIn(clientId.result), resource)),
  );
  const renewed = await count(() => token(renewal(clientId.result, refreshToken.result)));
  return { registration: clientId.trips, 'sign-in': refreshToken.trips, renewal: renewed.trips };
}

function withBody(request: Request, body: URLSearchParams): Request {
  return new Request(request.url, { method: 'POST', headers: request.headers, body });
}

/** Signs Ada in at the stand-in's pages; gives the address that it sends the browser back to. */
async function throughEntra(start: URL, until: string): Promise<URL> {
  const browser = new Jar();
  let url = start;
  while (!url.href.startsWith(until)) {
    let answer = await browser.send(fetch, url);
    if (answer.status === 200) answer = await browser.send(fetch, url, { person: 'ada' });
    url = next(answer, url.href);
  }
  return url;
}

/** oidc-provider, on an adapter that keeps everything in memory and counts its calls. */
async function theirs(): Promise<Costs & { calls: string[] }> {
  await using stack = new AsyncDisposableStack();
  const server = createServer();
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const resource = `${origin}/mcp`;
  let calls: string[] = [];

  const provider = new Provider(origin, {
    adapter: countingAdapter(call => calls.push(call)),
    jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: ['bench'] },
    scopes: SCOPE.split(' '),
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      revocation: { enabled: true },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => resource,
        useGrantedResource: async () => true,
        getResourceServerInfo: async () => ({
          scope: SCOPE,
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    expiresWithSession: () => false,
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: async (_ctx, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 2_592_000,
      Interaction: 600,
      RefreshToken: 2_592_000,
      Session: 28_800,
    },
  });
  const serve = provider.callback();
  server.on('request', async (req, res) => {
    if (!req.url?.startsWith('/interaction/')) return serve(req, res);
    // GET is the page that asks for consent; POST stands for the way back from Entra.
    const { params, uid } = await provider.interactionDetails(req, res);
    if (req.method === 'GET') return res.end(uid);
    const grant = new provider.Grant({ accountId: 'ada', clientId: String(params.client_id) });
    grant.addResourceScope(resource, SCOPE);
    grant.addOIDCScope(SCOPE);
    const grantId = await grant.save();
    await provider.interactionFinished(req, res, { login: { accountId: 'ada' }, consent: { grantId } });
  });

  async function register(): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    return member(await fetch(`${origin}/reg`, { method: 'POST', headers, body: REGISTRATION }), 'client_id');
  }

  async function signIn(clientId: string): Promise<string> {
    const browser = new Jar();
    const asked = await browser.send(fetch, `${origin}/auth?${authorizeQuery(clientId, resource)}`);
    const interaction = next(asked, origin);
    await browser.send(fetch, interaction);
    const resume = next(await browser.send(fetch, interaction, {}), origin);
    return next(await browser.send(fetch, resume), origin).searchParams.get('code') ?? '';
  }

  const token = async (form: Record<string, string>) =>
    member(await fetch(`${origin}/token`, { method: 'POST', body: new URLSearchParams(form) }), 'refresh_token');

  async function count<T>(work: () => Promise<T>): Promise<{ result: T; calls: string[] }> {
    calls = [];
    const result = await work();
    return { result, calls };
  }
  const clientId = await count(register);
  const refreshToken = await count(async () =>
    token(exchange(clientId.result, await signIn(clientId.result), resource)),
  );
  const renewed = await count(() => token(renewal(clientId.result, refreshToken.result)));
  return {
    registration: clientId.calls.length,
    'sign-in': refreshToken.calls.length,
    renewal: renewed.calls.length,
    calls: [
      `registration: ${clientId.calls.join(', ')}`,
      `sign-in: ${refreshToken.calls.join(', ')}`,
      `renewal: ${renewed.calls.join(', ')}`,
    ],
  };
}

function countingAdapter(count: (call: string) => void): (model: string) => Adapter {
  const kept = new Map<string, AdapterPayload>();
  return model => {
    const key = (id: string) => `${model} ${id}`;
    const counted = (method: string) => count(`${model}.${method}`);
    const findBy = (name: 'uid' | 'userCode', value: string) =>
      [...kept].find(([id, payload]) => id.startsWith(`${model} `) && payload[name] === value)?.[1];
    return {
      async upsert(id, payload) {
        counted('upsert');
        kept.set(key(id), payload);
      },
      async find(id) {
        counted('find');
        return kept.get(key(id));
      },
      async findByUid(uid) {
        counted('findByUid');
        return findBy('uid', uid);
      },
      async findByUserCode(code) {
        counted('findByUserCode');
        return findBy('userCode', code);
      },
      async consume(id) {
        counted('consume');
        const payload = kept.get(key(id));
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        counted('destroy');
        kept.delete(key(id));
      },
      async revokeByGrantId(grantId) {
        counted('revokeByGrantId');
        for (const [id, payload] of kept) if (payload.grantId === grantId) kept.delete(id);
      },
    };
  };
}

interface Sample {
  wallMs: number;
  cpuMs: number;
}

interface Load extends Sample {
  what: string;
  kilobytes?: number | undefined;
}

/** How long it takes to load each: medians of new processes, taken in turn. */
async function loads(folder: string): Promise<Load[]> {
  const own = { entryPoints: [join(root, 'src/oauth/index.ts')] };
  const other = { stdin: { contents: "export { Provider } from 'oidc-provider';", resolveDir: root } };
  const candidates = [
    { what: 'ours, dependencies from node_modules', ...(await bundle(folder, own, 'external')) },
    { what: 'oidc-provider, from node_modules', ...(await bundle(folder, other, 'external')) },
    { what: 'ours, bundled', ...(await bundle(folder, own, 'bundle')) },
    { what: 'oidc-provider, bundled', ...(await bundle(folder, other, 'bundle')) },
  ];
  const samples = candidates.map(() => [] as Sample[]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { url }] of candidates.entries()) samples[index]?.push(await timeImport(url));
  }
  return candidates.map(({ what, kilobytes }, index) => ({
    what,
    kilobytes,
    wallMs: median(samples[index]?.map(({ wallMs }) => wallMs) ?? []),
    cpuMs: median(samples[index]?.map(({ cpuMs }) => cpuMs) ?? []),
  }));
}

/** One file of an entry and what it imports: with the packages, minified, or without. */
async function bundle(
  folder: string,
  entry: Pick<BuildOptions, 'entryPoints' | 'stdin'>,
  packages: 'external' | 'bundle',
): Promise<{ url: string; kilobytes?: number }> {
  const outfile = join(folder, `${randomUUID()}.mjs`);
  const banner = [
    "import { createRequire as __createRequireOfThisBundle } from 'node:module';",
    'const require = __createRequireOfThisBundle(import.meta.url);',
  ].join('\n');
  await build({
    ...entry,
    outfile,
    packages,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minify: packages === 'bundle',
    banner: { js: banner },
  });
  const url = pathToFileURL(outfile).href;
  return packages === 'bundle' ? { url, kilobytes: (await stat(outfile)).size / 1000 } : { url };
}

/** One import in a process of its own; the start of Node itself is not in it. */
async function timeImport(url: string): Promise<Sample> {
  const script = `
    const cpu = process.cpuUsage();
    const start = performance.now();
    await import(${JSON.stringify(url)});
    const wallMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1000 }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  return JSON.parse(stdout) as Sample;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

// Inside the project, so that what is not bundled is found in its node_modules.
await mkdir(join(root, '.local'), { recursive: true });
const folder = await mkdtemp(join(root, '.local/versus-'));
try {
  const [own, other] = [await ours(folder), await theirs()];
  console.log('Trips to storage                        ours   oidc-provider');
  for (const step of ['registration', 'sign-in', 'renewal'] as const) {
    console.log(`${step.padEnd(40)}${String(own[step]).padStart(4)}${String(other[step]).padStart(16)}`);
  }
  console.log(`\noidc-provider's calls\n${other.calls.map(line => `  ${line}`).join('\n')}`);
  console.log('\nLoading, medians                        wall ms   CPU ms   minified KB');
  for (const { what, wallMs, cpuMs, kilobytes } of await loads(folder)) {
    const size = kilobytes?.toFixed(0) ?? '';
    console.log(
      `${what.padEnd(40)}${wallMs.toFixed(0).padStart(7)}${cpuMs.toFixed(0).padStart(9)}${size.padStart(14)}`,
    );
  }
} finally {
  await rm(folder, { recursive: true });
}
