import { createHash } from 'node:crypto';
import type { KeyRing } from '../../keys/key-ring.ts';
import { type RandomBytes, randomText } from '../../keys/random.ts';
import { SIGNIN_SECONDS, type Signin, type StartedSignin } from '../../storage/signins.ts';
import { PATHS } from '../paths.ts';
import type { AuthorizationRequest } from './authorization-request.ts';

/** What only we and Entra's token endpoint are to know of a sign-in under way. */
export interface UpstreamSecrets {
  readonly nonce: string;
  /** PKCE verifier towards Entra. */
  readonly verifier: string;
}

const PURPOSE = 'upstream secrets';

/** A sign-in that begins now. `request` is absent when a person signs in without a client, who then goes on to the page `to`. */
export function startSignin(
  keys: KeyRing,
  random: RandomBytes,
  {
    id,
    binding,
    now,
    request,
    approver,
    reliesOn,
    to,
    prompt,
    interaction,
  }: { id: string; binding: string; now: number; request?: AuthorizationRequest } & Pick<
    Signin,
    'approver' | 'reliesOn' | 'to' | 'prompt' | 'interaction'
  >,
): StartedSignin {
  const secrets: UpstreamSecrets = { nonce: randomText(random, 32), verifier: randomText(random, 32) };
  return {
    stage: 'started',
    binding,
    createdAt: now,
    upstream: keys.seal(PURPOSE, id, JSON.stringify(secrets), random),
    ...(request ? { request: JSON.stringify(request) } : {}),
    ...(approver ? { approver } : {}),
    ...(reliesOn ? { reliesOn } : {}),
    ...(to ? { to } : {}),
    ...(prompt ? { prompt } : {}),
    ...(interaction ? { interaction } : {}),
  };
}

/** Where a person who signed in without a client goes on. */
export function pageAfter(origin: string, { to }: Pick<Signin, 'to'>): string {
  return `${origin}${to ? PATHS[to] : '/'}`;
}

/** Whether the person took too long. */
export function isExpired(signin: { createdAt: number }, now: number): boolean {
  return now >= signin.createdAt + SIGNIN_SECONDS * 1000;
}

/** The sealed secrets of a sign-in; `undefined` where they were sealed for another row or under a key that is gone. */
export function upstreamSecrets(keys: KeyRing, id: string, signin: { upstream: string }): UpstreamSecrets | undefined {
  const opened = keys.open(PURPOSE, id, signin.upstream);
  return opened === undefined ? undefined : (JSON.parse(opened) as UpstreamSecrets);
}

/** The PKCE challenge of a verifier (RFC 7636 section 4.2, S256). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** The client's request that a sign-in serves. */
export function requestOf(signin: { request?: string }): AuthorizationRequest | undefined {
  return signin.request === undefined ? undefined : (JSON.parse(signin.request) as AuthorizationRequest);
}
