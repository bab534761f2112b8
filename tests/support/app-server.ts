import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type Entra, type EntraOptions, startEntra } from '../../dev/entra/index.ts';
import { type App, createApp, type EndpointName, type Surroundings } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { drain } from '../../src/http/body.ts';
import { programFault, toFault } from '../../src/http/faults.ts';
import { createLogger } from '../../src/log.ts';
import type { Tool } from '../../src/mcp/define-tool.ts';
import type { FetchDocument } from '../../src/oauth/clients/documents/public-fetch.ts';
import { samples } from '../../src/samples.ts';
import { freshStorage } from './azurite.ts';

/**
 * The app with real parts around it: Azurite, the Entra stand-in, and HTTP on
 * loopback. Its endpoints run in this process, without the Functions host, so a
 * test can move the clock and read the log.
 */
export interface AppServer {
  readonly origin: string;
  readonly mcpUrl: string;
  readonly entra: Entra;
  readonly storage: { connectionString: string; accountName: string };
  /** Instances that share storage and take requests in turn. */
  readonly apps: readonly App[];
  /** Every line that was logged, at level DEBUG. */
  readonly logLines: string[];
  /** The clock of all instances and of the stand-in's tokens. */
  readonly clock: { now: number; advance(seconds: number): void };
  /** Puts new instances in the place of all, one for each of these changes to the settings, as a deployment does. */
  deploy(...settings: readonly Record<string, string>[]): void;
  stop(): Promise<void>;
}

export interface AppServerOptions {
  instances?: number;
  settings?: Record<string, string>;
  tools?: readonly Tool[];
  /** As in Azure, where a front end tells the address of who asks; 0 as on a laptop unless it says otherwise. */
  trustedProxyHops?: number;
  /** An account on another emulator; absent: a fresh one on that of the test run. */
  storage?: AppServer['storage'];
  /** Wraps the way to storage, such as with a proxy that loses replies. */
  connectionString?: (own: string) => Promise<string> | string;
  fetch?: typeof globalThis.fetch;
  /** The way to clients' metadata documents and keys. */
  fetchDocument?: FetchDocument;
  /** How the app proves itself to the stand-in; a secret unless it says otherwise. */
  credential?: Pick<EntraOptions, 'certificate' | 'federatedIdentity'>;
  /** The stand-in serves people of many tenants. */
  audience?: EntraOptions['audience'];
  identityToken?: Surroundings['identityToken'];
}

const ROUTES: Record<string, EndpointName> = {
  '/': 'landing',
  '/auth/login': 'login',
  '/auth/callback': 'callback',
  '/auth/interaction': 'interaction',
  '/auth/logout': 'logout',
  '/auth/front-channel-logout': 'frontChannelLogout',
  '/manage': 'manage',
  '/account': 'account',
  '/mcp': 'mcp',
  '/oauth/register': 'register',
  '/oauth/authorize': 'authorize',
  '/oauth/consent': 'consent',
  '/oauth/token': 'token',
  '/oauth/revoke': 'revoke',
  '/oauth/introspect': 'introspect',
  '/.well-known/oauth-protected-resource': 'resourceMetadata',
  '/.well-known/oauth-protected-resource/mcp': 'resourceMetadata',
  '/.well-known/oauth-authorization-server': 'serverMetadata',
  '/.well-known/openid-configuration': 'serverMetadata',
  '/.well-known/jwks.json': 'jwks',
  '/health': 'health',
  '/health/ready': 'ready',
};

const GATEWAY = /^\/[^/]+\/mcp$/;
const METADATA_OF_GATEWAY = /^\/\.well-known\/oauth-protected-resource\/[^/]+\/mcp$/;

export async function startAppServer(options: AppServerOptions = {}): Promise<AppServer> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const clock = {
    now: Date.now(),
    advance(seconds: number) {
      this.now += seconds * 1000;
    },
  };
  const entra = await startEntra({
    redirectUris: [`${origin}/auth/callback`, `${origin}/`],
    ...(options.audience ? { audience: options.audience } : {}),
    ...(options.credential ?? { clientSecret: newSecret() }),
    now: () => clock.now,
  });
  const storage = options.storage ?? freshStorage();
  const connectionString = (await options.connectionString?.(storage.connectionString)) ?? storage.connectionString;

  const environment = {
    AUTH_TENANT_ID: options.audience ?? entra.tenantId,
    AUTH_CLIENT_ID: entra.clientId,
    AUTH_CLIENT_SECRET: entra.clientSecret,
    AUTH_AUTHORITY_HOST: entra.url,
    AUTH_REDIRECT_URI: `${origin}/auth/callback`,
    AzureWebJobsStorage: connectionString,
    JWT_SECRET_KEY: newSecret(),
    LOG_LEVEL: 'debug',
    ...options.settings,
  };
  const logLines: string[] = [];
  const log = createLogger('debug', (_level, line) => logLines.push(line));
  const newApp = (change: Record<string, string>) => {
    const { config } = loadConfig({ ...environment, ...change });
    return createApp(options.trustedProxyHops ? { ...config, trustedProxyHops: options.trustedProxyHops } : config, {
      log,
      version: '0.0.0-test',
      now: () => clock.now,
      wait: async () => {},
      // Behind the scenes nothing is written by itself: `flush` does it, so that trips can be counted.
      defer: () => {},
      ...(options.identityToken ? { identityToken: options.identityToken } : {}),
      ...samples,
      ...(options.tools ? { tools: options.tools } : {}),
      ...(options.fetch ? { fetch: options.fetch } : {}),
      ...(options.fetchDocument ? { fetchDocument: options.fetchDocument } : {}),
    });
  };
  let apps = Array.from({ length: options.instances ?? 1 }, () => newApp({}));
  let turn = 0;
  server.on('request', (incoming, outgoing) => {
    const app = apps[turn++ % apps.length];
    if (!app) throw new Error('There is no instance.');
    void answer(app, origin, incoming, outgoing, log);
  });

  return {
    origin,
    mcpUrl: `${origin}/mcp`,
    entra,
    storage,
    get apps() {
      return apps;
    },
    logLines,
    clock,
    deploy: (...settings) => {
      apps = settings.map(newApp);
    },
    stop: async () => {
      await Promise.all([stopServer(server), entra.stop()]);
    },
  };
}

function endpointAt(path: string): EndpointName | undefined {
  if (METADATA_OF_GATEWAY.test(path)) return 'resourceMetadata';
  return GATEWAY.test(path) ? 'gateway' : undefined;
}

export const newSecret = () => randomBytes(32).toString('base64url');

async function answer(
  app: App,
  origin: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  log: Parameters<Awaited<ReturnType<App['endpoint']>>>[1]['log'],
): Promise<void> {
  const url = new URL(incoming.url ?? '/', origin);
  const name = ROUTES[url.pathname] ?? endpointAt(url.pathname);
  if (!name) {
    outgoing.writeHead(404).end();
    return;
  }
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const request = new Request(url, {
    method: incoming.method ?? 'GET',
    headers: Object.entries(incoming.headers).map(([key, value]): [string, string] => [key, String(value)]),
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' } : {}),
  } as RequestInit);
  let response: Response;
  try {
    const endpoint = await app.endpoint(name);
    response = await endpoint(request, { correlationId: randomBytes(16).toString('hex'), log });
  } catch (error) {
    response = programFault(toFault(error, log));
  }
  await drain(request);
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  outgoing.writeHead(response.status, headers);
  if (response.body) for await (const chunk of response.body) outgoing.write(chunk);
  outgoing.end();
}

async function stopServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
}
