import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../build.ts';
import { startEntra } from '../../dev/entra/index.ts';
import { spawnFunctionsHost } from '../../dev/functions-host/index.ts';
import { freePorts } from '../../dev/local/ports.ts';
import { connect } from '../support/flows.ts';
import { type AuthenticatingProxy, startAuthenticatingProxy } from './authenticating-proxy.ts';

const APP = join(import.meta.dirname, 'app/functions.ts');
const DEPLOYED = join(import.meta.dirname, '../../functions/index.ts');

/** The app of `app/`, and a proxy before it that sends the token of a person who signed in. */
export function startFixture(connectionString: string): Promise<AuthenticatingProxy> {
  return startSignedIn(connectionString, { entry: APP, path: '/mcp', scope: 'profile notes:read notes:write' });
}

/** The app that is deployed, with a gateway to what is there already, and the same kind of proxy before it. */
export function startGateway(connectionString: string, { url }: AuthenticatingProxy): Promise<AuthenticatingProxy> {
  const settings = {
    GATEWAY_UPSTREAMS: `behind=${url}`,
    // So that lists of tools are looked at.
    GATEWAY_TOOLS: JSON.stringify({ behind: { deny: { '*': ['nothing'] } } }),
  };
  return startSignedIn(connectionString, { entry: DEPLOYED, path: '/behind/mcp', scope: 'behind:use', settings });
}

interface SignedIn {
  entry: string;
  /** The endpoint's, at the app. */
  path: string;
  scope: string;
  settings?: Record<string, string>;
}

/** An app, built as the deployed one is, on the streaming local host, with a person who has signed in to one endpoint of it. */
async function startSignedIn(
  connectionString: string,
  { entry, path, scope, settings = {} }: SignedIn,
): Promise<AuthenticatingProxy> {
  await using started = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'conformance-app-'));
  started.defer(() => rm(root, { recursive: true }));
  const [port = 0] = await freePorts(1);
  const origin = `http://localhost:${port}`;
  const newSecret = () => randomBytes(32).toString('base64url');
  const [entra] = await Promise.all([
    startEntra({ redirectUris: [`${origin}/auth/callback`], clientSecret: newSecret() }),
    build({ outdir: root, entry }),
  ]);
  started.defer(() => entra.stop());
  const host = await spawnFunctionsHost({
    root,
    port,
    env: {
      AUTH_TENANT_ID: entra.tenantId,
      AUTH_CLIENT_ID: entra.clientId,
      AUTH_CLIENT_SECRET: entra.clientSecret,
      AUTH_AUTHORITY_HOST: entra.url,
      AUTH_REDIRECT_URI: `${origin}/auth/callback`,
      AzureWebJobsStorage: connectionString,
      JWT_SECRET_KEY: newSecret(),
      MCP_RATE_LIMIT: '0',
      LOG_LEVEL: 'error',
      ...settings,
    },
    // What fails on purpose is not shown; what fails otherwise shows in the suite's checks.
    onOutput: line => line.includes('"level":"error"') && console.error(line),
  });
  started.defer(() => host.stop());
  const { tokens } = await connect({ origin, mcpUrl: `${origin}${path}` }, 'ada', { scope });
  const proxy = await startAuthenticatingProxy(`${origin}${path}`, tokens.access_token);
  const rest = started.move();
  return {
    ...proxy,
    stop: async () => {
      await proxy.stop();
      await rest.disposeAsync();
    },
  };
}
