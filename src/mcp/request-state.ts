import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { personKey } from '../access/person.ts';
import { messagesOf } from '../http/json-rpc.ts';
import { hashOf } from '../keys/hash.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { type RandomBytes, randomText } from '../keys/random.ts';
import type { Exchange } from './exchange.ts';

/** What one round leaves for the next: `requestState`, which travels through the client, sealed. */
export interface RequestState {
  /** Names this state: it may confirm something once. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** What was asked with it, by name; a confirmation with the hash of its words. */
  readonly asked: readonly string[];
  /** What was answered in the rounds before, by the same. */
  readonly answers: Readonly<Record<string, unknown>>;
}

export interface StateKeys {
  keys: () => Promise<KeyRing>;
  random: RandomBytes;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** How long a person has to answer, in milliseconds. */
const LIFETIME_MS = 10 * 60_000;
/** In characters: what answers of several rounds may come to. */
const LONGEST = 64 * 1024;
/** The key's label. */
const PURPOSE = 'request state';
/** What differs from round to round. */
const OF_THE_ROUND: ReadonlySet<string> = new Set(['_meta', 'inputResponses', 'requestState']);

/**
 * Seals what was asked and answered, for this person, client and request alone.
 * @throws ProtocolError when the answers are too long to travel
 */
export async function sealState(
  { keys, random, now }: StateKeys,
  exchange: Exchange,
  { asked, answers }: Pick<RequestState, 'asked' | 'answers'>,
): Promise<string> {
  const state: RequestState = { id: randomText(random, 16), expiresAt: now() + LIFETIME_MS, asked, answers };
  const sealed = (await keys()).seal(PURPOSE, subjectOf(exchange), JSON.stringify(state), random);
  if (sealed.length > LONGEST) {
    const text = `The answers come to more than ${LONGEST} characters, sealed. Send shorter ones.`;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, text);
  }
  return sealed;
}

/**
 * Opens the state that came with a request; `undefined` for one that is too old, for then all is asked anew.
 * @throws ProtocolError for what is no state of ours for this person, client and request
 */
export async function openState(
  { keys, now }: StateKeys,
  exchange: Exchange,
  sealed: string,
): Promise<RequestState | undefined> {
  const opened = sealed.length <= LONGEST ? (await keys()).open(PURPOSE, subjectOf(exchange), sealed) : undefined;
  if (opened === undefined) {
    exchange.context.log.info('request state refused', { client: exchange.token.clientId });
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      'This requestState was not issued for this request. Send the request again without it.',
    );
  }
  const state = JSON.parse(opened) as RequestState;
  return state.expiresAt > now() ? state : undefined;
}

/**
 * What a state belongs to: the person, the client, and the request with its arguments. There is one message alone:
 * the revision that has states has no batches.
 */
function subjectOf({ token, body }: Exchange): string {
  const { method, params } = messagesOf(body)[0] ?? {};
  const request = Object.entries((params ?? {}) as Record<string, unknown>).filter(([name]) => !OF_THE_ROUND.has(name));
  return `${personKey(token.person)}\n${token.clientId}\n${hashOf('mcp request', written([method, Object.fromEntries(request)]))}`;
}

/** The same text for the same value: clients do not keep the order of members from one round to the next. */
function written(value: unknown): string {
  try {
    return JSON.stringify(value, sorted);
  } catch {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The arguments are nested too deeply.');
  }
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
