import type { Person } from '../../access/person.ts';
import type { SignedIn } from '../../entra/id-token.ts';
import { cookie, readCookie } from '../../http/cookies.ts';
import { hashOf } from '../../keys/hash.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { randomText } from '../../keys/random.ts';
import { SESSION_SECONDS, type SessionId, sessionHour } from '../../storage/sessions.ts';
import type { Signin } from '../../storage/signins.ts';
import type { OAuthServices } from '../services.ts';

/**
 * A person's session with the pages, eight hours long: in a cookie `HOUR.SECRET`,
 * its hash in storage. An administrator's cookie ends in a tag of this server's,
 * so that whose cookie it is can be told without storage.
 */
export interface BrowserSession {
  readonly id: SessionId;
  readonly person: Person;
  /** Milliseconds since the epoch. */
  readonly signedInAt: number;
  /** When they showed at Entra who they are, where they were asked to: a session of theirs there does not do. */
  readonly provenAt?: number;
  readonly isAdministrator: boolean;
}

type Services = Pick<
  OAuthServices,
  'adminTenants' | 'sessions' | 'revocations' | 'cookies' | 'keys' | 'now' | 'random'
>;

/** The app role at Entra that makes somebody an administrator of this server. */
const ADMINISTRATOR = 'Admin';

/**
 * Whether somebody is an administrator of this server: by the role, in a tenant
 * that the operator has named. With many tenants each gives roles to its own people.
 */
export function isAdministrator(
  { adminTenants }: Pick<OAuthServices, 'adminTenants'>,
  { person, roles }: Pick<SignedIn, 'person' | 'roles'>,
): boolean {
  return roles.includes(ADMINISTRATOR) && adminTenants.includes(person.tid);
}

/**
 * Begins a session and gives the cookie for it. The one that the browser had so
 * far ends with that, whoever's it was: nobody can sign out of it any more.
 *
 * @param signin what it comes of: whether Entra was asked to let the person show who they are
 * @throws UnavailableError
 */
export async function beginSession(
  services: Services,
  request: Request,
  who: SignedIn,
  signin: Pick<Signin, 'prompt'>,
): Promise<string> {
  const { sessions, cookies, keys, now, random } = services;
  const at = now();
  const value = `${sessionHour(at)}.${randomText(random, 32)}`;
  const id = sessionId(value);
  const { tid } = who.person;
  const former = readSessionCookie(services, request);
  await Promise.all([
    sessions.insert(
      id,
      {
        person: JSON.stringify(who.person),
        createdAt: at,
        expiresAt: at + SESSION_SECONDS * 1000,
        // The demand went through the browser, which can leave it out: Entra's own word counts where it gives one.
        ...(signin.prompt === 'login' ? { provenAt: Math.min(at, who.authenticatedAt ?? at) } : {}),
      },
      who.sid ? { hash: entraSessionHash(who.sid), tid } : undefined,
    ),
    former && sessions.remove(former.id),
  ]);
  const tag = isAdministrator(services, who) ? `.${(await keys()).tag(TAG, id.hash).tag}` : '';
  return cookie(cookies.session, value + tag, SESSION_SECONDS);
}

/** The session of a request's cookie; `undefined` without one that lives. */
export async function currentSession(services: Services, request: Request): Promise<BrowserSession | undefined> {
  const presented = readSessionCookie(services, request);
  if (!presented) return undefined;
  const { sessions, revocations, now } = services;
  const session = await sessions.read(presented.id);
  if (!session || session.expiresAt <= now()) return undefined;
  const person = JSON.parse(session.person) as Person;
  // An administrator may have ended all that this person has, this session too.
  if ((await revocations.endedAt({ person, since: session.createdAt })) !== undefined) return undefined;
  const isAdministrator = await hasTag(services, presented);
  const { createdAt: signedInAt, provenAt } = session;
  return {
    id: presented.id,
    person,
    signedInAt,
    ...(provenAt === undefined ? {} : { provenAt }),
    isAdministrator,
  };
}

/** Whether a request's cookie is that of an administrator's session, be it over or not. Costs no trip. */
export async function isFromAdministrator(services: Services, request: Request): Promise<boolean> {
  const presented = readSessionCookie(services, request);
  return presented !== undefined && hasTag(services, presented);
}

interface PresentedCookie {
  readonly id: SessionId;
  readonly tag: string | undefined;
}

const TAG = 'administrator session';

function readSessionCookie({ cookies }: Services, request: Request): PresentedCookie | undefined {
  const value = readCookie(request, cookies.session) ?? '';
  const [, secret, tag] = /^(\d{6}\.[\w-]{43})(?:\.([\w-]{43}))?$/.exec(value) ?? [];
  return secret === undefined ? undefined : { id: sessionId(secret), tag };
}

async function hasTag({ keys }: Services, { id, tag }: PresentedCookie): Promise<boolean> {
  return tag !== undefined && (await keys()).verifyTag(TAG, id.hash, tag);
}

/** What only the person may have who showed who they are less than this ago: tokens for scripts, and having all deleted. */
const FRESH_MS = 15 * 60_000;

/** Whether a session's person showed at Entra less than 15 minutes ago who they are. */
export function isFresh({ now }: Pick<Services, 'now'>, { provenAt }: BrowserSession): boolean {
  return provenAt !== undefined && now() < provenAt + FRESH_MS;
}

/** Ends a session and gives the cookie that takes its cookie away. */
export async function endSession(
  { sessions, cookies }: Pick<Services, 'sessions' | 'cookies'>,
  { id }: BrowserSession,
): Promise<string> {
  await sessions.remove(id);
  return cookie(cookies.session, '', 0);
}

/** What Entra's own session is called here. */
export const entraSessionHash = (sid: string) => hashOf('entra session', sid);

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
