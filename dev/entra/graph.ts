/** Microsoft Graph, as far as the app asks it: in which groups the token's person is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import type { Paths } from './paths.ts';
import type { Person } from './people.ts';
import type { SigningKey } from './tokens.ts';

export interface GraphOptions {
  people: Person[];
  paths: Paths;
  key: SigningKey;
  now(): number;
}

const GRAPH = '00000003-0000-0000-c000-000000000000';

/** Answers `POST /me/checkMemberGroups`; all else is 404, and a token that is not for Graph 401. */
export function graphHandler(options: GraphOptions) {
  return async (req: IncomingMessage, res: ServerResponse, form: URLSearchParams): Promise<void> => {
    const claims = await claimsOf(req, options);
    const person = options.people.find(({ oid }) => oid === claims?.oid);
    if (!claims || !person)
      return answer(res, 401, error('InvalidAuthenticationToken', 'Access token is empty or invalid.'));
    const path = new URL(req.url ?? '/', 'http://localhost').pathname.slice(options.paths.graph.length);
    if (req.method === 'POST' && path === '/me/checkMemberGroups') {
      if (!allows(claims, 'User.Read'))
        return answer(
          res,
          403,
          error('Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
        );
      const { groupIds = [] } = JSON.parse(form.get('json') || '{}') as { groupIds?: string[] };
      if (groupIds.length > 20) return answer(res, 400, error('Request_BadRequest', 'Too many group ids.'));
      return answer(res, 200, { value: groupIds.filter(group => person.groups?.includes(group)) });
    }
    return answer(res, 404, error('Request_ResourceNotFound', 'Resource not found.'));
  };
}

function allows(claims: JWTPayload, scope: string): boolean {
  return String(claims.scp).split(' ').includes(scope);
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

const error = (code: string, message: string) => ({ error: { code, message } });

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
