import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  type Client,
  codeForm,
  obtainCode,
  register,
  token,
} from '../support/flows.ts';

/** A code without the verifier of its own request is worth nothing (RFC 7636; RFC 9700 section 2.1.1). */
let server: AppServer;
let client: Client;
let confidential: Client;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  [client, confidential] = [
    await register(server),
    await register(server, { token_endpoint_auth_method: 'client_secret_post' }),
  ];
});
afterAll(() => server.stop());

const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');
const newVerifier = () => randomBytes(32).toString('base64url');

describe('the authorization request', () => {
  test.each([
    ['no challenge', { code_challenge: undefined }],
    ['neither challenge nor method', { code_challenge: undefined, code_challenge_method: undefined }],
    ['an empty challenge', { code_challenge: '' }],
    ['no method, which would mean plain', { code_challenge_method: undefined }],
    ['the method plain', { code_challenge_method: 'plain' }],
    ['a method in lower case', { code_challenge_method: 's256' }],
    ['a method that nobody knows', { code_challenge_method: 'S512' }],
    ['two methods in one', { code_challenge_method: 'S256 plain' }],
    ['a challenge with padding', { code_challenge: `${challengeOf('x')}=` }],
    ['a challenge in plain base64', { code_challenge: `${'+/'.repeat(21)}A` }],
    ['a challenge of 42 characters', { code_challenge: 'A'.repeat(42) }],
    ['a challenge of 44 characters', { code_challenge: 'A'.repeat(44) }],
    ['a challenge with a line end', { code_challenge: `${'A'.repeat(43)}\n` }],
  ])('with %s is refused, of a confidential client too', async (_name, change) => {
    for (const each of [client, confidential]) {
      const response = await fetch(authorizationUrl(server, each, change).url, { redirect: 'manual' });
      expect(response.status).toBe(400);
      expect(await response.text()).not.toContain('decision');
    }
  });

  test.each(['code_challenge', 'code_challenge_method'])('with two of %s is refused', async name => {
    const { url } = authorizationUrl(server, client);
    const values = { code_challenge: challengeOf('other'), code_challenge_method: 'plain' };
    const more = new URLSearchParams([[name, values[name as keyof typeof values]]]);
    for (const twice of [`${url}&${more}`, url.replace('?', `?${more}&`)]) {
      expect((await fetch(twice, { redirect: 'manual' })).status).toBe(400);
    }
  });

  test('metadata offers S256 and nothing else', async () => {
    const metadata = await (await fetch(`${server.origin}/.well-known/oauth-authorization-server`)).json();
    expect(metadata).toMatchObject({ code_challenge_methods_supported: ['S256'] });
  });
});

describe('the token request', () => {
  test.each<[string, (verifier: string) => string | undefined]>([
    ['without a verifier', () => undefined],
    ['with an empty verifier', () => ''],
    ['with the challenge itself, as if it had been plain', challengeOf],
    ['with a verifier in another case', verifier => verifier.toUpperCase()],
    ['with a line end behind the verifier', verifier => `${verifier}\n`],
    ['with white space behind the verifier', verifier => `${verifier} `],
    ['with padding behind the verifier', verifier => `${verifier}=`],
    ['with part of the verifier', verifier => verifier.slice(0, 42)],
    ['with a NUL behind the verifier', verifier => `${verifier}\0`],
    ['with the verifier of another sign-in', newVerifier],
  ])('%s is refused, and the code still works with its own', async (_name, bend) => {
    for (const each of [client, confidential]) {
      const code = await obtainCode(server, each);
      const form = { ...codeForm(each, code), client_secret: each.client_secret };
      const { status, body } = await token(server, { ...form, code_verifier: bend(code.verifier) });
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
      expect((await token(server, form)).status).toBe(200);
    }
  });

  test.each([
    [42, false],
    [43, true],
    [128, true],
    [129, false],
  ])('a verifier of %i characters that fits: %s', async (length, fits) => {
    const verifier = 'v'.repeat(length);
    const { url } = authorizationUrl(server, client, { code_challenge: challengeOf(verifier) });
    const back = new URL(await approveAndSignIn(new Browser(), url));
    const code = back.searchParams.get('code') ?? '';
    expect((await token(server, codeForm(client, { code, verifier }))).status).toBe(fits ? 200 : 400);
  });

  test.each([' ', '+', '/', 'é', '%'])('a verifier with "%s" in it is refused, whatever its hash', async character => {
    const verifier = character + 'v'.repeat(60);
    const { url } = authorizationUrl(server, client, { code_challenge: challengeOf(verifier) });
    const back = new URL(await approveAndSignIn(new Browser(), url));
    const code = back.searchParams.get('code') ?? '';
    expect((await token(server, codeForm(client, { code, verifier }))).body.error).toBe('invalid_grant');
  });
});
