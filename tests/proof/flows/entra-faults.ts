import { randomUUID } from 'node:crypto';
import type { Fault, Passing } from '../rig/fault-proxy.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';

/** A way in which Entra fails. */
export interface EntraFault {
  readonly name: string;
  /** Whether instances are to be started anew before it, so that they have no keys of Entra's yet. */
  readonly atStart?: boolean;
  /** Whether it is taken for no answer at all; otherwise a sign-in is refused with an error of this server. */
  readonly isOutage: boolean;
  begin(rig: Rig): Promise<() => unknown> | (() => unknown);
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const html = (status: number): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><title>Hello</title>',
});

const isAt = ({ path }: Passing, end: string) => path.split('?', 1)[0]?.endsWith(end) === true;
export const isTokenRequest = (passing: Passing) => isAt(passing, '/oauth2/v2.0/token');
export const isKeysRequest = (passing: Passing) => isAt(passing, '/discovery/v2.0/keys');

const onTokens =
  (fault: Fault): EntraFault['begin'] =>
  rig =>
    rig.toEntra.inject(passing => (isTokenRequest(passing) ? fault : undefined));
const onKeys =
  (fault: Fault): EntraFault['begin'] =>
  rig =>
    rig.toEntra.inject(passing => (isKeysRequest(passing) ? fault : undefined));

/** Passes token requests on, and puts another id token into the answers. */
export function changeIdTokens(rig: Rig, change: (idToken: string) => string): () => void {
  const http = createLoadClient(50);
  return rig.toEntra.inject(async passing => {
    if (!isTokenRequest(passing)) return undefined;
    const { path, body } = passing;
    const headers = Object.fromEntries(
      Object.entries(passing.headers).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const answer = await http.send({
      url: `http://localhost:${rig.entra.port}${path}`,
      headers,
      body: body.toString(),
    });
    const { id_token: idToken, ...rest } = JSON.parse(answer.body) as Record<string, unknown>;
    return json(answer.status, typeof idToken === 'string' ? { ...rest, id_token: change(idToken) } : rest);
  });
}

/** The same token, as if signed with a key that nobody has heard of: another one each time. */
export function withUnknownKey(jwt: string): string {
  const [, payload, signature] = jwt.split('.');
  const header = Buffer.from(JSON.stringify({ typ: 'JWT', alg: 'RS256', kid: randomUUID() })).toString('base64url');
  return [header, payload, signature].join('.');
}

export const ENTRA_FAULTS: readonly EntraFault[] = [
  {
    name: '429',
    isOutage: true,
    begin: onTokens(json(429, { error: 'temporarily_unavailable' }, { 'retry-after': '7' })),
  },
  { name: '500', isOutage: true, begin: onTokens(json(500, { error: 'server_error' })) },
  { name: '503', isOutage: true, begin: onTokens(html(503)) },
  { name: 'nothing', isOutage: true, begin: onTokens({ kind: 'hang' }) },
  { name: 'a reset', isOutage: true, begin: onTokens({ kind: 'reset' }) },
  { name: 'a lost answer', isOutage: true, begin: onTokens({ kind: 'drop' }) },
  { name: 'a page', isOutage: true, begin: onTokens(html(200)) },
  { name: 'a JSON object of something else', isOutage: false, begin: onTokens(json(200, { hello: 'world' })) },
  { name: 'an id token of no form', isOutage: false, begin: rig => changeIdTokens(rig, () => 'hello') },
  { name: 'an unknown key', isOutage: false, begin: rig => changeIdTokens(rig, withUnknownKey) },
  {
    name: 'a wrong key',
    isOutage: false,
    begin: async rig => {
      await rig.entra.spoilIdTokens({ forged: true });
      return () => rig.entra.spoilIdTokens(undefined);
    },
  },
  { name: 'no keys: 503', isOutage: true, atStart: true, begin: onKeys(html(503)) },
  { name: 'no keys: nothing', isOutage: true, atStart: true, begin: onKeys({ kind: 'hang' }) },
  { name: 'keys of no form', isOutage: true, atStart: true, begin: onKeys(json(200, { keys: ['hello', null] })) },
];
