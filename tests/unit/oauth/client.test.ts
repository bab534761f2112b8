import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ClientMetadata,
  parseClientMetadata,
  publicClientId,
  publicMetadata,
} from '../../../src/oauth/clients/client-metadata.ts';

const GOOD = {
  redirect_uris: ['http://localhost:1234/cb'],
  token_endpoint_auth_method: 'none',
  client_name: 'A client',
};

function parsed(body: unknown): ClientMetadata {
  const result = parseClientMetadata(body);
  if ('problem' in result) throw new Error(result.problem);
  return result.metadata;
}
const idOf = (body: unknown) => publicClientId(publicMetadata(parsed(body)));

describe('what is read of a registration (RFC 7591 section 2)', () => {
  test('unknown members, unknown grant types and nulls are no mistake', () => {
    expect(
      parsed({
        ...GOOD,
        code_challenge_method: ['S256'],
        client_uri: null,
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      }),
    ).toEqual({ ...GOOD, grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] });
  });

  test('what is empty counts as absent, and is not repeated', () => {
    const empty = { client_name: '', client_uri: '', scope: '', grant_types: [], response_types: [], contacts: [] };
    expect(parsed({ ...GOOD, ...empty })).toEqual({
      redirect_uris: GOOD.redirect_uris,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    });
  });

  test('a scheme of the operator’s may be registered, by any other nobody', () => {
    const body = { ...GOOD, redirect_uris: ['contoso-agent://cb'] };
    expect(parseClientMetadata(body)).toHaveProperty('problem');
    expect(parseClientMetadata(body, ['contoso-agent'])).toHaveProperty('metadata.redirect_uris', [
      'contoso-agent://cb',
    ]);
  });

  test('every member that is kept has a limit, so that a row does', () => {
    const long = 'x'.repeat(20_000);
    for (const [name, value] of Object.entries(parsed({ ...GOOD, scope: 'a', client_uri: 'https://a.example' }))) {
      const body = { ...GOOD, [name]: Array.isArray(value) ? [...value, long] : long };
      expect(parseClientMetadata(body), name).toHaveProperty('problem');
    }
    for (const name of ['software_id', 'software_version', 'application_type']) {
      expect(parseClientMetadata({ ...GOOD, [name]: long }), name).toHaveProperty('problem');
    }
  });

  test.each([
    ['no redirect URI', { ...GOOD, redirect_uris: [] }, true],
    ['none at all', { client_name: 'x' }, true],
    ['21 redirect URIs', { ...GOOD, redirect_uris: Array(21).fill('https://a.example/cb') }, true],
    ['a redirect URI that is a script', { ...GOOD, redirect_uris: ['javascript:alert(1)'] }, true],
    ['a name of 201 characters', { ...GOOD, client_name: 'x'.repeat(201) }, false],
    ['a name that turns the direction of writing', { ...GOOD, client_name: 'evil\u202egood' }, false],
    ['a name with a zero-width space', { ...GOOD, client_name: 'Mic\u200brosoft' }, false],
    ['a name with a filler that shows nothing', { ...GOOD, client_name: 'Mic\u3164rosoft' }, false],
    ['a name of blanks of Braille', { ...GOOD, client_name: '\u2800\u2800' }, false],
    ['a client_uri that is a script', { ...GOOD, client_uri: 'javascript:alert(1)' }, false],
    ['an unknown authentication method', { ...GOOD, token_endpoint_auth_method: 'private_key_jwt' }, false],
    ['no authorization_code', { ...GOOD, grant_types: ['client_credentials'] }, false],
    ['a token response type', { ...GOOD, response_types: ['token'] }, false],
    ['a list', [GOOD], false],
    ['nothing', null, false],
    ['a text', 'x', false],
  ])('%s is refused', (_name, body, aboutRedirectUris) => {
    const result = parseClientMetadata(body);
    expect(result).toHaveProperty('problem');
    if ('problem' in result && body !== null && !Array.isArray(body) && typeof body === 'object') {
      expect(result.aboutRedirectUris).toBe(aboutRedirectUris);
    }
  });

  test('nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), body => {
        parseClientMetadata(body);
      }),
      { seed: 2, numRuns: 1000 },
    );
  });
});

test('an emoji in its name is no mistake', () => {
  expect(parsed({ ...GOOD, client_name: 'Notes ❤️' })).toMatchObject({ client_name: 'Notes ❤️' });
});

describe('the id of a public client', () => {
  test('is the same whatever the loopback port and the order of members', () => {
    const { redirect_uris, ...rest } = GOOD;
    expect(idOf({ ...rest, redirect_uris: ['http://localhost:9/cb'] })).toBe(idOf(GOOD));
    expect(idOf({ redirect_uris, ...rest })).toBe(idOf(GOOD));
    expect(idOf({ ...GOOD, unknown: 1 })).toBe(idOf(GOOD));
  });

  test.each([
    { client_name: 'Another client' },
    { redirect_uris: ['http://127.0.0.1:1234/cb'] },
    { redirect_uris: ['http://localhost:1234/other'] },
    { grant_types: ['authorization_code', 'refresh_token'] },
    { client_uri: 'https://a.example' },
  ])('is another one with %o', change => {
    expect(idOf({ ...GOOD, ...change })).not.toBe(idOf(GOOD));
  });
});
