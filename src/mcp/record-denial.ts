import type { Surroundings } from './call-context.ts';
import type { Exchange } from './exchange.ts';

/** Puts on record that somebody called what their roles do not open. */
export function recordDenial(
  { record }: Pick<Surroundings, 'record'>,
  { token, context }: Exchange,
  tool: string,
): Promise<void> {
  const { person, clientId: client, grantId: grant, resource } = token;
  return record(context, 'tool denied', { person, client, grant, resource, tool });
}
