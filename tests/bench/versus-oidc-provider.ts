/**
 * Why the authorization server is written here: what it costs beside oidc-provider, a certified one off the shelf.
 *
 * For both: the calls to storage in one sign-in of a client that has registered itself and in one renewal, and what it
 * takes to load the code, from node_modules and bundled.
 *
 * oidc-provider is set up as favourably as its documentation allows: access tokens are JWTs and so not stored,
 * registrations have no token of their own, sign-in and consent are one interaction, and what the sign-in at Entra
 * needs travels in the browser. A call of its adapter is counted as one trip, though some would take more on Azure
 * Tables. Ours are the HTTP requests that leave for a real emulator.
 */
import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider';
import { ROOT, scratchFolder } from './scratch.ts';
import { countAll } from './storage-trips.ts';
import { median, type Result, type Row } from './table.ts';

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

const STEPS = ['registration', 'sign-in', 'renewal'] as const;

/** The calls of each step. */
type Calls = Record<(typeof STEPS)[number], string[]>;

export async function run(): Promise<Result> {
  await using folder = await scratchFolder();
  const [ours, calls] = [await countAll(), await theirs()];
  const { rows } = await loading(folder.path);
  return {
    rows: [
      ...STEPS.map(step => ({
        what: `${step}, trips`,
        measured: `${ours[step]}`,
        beside: `${calls[step].length}`,
        ratio: ours[step] / calls[step].length,
      })),
      ...rows,
    ],
    notes: [`What oidc-provider calls\n${STEPS.map(step => `  ${step}: ${calls[step].join(', ')}`).join('\n')}`],
  };
}

/** A browser: cookies, and no redirect followed. */
class Jar {
  readonly #cookies = new Map<string, string>();

  async send(url: string | URL, form?: Record<string, string>): Promise<Response> {
    const headers = new Headers({ cookie: [...this.#cookies].map(pair => pair.join('=')).join('; ') });
    const init = form ? { method: 'POST', body: new URLSearchParams(form) } : {};
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
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

/** oidc-provider, on an adapter that keeps everything in memory and counts its calls. */
async function theirs(): Promise<Calls> {
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
    const asked = await browser.send(`${origin}/auth?${authorizeQuery(clientId, resource)}`);
    const interaction = next(asked, origin);
    await browser.send(interaction);
    const resume = next(await browser.send(interaction, {}), origin);
    return next(await browser.send(resume), origin).searchParams.get('code') ?? '';
  }

  const token = async (form: Record<string, string>) =>
    member(await fetch(`${origin}/token`, { method: 'POST', body: new URLSearchParams(form) }), 'refresh_token');

  const counted = {} as Calls;
  async function count<T>(step: (typeof STEPS)[number], work: () => Promise<T>): Promise<T> {
    calls = [];
    const result = await work();
    counted[step] = calls;
    return result;
  }
  const clientId = await count('registration', register);
  const refreshToken = await count('sign-in', async () => token(exchange(clientId, await signIn(clientId), resource)));
  await count('renewal', () => token(renewal(clientId, refreshToken)));
  return counted;
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

/** How long it takes to load each, in new processes taken in turn. */
async function loading(folder: string): Promise<Result> {
  const own = { entryPoints: [join(ROOT, 'src/oauth/index.ts')] };
  const other = { stdin: { contents: "export { Provider } from 'oidc-provider';", resolveDir: ROOT } };
  const rows: Row[] = [];
  for (const [packages, where] of [
    ['bundle', 'bundled and minified'],
    ['external', 'from node_modules'],
  ] as const) {
    const pair = [await bundle(folder, own, packages), await bundle(folder, other, packages)] as const;
    const samples: [Sample[], Sample[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      samples[0].push(await timeImport(pair[0].url));
      samples[1].push(await timeImport(pair[1].url));
    }
    for (const [of, name] of [
      ['wallMs', 'import'],
      ['cpuMs', 'import, CPU time'],
    ] as const) {
      const [a, b] = [median(samples[0].map(sample => sample[of])), median(samples[1].map(sample => sample[of]))];
      rows.push({
        what: `${name}, ${where}`,
        measured: `${a.toFixed(0)} ms`,
        beside: `${b.toFixed(0)} ms`,
        ratio: a / b,
      });
    }
    if (packages === 'bundle') {
      const [a, b] = [pair[0].bytes, pair[1].bytes];
      const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`;
      rows.push({ what: `size, ${where}`, measured: kilobytes(a), beside: kilobytes(b), ratio: a / b });
    }
  }
  return { rows };
}

/** One file of an entry and what it imports: with the packages, minified, or without. */
async function bundle(
  folder: string,
  entry: Pick<BuildOptions, 'entryPoints' | 'stdin'>,
  packages: 'external' | 'bundle',
): Promise<{ url: string; bytes: number }> {
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
  return { url: pathToFileURL(outfile).href, bytes: (await stat(outfile)).size };
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
