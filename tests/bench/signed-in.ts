import { type AccessToken, signAccessToken } from '../../src/access/access-token.ts';
import { createApp, type EndpointName, type Surroundings } from '../../src/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { createKeyRing } from '../../src/keys/key-ring.ts';
import { createLogger } from '../../src/log.ts';
import { SETTINGS } from './settings.ts';
import type { Handle } from './turns.ts';

export interface SignedInOptions {
  /** Beside the settings that every benchmark has. */
  readonly settings: Record<string, string>;
  readonly endpoint: EndpointName;
  /** What the token is for. */
  readonly resource: (config: Config) => string;
  readonly scopes: readonly string[];
  readonly served?: Partial<Surroundings>;
}

interface SignedIn {
  readonly url: string;
  readonly token: string;
  readonly handle: Handle;
  /** Writes what waits for storage. */
  stop(): Promise<void>;
}

/** An endpoint of the app as it is, and a token that it accepts. */
export async function startSignedIn(options: SignedInOptions): Promise<SignedIn> {
  const { config } = loadConfig({ ...SETTINGS, ...options.settings });
  if (!config.secrets) throw new Error('The settings have no secret.');
  const log = createLogger('warn', (_level, line) => console.error(line));
  const app = createApp(config, { log, version: 'bench', ...options.served });
  const endpoint = await app.endpoint(options.endpoint);
  const url = options.resource(config);
  const issuedAt = Math.floor(Date.now() / 1000);
  const token: AccessToken = {
    person: { tid: 'tenant', oid: 'ada', name: 'Ada', email: 'ada@example.com' },
    clientId: 'client',
    grantId: 'grant',
    tokenId: 'token',
    resource: url,
    scopes: options.scopes,
    roles: [],
    signedInAt: issuedAt,
    issuedAt,
    expiresAt: issuedAt + 3600,
  };
  return {
    url,
    token: await signAccessToken(await createKeyRing(config.secrets), config.origin, token),
    handle: request => endpoint(request, { correlationId: '1'.repeat(32), log }),
    stop: app.flush,
  };
}
