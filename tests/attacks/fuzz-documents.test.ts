import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readKeySet } from '../../src/oauth/clients/assertion-keys.ts';
import type { ClientMetadata } from '../../src/oauth/clients/client-metadata.ts';
import { ClientDocumentError } from '../../src/oauth/clients/documents/client-document-error.ts';
import { readDocumentMetadata } from '../../src/oauth/clients/documents/document-metadata.ts';
import { publicUrlProblem } from '../../src/oauth/clients/documents/public-url.ts';
import { redirectUriProblem } from '../../src/oauth/clients/redirect-uri.ts';
import { NASTY, URIS, withMember } from '../support/broken-requests.ts';
import { documentOf } from '../support/document-hosts.ts';

/** What a stranger's host serves, right but for a part: it is read for what it says, or refused as the client's mistake. */
const EACH = { seed: 12, numRuns: 10_000 };
const ID = 'https://client.example/id';

const KEYS = {
  ec: { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43), kid: 'ec', alg: 'ES256', use: 'sig' },
  ed: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'ed' },
  rsa: { kty: 'RSA', n: `v${'A'.repeat(341)}`, e: 'AQAB', kid: 'rsa', key_ops: ['verify'] },
};
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];

const ODD = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 2 }), fc.array(NASTY, { maxLength: 3 }));

/** A key with a member that is odd, in JSON: a private one at times, or one of another kind. */
const key = fc
  .tuple(
    fc.constantFrom(...Object.values(KEYS)),
    fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops', 'k', '__proto__', ...PRIVATE),
    fc.oneof(
      ODD,
      fc.constantFrom(
        'EC',
        'RSA',
        'OKP',
        'oct',
        'P-256',
        'P-384',
        'Ed25519',
        'Ed448',
        'EdDSA',
        'PS256',
        'HS256',
        'enc',
      ),
    ),
  )
  .map(([whole, name, value]) => withMember(whole, name, value));
const keySet = fc.oneof(
  { weight: 8, arbitrary: fc.array(key, { maxLength: 4 }).map(keys => `{"keys":[${keys}]}`) },
  { weight: 1, arbitrary: fc.array(key, { minLength: 19, maxLength: 22 }).map(keys => `{"keys":[${keys}]}`) },
  { weight: 1, arbitrary: ODD.map(value => JSON.stringify({ keys: value })) },
  { weight: 1, arbitrary: ODD.map(value => JSON.stringify(value)) },
);

/** What became of them all. */
interface Outcome {
  read: number;
  refused: Set<string>;
}

/** Reads texts of JSON. Each gives something that passes, or is refused in words for a page; no other error comes. */
function readAll<T>(texts: fc.Arbitrary<string>, read: (json: unknown) => T, isRight: (made: T) => boolean): Outcome {
  const outcome: Outcome = { read: 0, refused: new Set() };
  fc.assert(
    fc.property(texts, json => {
      let made: T;
      try {
        made = read(JSON.parse(json));
      } catch (error) {
        if (!(error instanceof ClientDocumentError)) throw error;
        outcome.refused.add(error.message);
        // Of what is foreign only a scheme is repeated, which is letters and digits.
        return /^The application’s [\x20-\x7e]{10,200}\.$/.test(error.message);
      }
      outcome.read++;
      return isRight(made);
    }),
    EACH,
  );
  return outcome;
}

const areUsable = (keys: ReturnType<typeof readKeySet>) =>
  keys.length > 0 &&
  keys.length <= 20 &&
  keys.every(each => ['EC', 'OKP', 'RSA'].includes(String(each.kty)) && !PRIVATE.some(name => name in each));

test('sets of keys: 10,000', () => {
  const { read, refused } = readAll(keySet, readKeySet, areUsable);
  expect(read).toBeGreaterThan(1_000);
  expect(refused.size).toBe(3);
});

test('metadata documents: 10,000', () => {
  const whole = documentOf(ID, {
    client_uri: 'https://client.example',
    response_types: ['code'],
    scope: 'profile',
    application_type: 'native',
    software_id: 'x',
    software_version: '1',
    dpop_bound_access_tokens: true,
    contacts: ['x'],
  });
  const names = [...Object.keys(whole), 'client_secret', 'jwks', 'jwks_uri', 'token_endpoint_auth_signing_alg'];
  const bent = fc
    .tuple(fc.constantFrom(...names, '__proto__', 'constructor', 'toString'), ODD)
    .map(([name, value]) => withMember(whole, name, value));
  const elsewhere = fc
    .array(URIS, { minLength: 1, maxLength: 3 })
    .map(uris => withMember(whole, 'redirect_uris', uris));
  const signing = { ...whole, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256' };
  const withKeys = keySet.map(keys => `${JSON.stringify(signing).slice(0, -1)},"jwks":${keys}}`);
  const withAddress = URIS.map(uri => withMember(signing, 'jwks_uri', uri));
  const documents = fc.oneof(
    bent,
    elsewhere,
    withKeys,
    withAddress,
    ODD.map(value => JSON.stringify(value)),
  );

  const isRight = (made: ClientMetadata) =>
    made.redirect_uris.length > 0 &&
    made.redirect_uris.every(uri => redirectUriProblem(uri) === undefined) &&
    (made.token_endpoint_auth_method === 'none'
      ? !made.jwks && !made.jwks_uri
      : made.jwks
        ? areUsable(made.jwks.keys) && !made.jwks_uri
        : publicUrlProblem(made.jwks_uri ?? '') === undefined) &&
    !('client_secret' in made);
  const { read, refused } = readAll(documents, json => readDocumentMetadata(json, ID, []), isRight);
  expect(read).toBeGreaterThan(1_000);
  expect(refused.size).toBeGreaterThan(40);
});
