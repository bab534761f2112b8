/** What the client keeps between two runs: its registration and its tokens, one file for each server. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StoredOAuthClientInformation, StoredOAuthTokens } from '@modelcontextprotocol/client';

export interface Credentials {
  /** The client as the authorization server registered it. */
  client?: StoredOAuthClientInformation | undefined;
  tokens?: StoredOAuthTokens | undefined;
}

export interface CredentialStore {
  load(): Promise<Credentials>;
  save(credentials: Credentials): Promise<void>;
}

/** Credentials in a file that nobody else can read. */
export class CredentialFile implements CredentialStore {
  readonly path: string;

  /** @param folder see {@link configFolder} */
  constructor(serverUrl: URL, folder: string) {
    // The whole URL counts, so it is hashed; the host is there for people who look into the folder.
    const hash = createHash('sha256').update(serverUrl.href).digest('hex').slice(0, 16);
    this.path = join(folder, `${serverUrl.hostname.replaceAll(/[^\w.-]/g, '_')}-${hash}.json`);
  }

  /** Empty when there is no file, or none that can be understood: then a new sign-in mends it. */
  async load(): Promise<Credentials> {
    try {
      return JSON.parse(await readFile(this.path, 'utf8')) as Credentials;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
  }

  /** Whoever reads at the same time sees the old file or the new one, never half of it. */
  async save(credentials: Credentials): Promise<void> {
    const folder = dirname(this.path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const next = `${this.path}.${process.pid}`;
    try {
      await writeFile(next, JSON.stringify(credentials, null, 2), { mode: 0o600, flag: 'wx' });
      await rename(next, this.path);
    } finally {
      await rm(next, { force: true });
    }
  }
}

/** The folder where programs of this system keep what belongs to the user. */
export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  const name = 'mcp-example-client';
  if (process.platform === 'win32') return join(env.APPDATA ?? join(homedir(), 'AppData', 'Roaming'), name);
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', name);
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), name);
}
