import { type Entra, startEntra } from '../../dev/entra/index.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';

/** Where people reach an app that is deployed. */
export const PUBLIC_ORIGIN = 'https://mcp.example';

/**
 * The app as it is behind https, with an Entra of its own that leads back there.
 * Requests reach it at its address on loopback, as they do behind a front end.
 */
export async function startDeployed(settings: Record<string, string> = {}): Promise<AppServer> {
  const callback = `${PUBLIC_ORIGIN}/auth/callback`;
  const clientSecret = newSecret();
  const entra: Entra = await startEntra({ redirectUris: [callback], clientSecret });
  const server = await startAppServer({
    settings: {
      AUTH_AUTHORITY_HOST: entra.url,
      AUTH_CLIENT_SECRET: clientSecret,
      AUTH_REDIRECT_URI: callback,
      ...settings,
    },
  });
  return {
    ...server,
    entra,
    stop: async () => {
      await Promise.all([server.stop(), entra.stop()]);
    },
  };
}

/** A public URL of a deployed app as it is reached here. */
export function reached(server: AppServer, url: string): string {
  return url.replace(PUBLIC_ORIGIN, server.origin);
}
