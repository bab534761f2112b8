import { expect, test } from 'vitest';
import { claimsChallenge } from '../../../src/mcp/claims-challenge.ts';

const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const encoded = Buffer.from(CLAIMS).toString('base64');
const challenge = `Bearer realm="", authorization_uri="https://login.example/authorize", error="insufficient_claims", claims="${encoded}"`;

const answer = (status: number, header?: string) =>
  new Response(null, { status, headers: header === undefined ? {} : { 'www-authenticate': header } });

test('reads what an API asks for', () => {
  expect(claimsChallenge(answer(401, challenge))).toBe(CLAIMS);
});

test.each([
  ['another status', answer(403, challenge)],
  ['no challenge', answer(401)],
  ['another error', answer(401, challenge.replace('insufficient_claims', 'invalid_token'))],
  ['no claims', answer(401, 'Bearer error="insufficient_claims"')],
  ['claims that are not base64', answer(401, 'Bearer error="insufficient_claims", claims="{}"')],
])('%s: nothing', (_what, response) => {
  expect(claimsChallenge(response)).toBeUndefined();
});
