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

/**
 * The app of `app/`, built as the deployed one is, on the streaming local host, and a proxy before it that sends the
 * token of a person who signed in.
 */
export async function startFixture(connectionString: string): Promise<AuthenticatingProxy> {
  await using started = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'conformance-app-'));
  started.defer(() => rm(root, { recursive: true }));
  const [port = 0] = await freePorts(1);
  const origin = `http://localhost:${port}`;
  const newSecret = () => randomBytes(32).toString('base64url');
  const [entra] = await Promise.all([
    startEntra({ redirectUris: [`${origin}/auth/callback`], clientSecret: newSecret() }),
    build({ outdir: root, entry: APP }),
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
    },
    // What fails on purpose is not shown; what fails otherwise shows in the suite's checks.
    onOutput: line => line.includes('"level":"error"') && console.error(line),
  });
  started.defer(() => host.stop());
  const { tokens } = await connect({ origin, mcpUrl: `${origin}/mcp` });
  const proxy = await startAuthenticatingProxy(`${origin}/mcp`, tokens.access_token);
  const rest = started.move();
  return {
    ...proxy,
    stop: async () => {
      await proxy.stop();
      await rest.disposeAsync();
    },
  };
}
