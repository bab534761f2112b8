import { createHmac } from 'node:crypto';
import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import {
  ISSUER,
  METADATA_URL,
  type ProtectedResource,
  post,
  RESOURCE,
  startProtectedResource,
  testKeys,
} from '../../support/protected-resource.ts';

const unused = { connectionString: 'UseDevelopmentStorage=true' };
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

/** What the endpoint says to a token: the status, and the error with its description. */
async function answer(resource: ProtectedResource, token: string) {
  const response = await post(resource, token, ping);
  const challenge = response.headers.get('www-authenticate') ?? '';
  if (challenge) {
    expect(challenge).toContain(`resource_metadata="${METADATA_URL}"`);
    expect(challenge).toContain('scope="profile notes:read notes:write"');
  }
  return [response.status, /error="(.*?)"/.exec(challenge)?.[1], /error_description="(.*?)"/.exec(challenge)?.[1]];
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

test('a good token passes', async () => {
  const resource = await startProtectedResource(unused);
  expect(await answer(resource, await resource.token())).toEqual([200, undefined, undefined]);
});

describe('RS-36, RS-37, RS-38: refused', () => {
  async function expectRefused(token: (resource: ProtectedResource) => Promise<string>, why: RegExp) {
    const resource = await startProtectedResource(unused);
    const [status, error, description] = await answer(resource, await token(resource));
    expect([status, error]).toEqual([401, 'invalid_token']);
    expect(description).toMatch(why);
  }

  test('another audience', () => expectRefused(r => r.token({ resource: `${ISSUER}/other` }), /audience/));
  test('another issuer', () => expectRefused(r => r.token({ issuer: 'https://login.example/tenant' }), /issuer/));
  test('expired', () => expectRefused(r => r.token({ issuedAt: 0, expiresAt: r.clock.now / 1000 }), /expired/));
  test('issued in the future', () =>
    expectRefused(r => r.token({ issuedAt: r.clock.now / 1000 + 600, expiresAt: 2 ** 40 }), /not valid yet/));
  test('signed with an unknown key', () =>
    expectRefused(async r => r.token({ keys: await testKeys('another server') }), /signature/));
  test('signed with another key under our kid', () =>
    expectRefused(async r => {
      const { privateKey } = (await testKeys('another server')).signing;
      return r.token({ keys: { ...r.keys, signing: { kid: r.keys.signing.kid, privateKey } } });
    }, /signature/));
  test('revoked', () =>
    expectRefused(r => {
      r.revoked.add('grant');
      return r.token();
    }, /revoked/));
  test('of another type', () =>
    expectRefused(async r => {
      const { kid, privateKey } = r.keys.signing;
      return new SignJWT(decode(await r.token(), 1))
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid })
        .sign(privateKey);
    }, /type/));
  test('without a claim that counts', () =>
    expectRefused(async r => {
      const { kid, privateKey } = r.keys.signing;
      const { gid: _gid, ...claims } = decode(await r.token(), 1);
      return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(privateKey);
    }, /not an access token/));
  test('for several audiences, ours among them', () =>
    expectRefused(async r => {
      const { kid, privateKey } = r.keys.signing;
      return new SignJWT({ ...decode(await r.token(), 1), aud: [RESOURCE, `${ISSUER}/other`] })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .sign(privateKey);
    }, /not an access token/));
  test('algorithm none', () =>
    expectRefused(async r => {
      const [, payload] = (await r.token()).split('.');
      return `${encode({ alg: 'none', typ: 'at+jwt', kid: r.keys.signing.kid })}.${payload}.`;
    }, /not an access token|signature/));
  test('HS256 with the public key as its secret', () =>
    expectRefused(async r => {
      const [jwk] = r.keys.jwks.keys;
      const [, payload] = (await r.token()).split('.');
      const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: r.keys.signing.kid })}.${payload}`;
      const signature = createHmac('sha256', Buffer.from(jwk?.x ?? '', 'base64url'))
        .update(input)
        .digest('base64url');
      return `${input}.${signature}`;
    }, /signature/));
  test('altered', () =>
    expectRefused(async r => {
      const [header, payload, signature] = (await r.token({ scopes: [] })).split('.');
      const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
      return `${header}.${encode({ ...claims, scope: 'notes:write' })}.${signature}`;
    }, /signature/));
  test('of somebody else’s: the log says whose it is by its own word, and never the token', async () => {
    const resource = await startProtectedResource(unused);
    const { privateKey } = await generateKeyPair('RS256');
    const claims = {
      iss: 'https://sts.windows.net/tenant/',
      aud: 'api://another',
      scp: 'User.Read',
      exp: 2_000_000_000,
    };
    const jwt = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'of-entra' })
      .sign(privateKey);
    expect((await answer(resource, jwt))[0]).toBe(401);
    const line = resource.lines.find(each => each.includes('access token refused')) ?? '';
    for (const said of ['of-entra', claims.iss, claims.aud, claims.scp, '2000000000']) expect(line).toContain(said);
    expect(line).not.toContain(jwt.split('.')[2]);
  });

  test.each<unknown>([1, null, [], {}, { toString: 1, valueOf: 1 }, ''])('a kid that is %j', kid =>
    expectRefused(async r => {
      const [, payload, signature] = (await r.token()).split('.');
      return `${encode({ alg: 'ES256', typ: 'at+jwt', kid })}.${payload}.${signature}`;
    }, /signature/),
  );
  test.each<unknown>([1, null, { toString: 1 }])('a typ that is %j', typ =>
    expectRefused(async r => {
      const [, payload, signature] = (await r.token()).split('.');
      return `${encode({ alg: 'ES256', typ, kid: r.keys.signing.kid })}.${payload}.${signature}`;
    }, /not an access token|type|signature/),
  );
  test.each(['x', 'a.b.c', 'a b', '"', 'e30.e30.e30'])('nonsense: %j', token =>
    expectRefused(async () => token, /not an access token|signature/),
  );
});

function decode(jwt: string, part: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[part] ?? '', 'base64url').toString());
}

describe('the log says what came and what was expected, and never the token', () => {
  const lineOf = async (make: (resource: ProtectedResource) => Promise<string>) => {
    const resource = await startProtectedResource(unused);
    const token = await make(resource);
    await post(resource, token, ping);
    const line = resource.lines.find(each => each.includes('access token refused')) ?? '{}';
    for (const part of token.split('.')) if (part.length > 8) expect(line).not.toContain(part);
    return JSON.parse(line) as Record<string, unknown>;
  };
  const at = (r: ProtectedResource) => r.clock.now / 1000;

  test.each<[string, (r: ProtectedResource) => Promise<string>, Record<string, unknown>]>([
    ['issuer', r => r.token({ issuer: 'https://login.example' }), { got: 'https://login.example', expected: ISSUER }],
    ['audience', r => r.token({ resource: `${ISSUER}/x` }), { got: `${ISSUER}/x`, expected: RESOURCE }],
    ['expired', r => r.token({ issuedAt: 0, expiresAt: at(r) - 500 }), { expired: '1767225100', now: '1767225600' }],
    ['not yet valid', r => r.token({ issuedAt: at(r) + 600, expiresAt: 2 ** 40 }), { issued: '1767226200' }],
    [
      'signature',
      async r => r.token({ keys: await testKeys('another server') }),
      { got: expect.stringContaining('kid '), expected: 'a key of this server' },
    ],
    [
      'type',
      async r => {
        const { kid, privateKey } = r.keys.signing;
        const claims = decode(await r.token(), 1);
        return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid }).sign(privateKey);
      },
      { got: 'JWT', expected: 'at+jwt' },
    ],
    [
      'revoked',
      r => {
        r.revoked.add('grant');
        return r.token();
      },
      { client: 'client', grant: 'grant' },
    ],
    ['needs a proof', r => r.token({ jkt: 'thumbprint' }), { client: 'client' }],
  ])('%s', async (fault, token, details) => {
    expect(await lineOf(token)).toMatchObject({ fault, ...details });
  });

  test('scopes', async () => {
    const resource = await startProtectedResource(unused);
    const body = { ...ping, method: 'tools/call', params: { name: 'save_user_note', arguments: { note: 'x' } } };
    expect((await post(resource, await resource.token({ scopes: ['notes:read'] }), body)).status).toBe(403);
    const line = resource.lines.find(each => each.includes('scopes missing')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ client: 'client', got: ['notes:read'], needed: ['notes:write'] });
  });
});

test('another scheme is no token at all', async () => {
  const resource = await startProtectedResource(unused);
  const response = await resource.fetch(RESOURCE, { method: 'POST', headers: { authorization: 'Basic YTpi' } });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).not.toContain('error');
});

test('two tokens in one request are none', async () => {
  const resource = await startProtectedResource(unused);
  const headers = new Headers({ authorization: `Bearer ${await resource.token()}` });
  headers.append('authorization', `Bearer ${await resource.token()}`);
  expect((await resource.fetch(RESOURCE, { method: 'POST', headers })).status).toBe(401);
});

test('the name of the scheme may be written in any case', async () => {
  const resource = await startProtectedResource(unused);
  const response = await post(resource, undefined, ping, { authorization: `bEARER ${await resource.token()}` });
  expect(response.status).toBe(200);
});

describe('a token that was good once', () => {
  test('is refused when it has expired', async () => {
    const resource = await startProtectedResource(unused);
    const token = await resource.token();
    expect((await answer(resource, token))[0]).toBe(200);
    resource.clock.now += 3600_000;
    expect(await answer(resource, token)).toMatchObject([401, 'invalid_token', expect.stringContaining('expired')]);
  });

  test('is refused when it is revoked', async () => {
    const resource = await startProtectedResource(unused);
    const token = await resource.token();
    expect((await answer(resource, token))[0]).toBe(200);
    resource.revoked.add('grant');
    expect(await answer(resource, token)).toMatchObject([401, 'invalid_token', expect.stringContaining('revoked')]);
  });

  test('is refused when its key is gone', async () => {
    let keys = await testKeys();
    const resource = await startProtectedResource(unused, { keys: async () => keys });
    const token = await resource.token();
    expect((await answer(resource, token))[0]).toBe(200);
    keys = await testKeys('rotated');
    expect(await answer(resource, token)).toMatchObject([401, 'invalid_token', expect.stringContaining('signature')]);
  });

  test('is not mistaken for one that differs in its last character', async () => {
    const resource = await startProtectedResource(unused);
    const token = await resource.token();
    await answer(resource, token);
    // The first two bits of the last character count, and these two differ in them.
    const other = token.endsWith('A') ? 'Q' : 'A';
    expect((await answer(resource, token.slice(0, -1) + other))[0]).toBe(401);
  });

  test('is still good after a thousand others', async () => {
    const resource = await startProtectedResource(unused);
    const token = await resource.token();
    await answer(resource, token);
    for (let n = 0; n < 1_001; n++) await post(resource, await resource.token({ tokenId: `${n}` }), ping);
    expect((await answer(resource, token))[0]).toBe(200);
  });
});
