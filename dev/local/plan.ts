/** What will run on the laptop, where, and with which settings: worked out and checked before anything is started. */
import { join } from 'node:path';
import { type Config, ConfigError, loadConfig } from '../../src/config.ts';
import { isLoopbackHost } from '../../src/http/loopback.ts';
import { connectionStringFor, emulatorAccount } from '../azurite/index.ts';
import { defaultTenantId } from '../entra/people.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A port that something will listen on, and the setting that moves it. */
export interface PlannedPort {
  setting: string;
  port: number;
  what: string;
}

export interface Plan {
  /** The app: where it listens, and the address of its MCP endpoint as clients know it. */
  app: { host: string; port: number; url: string; mcpUrl: string };
  /** What the gateway serves, each at an address of its own. */
  gateway: readonly { name: string; mcpUrl: string }[];
  /** The Entra stand-in; absent: people sign in at the real Entra. */
  entra?: { port: number; tenantId: string; clientId: string; clientSecret?: string; redirectUri: string };
  /** The storage emulator; absent: the storage account is one's own. */
  azurite?: { tablePort: number; blobPort?: number; location?: string };
  /** The app's environment, whole. */
  env: Environment;
  ports: PlannedPort[];
  /** What a person should know of settings that do not mean what they may think. */
  warnings: readonly string[];
}

export interface PlanOptions {
  /** What the app shows the stand-in; absent: the app is a public client there. */
  clientSecret?: string;
  /** Folder of the emulator's data; absent: in memory. */
  location?: string;
  /** The blob service too, which the real Functions host keeps its timers in. */
  blob?: boolean;
}

/** The app's own registration at the stand-in: fixed, so that what people saved is theirs after a restart. */
const standInClientId = '5d3f1c62-8e0a-4b97-a1c4-7f29d6e80b35';

/** Settings that say who we are at the real Entra: not for the stand-in. */
const credentials = [
  'AUTH_ALLOWED_TENANTS',
  'AUTH_CLIENT_SECRET',
  'AUTH_CLIENT_CERTIFICATE',
  'AUTH_MANAGED_IDENTITY_CLIENT_ID',
  'AUTH_AUTHORITY_HOST',
];

/**
 * @param env usually `process.env`: the app's settings, and the ports that are set here alone
 * @throws ConfigError with every problem at once
 */
export function planFor(env: Environment, options: PlanOptions): Plan {
  const problems: string[] = [];
  const given = (name: string) => env[name]?.trim() || undefined;
  const port = (name: string, fallback: number) => {
    const text = given(name);
    if (text === undefined) return fallback;
    if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
    problems.push(`${name} is not valid. Expected: a port from 1 to 65535. Example: ${fallback}`);
    return fallback;
  };

  const host = given('SERVER_HOST') ?? 'localhost';
  const appPort = given('SERVER_PORT') ?? '7071';
  const entraPort = port('ENTRA_PORT', 7073);
  const tablePort = port('AZURITE_TABLE_PORT', 10_002);
  const blobPort = port('AZURITE_BLOB_PORT', 10_000);
  const redirectUri = given('AUTH_REDIRECT_URI') ?? `http://${host}:${appPort}/auth/callback`;
  const ports: PlannedPort[] = [];
  const warnings: string[] = [];
  // A laptop may not reach the hosts of clients' documents, and clients that name one do not fall back to registering.
  const documents = given('CLIENT_METADATA_DOCUMENTS') ?? 'off';
  const appEnv: Record<string, string | undefined> = {
    ...env,
    SERVER_HOST: host,
    SERVER_PORT: appPort,
    CLIENT_METADATA_DOCUMENTS: documents,
  };
  const plan: Pick<Plan, 'entra' | 'azurite'> = {};

  // One of the two alone is a mistake that the app's own check then names.
  if (!given('AUTH_TENANT_ID') && !given('AUTH_CLIENT_ID')) {
    for (const name of credentials.filter(given)) {
      warnings.push(
        `${name} is not used: it belongs to a real Entra, which AUTH_TENANT_ID and AUTH_CLIENT_ID would name.`,
      );
    }
    const registration = { tenantId: defaultTenantId, clientId: standInClientId, redirectUri };
    const secret = options.clientSecret === undefined ? {} : { clientSecret: options.clientSecret };
    plan.entra = { port: entraPort, ...registration, ...secret };
    appEnv.AUTH_TENANT_ID = registration.tenantId;
    appEnv.AUTH_CLIENT_ID = registration.clientId;
    appEnv.AUTH_CLIENT_SECRET = options.clientSecret;
    appEnv.AUTH_ALLOWED_TENANTS = undefined;
    appEnv.AUTH_CLIENT_CERTIFICATE = undefined;
    appEnv.AUTH_MANAGED_IDENTITY_CLIENT_ID = undefined;
    appEnv.AUTH_AUTHORITY_HOST = `http://localhost:${entraPort}`;
    ports.push({ setting: 'ENTRA_PORT', port: entraPort, what: 'the Entra stand-in' });
  }
  if (!given('AzureWebJobsStorage') && !given('AzureWebJobsStorage__tableServiceUri')) {
    const blob = options.blob ? { blobPort } : {};
    plan.azurite = { tablePort, ...blob, ...(options.location ? { location: options.location } : {}) };
    appEnv.AzureWebJobsStorage = connectionStringFor(emulatorAccount, { table: tablePort, blob: blob.blobPort });
    ports.push({ setting: 'AZURITE_TABLE_PORT', port: tablePort, what: 'the table emulator' });
    if (options.blob) ports.push({ setting: 'AZURITE_BLOB_PORT', port: blobPort, what: 'the blob emulator' });
  }

  const app = checked(appEnv, problems);
  if (app === undefined) throw new ConfigError(problems);
  const { origin, upstreams } = app;
  const url = `http://${host}:${appPort}`;
  const { hostname, port: publicPort } = new URL(origin);
  if (isLoopbackHost(hostname) && origin !== url) {
    problems.push(
      `AUTH_REDIRECT_URI leads to ${origin}, but the app is at ${url}. Expected: ${url}/auth/callback, ` +
        `or SERVER_HOST=${hostname} and SERVER_PORT=${publicPort || 80}`,
    );
  }
  ports.unshift({ setting: 'SERVER_PORT', port: Number(appPort), what: 'the function app' });
  problems.push(...twice(ports));
  if (problems.length > 0) throw new ConfigError(problems);

  return {
    ...plan,
    app: { host, port: Number(appPort), url, mcpUrl: `${origin}/mcp` },
    gateway: upstreams.map(({ name, resource }) => ({ name, mcpUrl: resource })),
    env: appEnv,
    ports,
    warnings: [...warnings, ...app.warnings],
  };
}

/** Where `npm start` and its like keep the emulator's data. */
export const dataFolder = join(import.meta.dirname, '../../.local/azurite');

interface CheckedApp {
  origin: string;
  upstreams: Config['gateway']['upstreams'];
  warnings: readonly string[];
}

function checked(env: Environment, problems: string[]): CheckedApp | undefined {
  try {
    const { config, warnings } = loadConfig(env);
    return { origin: config.origin, upstreams: config.gateway.upstreams, warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function twice(ports: PlannedPort[]): string[] {
  return ports.flatMap(({ setting, port }, index) =>
    ports
      .slice(index + 1)
      .filter(other => other.port === port)
      .map(other => `${setting} and ${other.setting} are both ${port}. Expected: a port of its own for each`),
  );
}
