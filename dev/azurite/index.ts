/** The storage emulator: Azurite's table service, and its blob service when asked, each in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const HOST = '127.0.0.1';

export interface Account {
  /** 3 to 24 lower-case letters and digits. */
  name: string;
  /** Base64. */
  key: string;
}

export interface AzuriteOptions {
  /** The table service's port; 0 or absent: a free one. */
  port?: number;
  /** Folder to keep the data in; absent: in memory, gone with the process. */
  location?: string;
  /** Starts the blob service too. */
  blob?: boolean | { port?: number };
  /** Absent: the emulator's well-known account alone. */
  accounts?: Account[];
}

export interface Azurite {
  /** The table service's port. */
  port: number;
  /** For the first account. */
  connectionString: string;
  /** Closes the services, writes what is in memory to `location`, and waits until the processes have ended. */
  stop(): Promise<void>;
}

/** The account every storage emulator has; its key is public and opens nothing else. */
export const emulatorAccount: Account = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

/** The connection string of `account` on services listening on these loopback ports. */
export function connectionStringFor(account: Account, ports: { table: number; blob?: number | undefined }): string {
  const parts = ['DefaultEndpointsProtocol=http', `AccountName=${account.name}`, `AccountKey=${account.key}`];
  parts.push(`TableEndpoint=http://${HOST}:${ports.table}/${account.name}`);
  if (ports.blob !== undefined) parts.push(`BlobEndpoint=http://${HOST}:${ports.blob}/${account.name}`);
  return `${parts.join(';')};`;
}

/**
 * Starts the emulator on loopback and resolves when it answers.
 * @throws Error naming the port when it is in use, or with Azurite's own words when it ends before it has started
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const accounts = options.accounts ?? [emulatorAccount];
  const [first] = accounts;
  if (first === undefined) throw new Error('Azurite needs one account at least.');
  if (options.location !== undefined) await mkdir(options.location, { recursive: true });

  const common = { location: options.location, accounts };
  const table = await startService('table', { ...common, port: options.port ?? 0 });
  let blob: Service | undefined;
  if (options.blob) {
    const port = options.blob === true ? 0 : (options.blob.port ?? 0);
    try {
      blob = await startService('blob', { ...common, port });
    } catch (error) {
      await table.stop();
      throw error;
    }
  }
  return {
    port: table.port,
    connectionString: connectionStringFor(first, { table: table.port, blob: blob?.port }),
    stop: async () => {
      await Promise.all([table.stop(), blob?.stop()]);
    },
  };
}

interface Service {
  port: number;
  stop(): Promise<void>;
}

async function startService(
  kind: 'table' | 'blob',
  options: { port: number; location: string | undefined; accounts: Account[] },
): Promise<Service> {
  const flags = [`--${kind}Host`, HOST, `--${kind}Port`, String(options.port)];
  flags.push('--silent', '--disableTelemetry', '--skipApiVersionCheck');
  flags.push(...(options.location === undefined ? ['--inMemoryPersistence'] : ['--location', options.location]));

  const child = fork(fileURLToPath(new URL('service.ts', import.meta.url)), [kind, ...flags], {
    env: {
      ...process.env,
      AZURITE_ACCOUNTS: options.accounts.map(account => `${account.name}:${account.key}`).join(';'),
      // This one would move the blob service's data to a SQL server.
      AZURITE_DB: undefined,
    },
    execArgv: [],
    // A process group of its own: Ctrl-C reaches the parent alone, which stops the emulator after what uses it.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });

  const exited = once(child, 'exit');
  const port = await Promise.race([
    once(child, 'message').then(([message]) => (message as { port: number }).port),
    // 'close' comes after 'exit', when all that it said has been read.
    once(child, 'close').then(() => undefined),
  ]);
  if (port === undefined) throw new Error(explain(kind, options.port, complaint));
  return {
    port,
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

function explain(kind: string, port: number, complaint: string): string {
  if (complaint.includes('EADDRINUSE')) {
    return `Port ${port} on ${HOST} is in use, so Azurite's ${kind} service cannot start there. Stop what listens on it, or choose another port.`;
  }
  return `Azurite's ${kind} service did not start: ${complaint.trim() || 'it said nothing.'}`;
}
