import type { Person } from '../../access/person.ts';
import type { SignedIn } from '../../entra/id-token.ts';
import { cookie, readCookie } from '../../http/cookies.ts';
import { hashOf } from '../../keys/hash.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { randomText } from '../../keys/random.ts';
import { SESSION_SECONDS, type SessionId, sessionHour } from '../../storage/sessions.ts';
import type { OAuthServices } from '../services.ts';

/** A person's session with the pages: in a cookie `HOUR.SECRET`, its hash in storage, eight hours long. */
export interface BrowserSession {
  readonly id: SessionId;
  readonly person: Person;
  /** Milliseconds since the epoch. */
  readonly signedInAt: number;
}

type Services = Pick<OAuthServices, 'sessions' | 'cookies' | 'now' | 'random'>;

/** Begins a session and gives the cookie for it. */
export async function beginSession({ sessions, cookies, now, random }: Services, who: SignedIn): Promise<string> {
  const at = now();
  const secret = randomText(random, 32);
  const value = `${sessionHour(at)}.${secret}`;
  await sessions.insert(sessionId(value), {
    person: JSON.stringify(who.person),
    createdAt: at,
    expiresAt: at + SESSION_SECONDS * 1000,
    ...(who.sid ? { sid: who.sid } : {}),
  });
  return cookie(cookies.session, value, SESSION_SECONDS);
}

/** The session of a request's cookie; `undefined` without one that lives. */
export async function currentSession(
  { sessions, cookies, now }: Services,
  request: Request,
): Promise<BrowserSession | undefined> {
  const value = readCookie(request, cookies.session);
  if (!value || !/^\d{6}\.[\w-]{43}$/.test(value)) return undefined;
  const id = sessionId(value);
  const session = await sessions.read(id);
  if (!session || session.expiresAt <= now()) return undefined;
  return { id, person: JSON.parse(session.person) as Person, signedInAt: session.createdAt };
}

/** What only the person may have who signed in less than this ago: tokens for scripts, and having all deleted. */
const FRESH_MS = 15 * 60_000;

/** Whether a session began less than 15 minutes ago. */
export function isFresh({ now }: Pick<Services, 'now'>, { signedInAt }: BrowserSession): boolean {
  return now() < signedInAt + FRESH_MS;
}

/** Ends a session and gives the cookie that takes its cookie away. */
export async function endSession({ sessions, cookies }: Services, { id }: BrowserSession): Promise<string> {
  await sessions.remove(id);
  return cookie(cookies.session, '', 0);
}

const CSRF = 'csrf';

/** What a form of this session carries, so that only our own pages can post it. */
export function csrfToken(keys: KeyRing, { id }: BrowserSession): string {
  return keys.tag(CSRF, id.hash).tag;
}

export function isCsrfToken(keys: KeyRing, { id }: BrowserSession, token: string | undefined): boolean {
  return token !== undefined && keys.verifyTag(CSRF, id.hash, token);
}

function sessionId(value: string): SessionId {
  return { hour: value.slice(0, 6), hash: hashOf('session', value) };
}
