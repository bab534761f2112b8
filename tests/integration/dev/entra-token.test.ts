import {
  ConfidentialClientApplication,
  type INetworkModule,
  type NodeAuthOptions,
  PublicClientApplication,
} from '@azure/msal-node';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Browser } from '../../../dev/browser/index.ts';
import { type Entra, type Fault, startEntra } from '../../../dev/entra/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import {
  authorizeUrl,
  codeForm,
  codeOf,
  type Form,
  REDIRECT_URI,
  refreshForm,
  SECRET,
  stopAt,
  token,
  tokensOf,
  VERIFIER,
} from './entra-fixture.ts';

let entra: Entra;
let publicEntra: Entra;
beforeAll(async () => {
  entra = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET });
  publicEntra = await startEntra({ redirectUris: [REDIRECT_URI] });
});
afterAll(() => Promise.all([entra.stop(), publicEntra.stop()]));
afterEach(() => vi.useRealTimers());

const issuerOf = ({ url, tenantId }: Entra) => `${url}/${tenantId}/v2.0`;

async function verified(jwt: string, at = entra) {
  const keys = createRemoteJWKSet(new URL(`${at.url}/${at.tenantId}/discovery/v2.0/keys`));
  return (await jwtVerify(jwt, keys, { algorithms: ['RS256'] })).payload;
}

describe('the tokens', () => {
  test('answer to a code', async () => {
    const { status, headers, body } = await token(entra, { ...codeForm(entra, await codeOf(entra)), client_info: '1' });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toContain('no-store');
    expect(headers.get('content-type')).toContain('application/json');
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, ext_expires_in: 3600 });
    expect(body.scope.split(' ').sort()).toEqual(['User.Read', 'email', 'openid', 'profile']);
    expect(JSON.parse(Buffer.from(body.client_info ?? '', 'base64url').toString())).toEqual({
      uid: entra.people.ada.oid,
      utid: entra.tenantId,
    });
  });

  test.each(['ada', 'grace', 'foreigner'] as const)('the id token says who %s is', async who => {
    const person = entra.people[who];
    const claims = await verified((await tokensOf(entra, who)).id_token);
    expect(claims).toMatchObject({
      iss: issuerOf(entra),
      aud: entra.clientId,
      tid: person.tid,
      oid: person.oid,
      name: person.name,
      preferred_username: person.username,
      email: person.username,
      nonce: 'the-nonce',
      ver: '2.0',
    });
    expect(claims.tid === entra.tenantId).toBe(who !== 'foreigner');
    expect(claims.sub).not.toBe(person.oid);
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3600);
  });

  test('the answer has more scopes than were asked where a test wants that', async () => {
    entra.giveScopes(['notes:write']);
    expect((await tokensOf(entra)).scope.split(' ')).toContain('notes:write');
    entra.giveScopes([]);
    expect((await tokensOf(entra)).scope.split(' ')).not.toContain('notes:write');
  });

  test('the id token holds only what the scopes give, and sid is of one person in one session', async () => {
    const bare = await verified((await tokensOf(entra, 'ada', { scope: 'openid', nonce: undefined })).id_token);
    for (const claim of ['oid', 'name', 'preferred_username', 'email', 'nonce']) expect(bare).not.toHaveProperty(claim);
    const other = await verified((await tokensOf(entra, 'ada')).id_token);
    expect(bare.sid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(other.sid).not.toBe(bare.sid);
  });

  test('the access token is for Microsoft Graph and not for the application', async () => {
    const claims = await verified((await tokensOf(entra)).access_token);
    expect(claims).toMatchObject({ aud: '00000003-0000-0000-c000-000000000000', scp: 'User.Read', ver: '1.0' });
    expect(claims.aud).not.toBe(entra.clientId);
  });

  test('without offline_access there is no refresh token, without openid no id token', async () => {
    const body = await tokensOf(entra, 'ada', { scope: 'profile User.Read', nonce: undefined });
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('id_token');
    expect(body).not.toHaveProperty('client_info');
  });

  test('bear the time that the stand-in is told', async () => {
    const now = Date.UTC(2030, 0, 1);
    const later = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET, now: () => now });
    try {
      const { iat, exp } = decodeJwt((await tokensOf(later)).id_token);
      expect([iat, exp]).toEqual([now / 1000, now / 1000 + 3600]);
    } finally {
      await later.stop();
    }
  });
});

/** Entra's error at the token endpoint: its status, code and number. */
async function errorOf(at: Entra, form: Form) {
  const { status, body } = await token(at, form);
  expect(body.error_description).toMatch(new RegExp(`^AADSTS${body.error_codes?.[0]}: .+ Trace ID: .+ Timestamp: `));
  expect(Object.keys(body).sort()).toEqual([
    'correlation_id',
    'error',
    'error_codes',
    'error_description',
    'error_uri',
    'timestamp',
    'trace_id',
  ]);
  return [status, body.error, ...body.error_codes];
}

describe('a code is refused', () => {
  test.each<[string, number, string, number, Form]>([
    ['with a resource parameter', 400, 'invalid_request', 901002, { resource: 'https://graph.microsoft.com' }],
    ['with a wrong secret', 401, 'invalid_client', 7000215, { client_secret: 'wrong' }],
    ['without the secret', 401, 'invalid_client', 7000218, { client_secret: undefined }],
    ['of another application', 400, 'unauthorized_client', 700016, { client_id: 'another' }],
    ['without an application', 400, 'invalid_request', 900144, { client_id: undefined, client_secret: undefined }],
    ['with a wrong verifier', 400, 'invalid_grant', 501481, { code_verifier: 'w'.repeat(43) }],
    ['without the verifier', 400, 'invalid_grant', 501481, { code_verifier: undefined }],
    ['with another redirect URI', 400, 'invalid_grant', 500112, { redirect_uri: 'http://localhost:1/other' }],
    ['without the redirect URI', 400, 'invalid_request', 900144, { redirect_uri: undefined }],
    ['that is none', 400, 'invalid_grant', 70000, { code: 'none' }],
    ['that is missing', 400, 'invalid_request', 900144, { code: undefined }],
    ['with another grant type', 400, 'unsupported_grant_type', 70003, { grant_type: 'password' }],
    ['without a grant type', 400, 'invalid_request', 900144, { grant_type: undefined }],
    [
      'with scopes of two resources',
      400,
      'invalid_request',
      28000,
      { scope: 'openid https://graph.microsoft.com/User.Read https://vault.azure.net/user_impersonation' },
    ],
    [
      'with scopes of an API and bare ones, which are Graph’s',
      400,
      'invalid_request',
      28000,
      { scope: 'User.Read api://another/access' },
    ],
  ])('%s, and serves all the same afterwards', async (_what, status, error, number, change) => {
    const form = codeForm(entra, await codeOf(entra));
    expect(await errorOf(entra, { ...form, ...change })).toEqual([status, error, number]);
    expect((await token(entra, form)).status).toBe(200);
  });

  test('when it was redeemed before, and what came of it stays', async () => {
    const form = codeForm(entra, await codeOf(entra));
    const { body } = await token(entra, form);
    expect(await errorOf(entra, form)).toEqual([400, 'invalid_grant', 54005]);
    expect((await token(entra, refreshForm(entra, body.refresh_token))).status).toBe(200);
  });

  test('of twenty redemptions at once but one', async () => {
    const form = codeForm(entra, await codeOf(entra));
    const answers = await Promise.all(Array.from({ length: 20 }, () => token(entra, form)));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(19);
    for (const { body } of refused) expect([body.error, body.error_codes]).toEqual(['invalid_grant', [54005]]);
  });

  test('after ten minutes', async () => {
    const form = codeForm(entra, await codeOf(entra));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 });
    expect(await errorOf(entra, form)).toEqual([400, 'invalid_grant', 70008]);
  });

  test('as anything but a form', async () => {
    const response = await fetch(`${entra.url}/${entra.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/html' },
      body: JSON.stringify(codeForm(entra, await codeOf(entra))),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_request', error_codes: [9002313] });
  });

  test('with a secret from a public client, and needs none there', async () => {
    const form = codeForm(publicEntra, await codeOf(publicEntra));
    const wrong = { ...form, client_secret: 'anything' };
    expect(await errorOf(publicEntra, wrong)).toEqual([401, 'invalid_client', 700025]);
    expect((await token(publicEntra, form)).status).toBe(200);
  });
});

describe('a refresh token', () => {
  test('gives a new one each time, and the old ones stay valid', async () => {
    const first = (await tokensOf(entra)).refresh_token;
    const given = new Set([first]);
    for (const used of [first, first]) {
      const { status, body } = await token(entra, refreshForm(entra, used));
      expect(status).toBe(200);
      given.add(body.refresh_token);
      expect((await verified(body.id_token)).oid).toBe(entra.people.ada.oid);
      expect(decodeJwt(body.id_token)).not.toHaveProperty('nonce');
    }
    expect(given.size).toBe(3);
    for (const each of given) expect((await token(entra, refreshForm(entra, each))).status).toBe(200);
  });

  test('gives tokens for another resource, one at a time', async () => {
    const form = refreshForm(entra, (await tokensOf(entra)).refresh_token);
    const { body } = await token(entra, { ...form, scope: 'openid offline_access api://another/access' });
    expect(body.scope.split(' ')).toContain('api://another/access');
    expect(decodeJwt(body.access_token)).toMatchObject({ aud: 'api://another', scp: 'access' });
    const two = { ...form, scope: 'api://another/access api://third/access' };
    expect(await errorOf(entra, two)).toEqual([400, 'invalid_request', 28000]);
  });

  test.each<[string, number, string, number, Form]>([
    ['with a resource parameter', 400, 'invalid_request', 901002, { resource: 'x' }],
    ['with a wrong secret', 401, 'invalid_client', 7000215, { client_secret: 'wrong' }],
    ['without the secret', 401, 'invalid_client', 7000218, { client_secret: undefined }],
    ['that is none', 400, 'invalid_grant', 70000, { refresh_token: 'none' }],
    ['that is missing', 400, 'invalid_request', 900144, { refresh_token: undefined }],
  ])('is refused %s', async (_what, status, error, number, change) => {
    const form = refreshForm(entra, (await tokensOf(entra)).refresh_token);
    expect(await errorOf(entra, { ...form, ...change })).toEqual([status, error, number]);
  });

  test('ends after ninety days', async () => {
    const form = refreshForm(entra, (await tokensOf(entra)).refresh_token);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 91 * 86_400_000 });
    expect(await errorOf(entra, form)).toEqual([400, 'invalid_grant', 70008]);
  });

  test('of another application’s stand-in is worth nothing here', async () => {
    const foreign = (await tokensOf(publicEntra)).refresh_token;
    expect(await errorOf(entra, refreshForm(entra, foreign))).toEqual([400, 'invalid_grant', 70000]);
  });
});

describe('what a test can do to it', () => {
  let own: Entra;
  beforeAll(async () => {
    own = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET });
  });
  afterAll(() => own.stop());

  test('disable: neither a code nor a refresh token serves any more, of that person alone', async () => {
    const [ada, grace] = [await tokensOf(own, 'ada'), await tokensOf(own, 'grace')];
    const code = await codeOf(own, 'ada');
    own.disable('ada');
    expect(await errorOf(own, refreshForm(own, ada.refresh_token))).toEqual([400, 'invalid_grant', 50057]);
    expect(await errorOf(own, codeForm(own, code))).toEqual([400, 'invalid_grant', 50057]);
    expect((await token(own, refreshForm(own, grace.refresh_token))).status).toBe(200);
  });

  test('fail: an outage, a broken connection, a page, and then it serves again', async () => {
    const form = codeForm(own, await codeOf(own, 'grace'));
    own.fail('token', 'outage');
    expect(await errorOf(own, form)).toEqual([503, 'temporarily_unavailable', 90033]);
    own.fail('token', 'reset');
    await expect(token(own, form)).rejects.toThrow('fetch failed');
    own.fail('token', 'garbage');
    await expect(token(own, form)).rejects.toThrow(SyntaxError);
    own.fail('token', undefined);
    expect((await token(own, form)).status).toBe(200);
  });

  test.each<Fault>(['outage', 'garbage'])('fail: each endpoint by itself (%s)', async fault => {
    const keys = `${own.url}/${own.tenantId}/discovery/v2.0/keys`;
    own.fail('keys', fault);
    const answer = await fetch(keys);
    expect(answer.status).toBe(fault === 'outage' ? 503 : 200);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect((await new Browser().open(authorizeUrl(own))).status).toBe(200);
    own.fail('keys', undefined);
    expect((await fetch(keys)).headers.get('content-type')).toContain('json');
  });

  test('spoilIdTokens: other claims, or a signature that does not verify, until it is told otherwise', async () => {
    await own.spoilIdTokens({ claims: claims => ({ ...claims, aud: 'another' }) });
    expect((await verified((await tokensOf(own, 'grace')).id_token, own)).aud).toBe('another');
    await own.spoilIdTokens({ forged: true });
    await expect(verified((await tokensOf(own, 'grace')).id_token, own)).rejects.toThrow('signature');
    await own.spoilIdTokens(undefined);
    expect((await verified((await tokensOf(own, 'grace')).id_token, own)).aud).toBe(own.clientId);
  });

  test('requests: names and no values', async () => {
    own.requests.length = 0;
    const { refresh_token } = await tokensOf(own, 'grace');
    await token(own, { ...refreshForm(own, refresh_token), resource: 'x' });
    const [renewal, redemption] = own.requests.slice(-2).reverse();
    const path = `/${own.tenantId}/oauth2/v2.0/token`;
    expect(redemption).toEqual({
      method: 'POST',
      path,
      endpoint: 'token',
      grantType: 'authorization_code',
      parameters: ['client_id', 'client_secret', 'code', 'code_verifier', 'grant_type', 'redirect_uri'],
    });
    expect(renewal).toMatchObject({ grantType: 'refresh_token' });
    expect(renewal?.parameters).toContain('resource');
    for (const secret of [SECRET, VERIFIER, refresh_token]) expect(JSON.stringify(own.requests)).not.toContain(secret);
  });
});

describe('real clients', () => {
  /** MSAL's way to the stand-in, for its own keeps connections of its own. */
  const send = async <T>(url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    const body = (await response.json()) as T;
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  };
  const networkClient: INetworkModule = {
    sendGetRequestAsync: (url, options) => send(url, { headers: options?.headers ?? {} }),
    sendPostRequestAsync: (url, options) =>
      send(url, { method: 'POST', headers: options?.headers ?? {}, body: options?.body ?? '' }),
  };

  function authOf({ url, tenantId, clientId, clientSecret }: Entra): NodeAuthOptions {
    const endpoints = `${url}/${tenantId}/oauth2/v2.0`;
    return {
      clientId,
      authority: `https://login.microsoftonline.com/${tenantId}`,
      authorityMetadata: JSON.stringify({
        issuer: `${url}/${tenantId}/v2.0`,
        authorization_endpoint: `${endpoints}/authorize`,
        token_endpoint: `${endpoints}/token`,
        end_session_endpoint: `${endpoints}/logout`,
        jwks_uri: `${url}/${tenantId}/discovery/v2.0/keys`,
      }),
      ...(clientSecret === undefined ? {} : { clientSecret }),
    };
  }

  const scopes = ['openid', 'profile', 'email', 'offline_access', 'User.Read'];
  const msalClients = {
    ConfidentialClientApplication: () => ({
      at: entra,
      app: new ConfidentialClientApplication({ auth: authOf(entra), system: { networkClient } }),
    }),
    PublicClientApplication: () => ({
      at: publicEntra,
      app: new PublicClientApplication({ auth: authOf(publicEntra), system: { networkClient } }),
    }),
  };

  test.each(Object.entries(msalClients))('MSAL’s %s signs in and renews', async (_name, make) => {
    const { at, app } = make();
    const challenge = new URL(authorizeUrl(at)).searchParams.get('code_challenge') ?? '';
    const url = await app.getAuthCodeUrl({
      redirectUri: REDIRECT_URI,
      scopes,
      nonce: 'a-nonce',
      state: 'a-state',
      codeChallenge: challenge,
      codeChallengeMethod: 'S256',
      responseMode: 'query',
      prompt: 'select_account',
    });
    const browser = new Browser();
    const back = new URL((await signInAs(browser, await browser.open(url), 'ada', { stopAt })).url).searchParams;
    expect(back.get('state')).toBe('a-state');
    const code = back.get('code') ?? '';
    const redemption = { code, codeVerifier: VERIFIER, redirectUri: REDIRECT_URI, scopes };
    const result = await app.acquireTokenByCode({ ...redemption, nonce: 'a-nonce' }, { code, nonce: 'a-nonce' });
    expect(result.idTokenClaims).toMatchObject({ oid: at.people.ada.oid, nonce: 'a-nonce' });
    expect(result.account).toMatchObject({
      homeAccountId: `${at.people.ada.oid}.${at.tenantId}`,
      username: at.people.ada.username,
    });
    await expect(app.acquireTokenByCode({ ...redemption, nonce: 'a-nonce' })).rejects.toMatchObject({
      errorCode: 'invalid_grant',
      errorMessage: expect.stringContaining('AADSTS54005'),
    });

    const account = result.account;
    if (account === null) throw new Error('MSAL made no account.');
    const silent = () => app.acquireTokenSilent({ account, scopes, forceRefresh: true });
    const [second, third] = [await silent(), await silent()];
    expect(second.fromCache).toBe(false);
    expect(new Set([result, second, third].map(({ accessToken }) => accessToken)).size).toBe(3);
    expect((await verified(third.idToken, at)).oid).toBe(at.people.ada.oid);
  });

  test('MSAL refuses an id token with the nonce of another sign-in', async () => {
    const { at, app } = msalClients.ConfidentialClientApplication();
    const code = await codeOf(at);
    const redemption = { code, codeVerifier: VERIFIER, redirectUri: REDIRECT_URI, scopes, nonce: 'another' };
    await expect(app.acquireTokenByCode(redemption, { code, nonce: 'another' })).rejects.toThrow(/nonce_mismatch/);
  });

  test('MSAL hears that the person was disabled when it renews', async () => {
    const own = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET });
    try {
      const app = new ConfidentialClientApplication({ auth: authOf(own), system: { networkClient } });
      const code = await codeOf(own);
      const redemption = { code, codeVerifier: VERIFIER, redirectUri: REDIRECT_URI, scopes, nonce: 'the-nonce' };
      const { account } = await app.acquireTokenByCode(redemption, { code, nonce: 'the-nonce' });
      if (account === null) throw new Error('MSAL made no account.');
      own.disable('ada');
      await expect(app.acquireTokenSilent({ account, scopes, forceRefresh: true })).rejects.toMatchObject({
        errorCode: 'invalid_grant',
        errorMessage: expect.stringContaining('AADSTS50057'),
      });
    } finally {
      await own.stop();
    }
  });

  test('oauth4webapi, a strict one, discovers, signs in and renews', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(issuerOf(entra));
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const client: oauth.Client = { client_id: entra.clientId };
    const secret = oauth.ClientSecretPost(SECRET);
    const browser = new Browser();
    const asked = new URL(authorizeUrl(entra));
    expect(server.authorization_endpoint).toBe(asked.origin + asked.pathname);
    const back = await signInAs(browser, await browser.open(asked.href), 'grace', { stopAt });
    const answer = oauth.validateAuthResponse(server, client, new URL(back.url), 'the-state');
    const tokens = await oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(server, client, secret, answer, REDIRECT_URI, VERIFIER, insecure),
      { expectedNonce: 'the-nonce', requireIdToken: true },
    );
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ oid: entra.people.grace.oid });
    const renewal = await oauth.refreshTokenGrantRequest(server, client, secret, tokens.refresh_token ?? '', insecure);
    const renewed = await oauth.processRefreshTokenResponse(server, client, renewal);
    await oauth.validateApplicationLevelSignature(server, renewal, insecure);
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
  });
});

test('what it publishes has no private key, and its documents are Entra’s', async () => {
  const { keys } = (await (await fetch(`${entra.url}/${entra.tenantId}/discovery/v2.0/keys`)).json()) as {
    keys: Record<string, string>[];
  };
  expect(keys).toHaveLength(1);
  expect(Object.keys(keys[0] ?? {})).not.toContain('d');
  for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/reg', '/me'])
    expect((await fetch(entra.url + path)).status, path).toBe(404);
});
