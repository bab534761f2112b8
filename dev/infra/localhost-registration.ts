/** An app registration for a laptop, made with the Azure CLI. */

/** One call of `az`: its arguments, and how a person reads what it gives. */
export interface AzCommand {
  readonly args: readonly string[];
  /** The value that it prints, in words; absent when that is of no interest. */
  readonly gives?: string;
}

/** Runs `az` with arguments and returns what it prints, trimmed. */
export type Az = (args: readonly string[]) => Promise<string>;

export interface Registration {
  readonly tenantId: string;
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string;
}

export interface RegistrationOptions {
  /** Where Entra ID sends people back, on this machine. */
  readonly redirectUri: string;
  /** Whether it has no secret, for tenants that forbid them: then PKCE stands alone. */
  readonly publicClient: boolean;
}

/** People read it when they sign in. The CLI finds an application by it again, so a second run mends the first. */
const NAME = 'entra-mcp-localhost';

const readTenant: AzCommand = {
  args: ['account', 'show', '--query', 'tenantId', '--output', 'tsv'],
  gives: 'the tenant ID',
};

/** Files instead of JSON on the command line, which each shell quotes in its own way. */
function createApplication({ redirectUri, publicClient }: RegistrationOptions): AzCommand {
  const redirect = publicClient ? '--public-client-redirect-uris' : '--web-redirect-uris';
  return {
    args: [
      ...['ad', 'app', 'create', '--display-name', NAME, '--sign-in-audience', 'AzureADMyOrg'],
      ...[redirect, redirectUri, new URL('/', redirectUri).href, '--is-fallback-public-client', String(publicClient)],
      ...['--enable-id-token-issuance', 'false', '--enable-access-token-issuance', 'false'],
      ...['--requested-access-token-version', '2'],
      ...['--required-resource-accesses', '@dev/infra/registration/permissions.json'],
      ...['--optional-claims', '@dev/infra/registration/claims.json'],
      ...['--query', 'appId', '--output', 'tsv'],
    ],
    gives: 'the client ID',
  };
}

const createServicePrincipal = (clientId: string): AzCommand => ({ args: ['ad', 'sp', 'create', '--id', clientId] });

const createSecret = (clientId: string): AzCommand => ({
  args: [
    ...['ad', 'app', 'credential', 'reset', '--id', clientId, '--append', '--display-name', 'localhost'],
    ...['--years', '1', '--query', 'password', '--output', 'tsv'],
  ],
  gives: 'the client secret, shown this once',
});

/** All commands, as a person would type them one after the other. */
export function commandsFor(options: RegistrationOptions): AzCommand[] {
  const clientId = '<client ID>';
  return [
    readTenant,
    createApplication(options),
    createServicePrincipal(clientId),
    ...(options.publicClient ? [] : [createSecret(clientId)]),
  ];
}

/**
 * Makes the registration in the tenant that the Azure CLI is signed in to.
 * @throws whatever `az` throws; a second run goes on where the first one stopped
 */
export async function register(az: Az, options: RegistrationOptions): Promise<Registration> {
  const tenantId = await az(readTenant.args);
  const clientId = await az(createApplication(options).args);
  await az(createServicePrincipal(clientId).args).catch(error => {
    // Left by an earlier run.
    if (!/already in use|already exists/i.test(String(error))) throw error;
  });
  if (options.publicClient) return { tenantId, clientId };
  return { tenantId, clientId, clientSecret: await az(createSecret(clientId).args) };
}

/** A command as it is typed, in any shell. */
export function typed({ args }: AzCommand): string {
  return ['az', ...args.map(arg => (/^[\w./:-]+$/.test(arg) ? arg : `"${arg}"`))].join(' ');
}

/**
 * `local.settings.example.json` for this registration.
 * @returns the file's content
 */
export function localSettings(example: string, registration: Registration, redirectUri: string): string {
  const settings = JSON.parse(example);
  Object.assign(settings.Values, {
    AUTH_TENANT_ID: registration.tenantId,
    AUTH_CLIENT_ID: registration.clientId,
    AUTH_CLIENT_SECRET: registration.clientSecret ?? '',
    AUTH_AUTHORITY_HOST: '',
    AUTH_REDIRECT_URI: redirectUri,
    SERVER_PORT: new URL(redirectUri).port,
  });
  settings.Host.LocalHttpPort = Number(new URL(redirectUri).port);
  return `${JSON.stringify(settings, null, 2)}\n`;
}
