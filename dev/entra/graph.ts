/** Microsoft Graph, as far as the app and its examples ask it: groups, profile, photo and calendar of the token's person. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { eventsBetween } from './calendar.ts';
import type { Paths } from './paths.ts';
import type { Person } from './people.ts';
import { GRAPH, type SigningKey } from './tokens.ts';

export interface GraphOptions {
  people: Person[];
  /** The authentication context that somebody's tokens need, and how Graph asks for it. */
  challengeOf(person: Person): { context: string; claims: string } | undefined;
  paths: Paths;
  key: SigningKey;
  now(): number;
}

interface Call {
  person: Person;
  url: URL;
  body: string;
}

interface Route {
  scope: string;
  answer(call: Call, res: ServerResponse): void;
}

const ROUTES: Record<string, Route> = {
  'POST /me/checkMemberGroups': { scope: 'User.Read', answer: memberGroups },
  'GET /me': { scope: 'User.Read', answer: profile },
  'GET /me/photos/48x48/$value': { scope: 'User.Read', answer: photo },
  'GET /me/calendarView': { scope: 'Calendars.Read', answer: calendarView },
};

/** Answers what is in {@link ROUTES}; all else is 404, a token that is not for Graph 401, one without the scope 403. */
export function graphHandler(options: GraphOptions) {
  return async (req: IncomingMessage, res: ServerResponse, form: URLSearchParams): Promise<void> => {
    const claims = await claimsOf(req, options);
    const person = options.people.find(({ oid }) => oid === claims?.oid);
    if (!claims || !person) return refuse(res, 401, 'InvalidAuthenticationToken', 'Access token is empty or invalid.');
    const challenge = options.challengeOf(person);
    if (challenge && !(Array.isArray(claims.acrs) && claims.acrs.includes(challenge.context))) {
      // Who does not say that they understand it gets no challenge.
      const isUnderstood = Array.isArray(claims.xms_cc) && claims.xms_cc.includes('CP1');
      if (isUnderstood) res.setHeader('www-authenticate', insufficientClaims(challenge.claims));
      return refuse(res, 401, 'InvalidAuthenticationToken', 'The token lacks claims that are needed.');
    }
    const url = new URL(req.url ?? '/', 'http://localhost');
    const route = ROUTES[`${req.method} ${url.pathname.slice(options.paths.graph.length)}`];
    if (!route) return refuse(res, 404, 'Request_ResourceNotFound', 'Resource not found.');
    if (!String(claims.scp).split(' ').includes(route.scope)) {
      return refuse(res, 403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
    }
    route.answer({ person, url, body: form.get('json') || '{}' }, res);
  };
}

/** A claims challenge: the claims in base64. */
function insufficientClaims(claims: string): string {
  const uri = 'https://login.microsoftonline.com/common/oauth2/authorize';
  const encoded = Buffer.from(claims).toString('base64');
  return `Bearer realm="", authorization_uri="${uri}", error="insufficient_claims", claims="${encoded}"`;
}

function memberGroups({ person, body }: Call, res: ServerResponse): void {
  const { groupIds = [] } = JSON.parse(body) as { groupIds?: string[] };
  if (groupIds.length > 20) return void refuse(res, 400, 'Request_BadRequest', 'Too many group ids.');
  answer(res, 200, { value: groupIds.filter(group => person.groups?.includes(group)) });
}

function profile({ person }: Call, res: ServerResponse): void {
  const { oid, name, username, jobTitle = null, officeLocation = null } = person;
  answer(res, 200, { id: oid, displayName: name, userPrincipalName: username, jobTitle, officeLocation });
}

function photo({ person }: Call, res: ServerResponse): void {
  if (!person.photo) return void refuse(res, 404, 'ImageNotFound', 'The photo was not found.');
  res.writeHead(200, { 'content-type': 'image/png' }).end(person.photo);
}

function calendarView({ url }: Call, res: ServerResponse): void {
  const time = (name: string) => Date.parse(url.searchParams.get(name) ?? '');
  const [start, end] = [time('startDateTime'), time('endDateTime')];
  if (Number.isNaN(start + end)) {
    return void refuse(res, 400, 'ErrorInvalidParameter', 'This request requires a time window.');
  }
  answer(res, 200, { value: eventsBetween(start, end).slice(0, Number(url.searchParams.get('$top') ?? 10)) });
}

async function claimsOf(req: IncomingMessage, { key, now }: GraphOptions): Promise<JWTPayload | undefined> {
  const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
  if (!token) return undefined;
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = key.jwk;
  const verified = await jwtVerify(token, createLocalJWKSet({ keys: [jwk] }), {
    audience: GRAPH,
    currentDate: new Date(now()),
  }).catch(() => undefined);
  return verified?.payload;
}

function refuse(res: ServerResponse, status: number, code: string, message: string): void {
  answer(res, status, { error: { code, message } });
}

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
