import { type PersonId, personKey } from '../access/person.ts';
import type { GatewayUpstream } from '../config.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RandomBytes } from '../keys/random.ts';

/** The key's label. */
const PURPOSE = 'gateway session';
/** MCP Streamable HTTP, session management: visible ASCII. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;

/** Whether an upstream may call a session so. */
export const isSessionId = (id: string) => SESSION_ID.test(id);

/** An upstream's session id, sealed for one person at this upstream: so nothing has to be kept here. */
export function sealSessionId(
  keys: KeyRing,
  random: RandomBytes,
  person: PersonId,
  upstream: GatewayUpstream,
  id: string,
): string {
  return keys.seal(PURPOSE, boundTo(person, upstream), id, random);
}

/** The upstream's own id; `undefined` for what was not sealed for this person at this upstream. */
export function openSessionId(
  keys: KeyRing,
  person: PersonId,
  upstream: GatewayUpstream,
  sealed: string,
): string | undefined {
  return /^[\w-]{1,2048}$/.test(sealed) ? keys.open(PURPOSE, boundTo(person, upstream), sealed) : undefined;
}

function boundTo(person: PersonId, { name, url }: GatewayUpstream): string {
  return `${personKey(person)}\n${name}\n${url}`;
}
