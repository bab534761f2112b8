import { randomBytes } from 'node:crypto';
import { connectionStringFor, emulatorAccount, startAzurite } from '../../../dev/azurite/index.ts';
import { type Entra, type EntraOptions, startEntra } from '../../../dev/entra/index.ts';
import { openTables, type Tables } from '../../../src/storage/tables.ts';
import { startBalancer } from './balancer.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type Instance, startInstance } from './instance.ts';
import { createLeakWatch, type LeakWatch } from './leaks.ts';

/**
 * What each scenario runs on: instances of the built app as processes of their own behind an alternating balancer, the
 * table emulator in memory and the stand-in for Entra ID, each behind a proxy that can make it fail.
 */
export interface Rig {
  /** The public origin: the balancer's. */
  readonly origin: string;
  readonly mcpUrl: string;
  readonly instances: readonly Instance[];
  /** The first of them; there always is one. */
  readonly instance: Instance;
  /** Starts one more, with settings of its own, and puts it behind the balancer unless `aside`. */
  addInstance(settings?: Record<string, string>, aside?: boolean): Promise<Instance>;
  /** Which of the instances get requests; all that are up unless this is called. */
  balance(instances: readonly Instance[]): void;
  readonly entra: Entra;
  /** Milliseconds by which the stand-in's clock goes ahead. */
  entraShift: number;
  /** On the way from the instances to the stand-in, and of browsers too. */
  readonly toEntra: FaultProxy;
  readonly storage: {
    /** On the way from the instances to the emulator. */
    readonly proxy: FaultProxy;
    /** Past the proxy. */
    readonly connectionString: string;
    /** The tables as the app sees them, past the proxy. */
    readonly tables: Tables;
  };
  /** The settings that the instances have, for one that is started by other means. */
  readonly settings: Readonly<Record<string, string>>;
  /** The last 20,000 lines that the instances wrote. */
  readonly lines: readonly string[];
  /** Looks at every line for secrets; `add` what must never be seen. At the end the kept lines are looked at again. */
  readonly leaks: LeakWatch;
  stop(): Promise<void>;
}

export interface RigOptions {
  /** Two unless it says otherwise. */
  instances?: number;
  settings?: Record<string, string>;
  /** What the balancer turns at: each request, or each connection, which costs less. */
  balance?: 'requests' | 'connections';
  /** Without the proxy before storage: for load. Trips are not counted then. */
  directStorage?: boolean;
  entra?: Partial<EntraOptions>;
  /** The public origin's; a free one unless given. */
  port?: number;
}

/** How many lines are kept. */
const LINES = 20_000;

/** @param bundle the folder of the built app */
export async function startRig(bundle: string, options: RigOptions = {}): Promise<Rig> {
  await using started = new AsyncDisposableStack();
  /** What ends with the rig; instances may come later. */
  const stack = new AsyncDisposableStack();
  started.defer(() => stack.disposeAsync());
  const azurite = await startAzurite();
  stack.defer(() => azurite.stop());
  const storageProxy = await startFaultProxy(() => azurite.port);
  stack.defer(() => storageProxy.stop());

  const balancer = await startBalancer({ connections: options.balance === 'connections', port: options.port ?? 0 });
  stack.defer(() => balancer.stop());
  const origin = `http://localhost:${balancer.port}`;

  const state = { entraPort: 0, entraShift: 0 };
  const toEntra = await startFaultProxy(() => state.entraPort);
  stack.defer(() => toEntra.stop());
  const entra = await startEntra({
    url: `http://localhost:${toEntra.port}`,
    redirectUris: [`${origin}/auth/callback`, `${origin}/`],
    clientSecret: secret(),
    now: () => Date.now() + state.entraShift,
    ...options.entra,
  });
  stack.defer(() => entra.stop());
  state.entraPort = entra.port;

  const { connectionString } = azurite;
  const settings: Record<string, string> = {
    AUTH_TENANT_ID: entra.tenantId,
    AUTH_CLIENT_ID: entra.clientId,
    AUTH_CLIENT_SECRET: entra.clientSecret ?? '',
    AUTH_AUTHORITY_HOST: entra.url,
    AUTH_REDIRECT_URI: `${origin}/auth/callback`,
    AzureWebJobsStorage: options.directStorage
      ? connectionString
      : connectionStringFor(emulatorAccount, { table: storageProxy.port }),
    JWT_SECRET_KEY: secret(),
    LOG_LEVEL: 'debug',
    ...options.settings,
  };
  const leaks = createLeakWatch([settings.AUTH_CLIENT_SECRET ?? '', settings.JWT_SECRET_KEY ?? '']);
  const lines: string[] = [];
  const onLine = (line: string) => {
    leaks.look(line);
    lines.push(line);
    if (lines.length > LINES) lines.splice(0, LINES / 2);
  };
  const { PATH = '', HOME = '' } = process.env;
  const newInstance = async (own: Record<string, string> = {}) => {
    const instance = await startInstance({ bundle, env: { PATH, HOME, ...settings, ...own }, onLine });
    stack.defer(() => instance.stop());
    return instance;
  };
  const instances = await Promise.all(Array.from({ length: options.instances ?? 2 }, () => newInstance()));
  const [first] = instances;
  if (!first) throw new Error('A rig has one instance at least.');
  balancer.serve(instances);

  started.move();
  return {
    origin,
    mcpUrl: `${origin}/mcp`,
    instances,
    instance: first,
    addInstance: async (own, aside = false) => {
      const instance = await newInstance(own);
      if (!aside) {
        instances.push(instance);
        balancer.serve(instances);
      }
      return instance;
    },
    balance: balancer.serve,
    entra,
    get entraShift() {
      return state.entraShift;
    },
    set entraShift(ms) {
      state.entraShift = ms;
    },
    toEntra,
    storage: { proxy: storageProxy, connectionString, tables: openTables({ connection: { connectionString } }) },
    settings,
    lines,
    leaks,
    stop: () => stack.disposeAsync(),
  };
}

const secret = () => randomBytes(32).toString('base64url');
