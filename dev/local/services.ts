/** What stands around the app on a laptop: the storage emulator and the Entra stand-in, as far as they are planned. */
import { startAzurite } from '../azurite/index.ts';
import { startEntra } from '../entra/index.ts';
import type { Plan } from './plan.ts';

/**
 * Resolves when all that is planned answers; each is stopped with the stack, also when the other one fails.
 * @throws Error of the first that did not start
 */
export async function startServices({ azurite, entra }: Plan, stack: AsyncDisposableStack): Promise<void> {
  const starting: Promise<{ stop(): Promise<void> }>[] = [];
  if (azurite) {
    const { tablePort, blobPort, location } = azurite;
    starting.push(
      startAzurite({
        port: tablePort,
        ...(location === undefined ? {} : { location }),
        ...(blobPort === undefined ? {} : { blob: { port: blobPort } }),
      }),
    );
  }
  if (entra) {
    const { redirectUri, ...options } = entra;
    // The second is where people land after they signed out.
    const redirectUris = [redirectUri, new URL('/', redirectUri).href];
    starting.push(startEntra({ ...options, redirectUris }));
  }
  const started = await Promise.allSettled(starting);
  for (const each of started) {
    if (each.status === 'fulfilled') stack.defer(() => each.value.stop());
  }
  for (const each of started) {
    if (each.status === 'rejected') throw each.reason;
  }
}
