import { request as httpRequest } from 'node:http';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../../../dev/browser/index.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { newProofKey, type ProofKey } from '../../support/dpop.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  type Client,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  post,
  REDIRECT_URI,
  refreshForm,
  register,
  type Tokens,
  token,
} from '../../support/flows.ts';
import { countTrips } from '../../support/storage-faults.ts';

/** Tokens bound to a key (RFC 9449), over two instances that take the requests in turn. */
let server: AppServer;
let client: Client;
let key: ProofKey;
let other: ProofKey;
beforeAll(async () => {
  server = await startAppServer({ instances: 2 });
  client = await register(server);
  [key, other] = [await newProofKey(), await newProofKey('EdDSA')];
});
afterAll(() => server.stop());

const endpoint = () => `${server.origin}/oauth/token`;

/** The nonce that any answer to a proof brings. */
async function nonce(): Promise<string> {
  const proof = await key.proof({ url: endpoint() });
  const { headers } = await token(server, { grant_type: 'refresh_token', client_id: 'x' }, { dpop: proof });
  return headers.get('dpop-nonce') ?? '';
}

/** Asks the token endpoint with a proof; with none where the key is absent. */
async function ask(form: Record<string, string | undefined>, signer: ProofKey | undefined) {
  if (!signer) return token(server, form);
  return token(server, form, { dpop: await signer.proof({ url: endpoint(), nonce: await nonce() }) });
}

/** Tokens of a whole sign-in with a key. */
async function connectWith(signer: ProofKey, of: Client = client, change: Record<string, string> = {}) {
  const code = await obtainCode(server, of, 'ada', change);
  const form = { ...codeForm(of, code), ...(of.client_secret ? { client_secret: of.client_secret } : {}) };
  const { status, body } = await ask(form, signer);
  if (status !== 200) throw new Error(`Token: ${status} ${JSON.stringify(body)}`);
  return body;
}

const SUM = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'calculate_sum', arguments: { numbers: [1] } },
};

/** Sends one MCP message under a scheme, with a proof or without. */
async function mcp(scheme: string, accessToken: string, proof?: string, body: object = SUM) {
  const response = await fetch(server.mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `${scheme} ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(proof ? { dpop: proof } : {}),
    },
    body: JSON.stringify(body),
  });
  await response.body?.cancel();
  const challenge = response.headers.get('www-authenticate') ?? '';
  return { status: response.status, challenge, nonce: response.headers.get('dpop-nonce'), headers: response.headers };
}

/** A call with a fresh proof for it. */
async function call(tokens: Tokens, signer: ProofKey, change: Record<string, unknown> = {}) {
  const { access_token: accessToken } = tokens;
  const proof = await signer.proof({ url: server.mcpUrl, nonce: await nonce(), accessToken }, change);
  return mcp('DPoP', accessToken, proof);
}

describe('a client that asks for bound tokens', () => {
  test('is oauth4webapi, from the metadata to a call', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.origin);
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
    );
    expect(as.dpop_signing_alg_values_supported).toContain('ES256');
    const own: oauth.Client = { client_id: client.client_id };
    const keyPair = await oauth.generateKeyPair('ES256');
    const proofs = oauth.DPoP(own, keyPair);
    const options = { DPoP: proofs, ...insecure };
    const jkt = await proofs.calculateThumbprint();
    const { url, verifier, state } = authorizationUrl(server, client, { dpop_jkt: jkt });
    const back = new URL(await approveAndSignIn(new Browser(), url));
    const parameters = oauth.validateAuthResponse(as, own, back, state);

    const exchange = async () =>
      oauth.processAuthorizationCodeResponse(
        as,
        own,
        await oauth.authorizationCodeGrantRequest(as, own, oauth.None(), parameters, REDIRECT_URI, verifier, options),
      );
    const first: unknown = await exchange().catch(error => error);
    expect(oauth.isDPoPNonceError(first)).toBe(true);
    const tokens = await exchange();
    expect(tokens.token_type).toBe('dpop');
    const renewed = await oauth.processRefreshTokenResponse(
      as,
      own,
      await oauth.refreshTokenGrantRequest(as, own, oauth.None(), tokens.refresh_token ?? '', options),
    );
    const read = async () => {
      const response = await oauth.protectedResourceRequest(
        renewed.access_token,
        'POST',
        new URL(server.mcpUrl),
        new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' }),
        JSON.stringify(SUM),
        options,
      );
      return response.text();
    };
    expect(await read()).toContain('"sum":1');
    expect(claimsOf(renewed.access_token).cnf).toEqual({ jkt });
  });

  test('is told the nonce at the token endpoint, and consumes nothing until it has it', async () => {
    const code = await obtainCode(server, client);
    const proof = await key.proof({ url: endpoint() });
    const refused = await token(server, codeForm(client, code), { dpop: proof });
    expect(refused).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
    expect(refused.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
    const given = refused.headers.get('dpop-nonce') ?? '';
    // In turn: the other instance has to take it.
    const answer = await token(server, codeForm(client, code), {
      dpop: await key.proof({ url: endpoint(), nonce: given }),
    });
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    expect(answer.headers.get('dpop-nonce')).toBeTruthy();
    expect(claimsOf(answer.body.access_token).cnf).toEqual({ jkt: key.jkt });
  });

  test('gets a preflight that lets its header through', async () => {
    for (const url of [endpoint(), server.mcpUrl]) {
      const { headers } = await fetch(url, { method: 'OPTIONS' });
      expect(headers.get('access-control-allow-headers')).toContain('DPoP');
    }
  });

  test('a bad proof at the token endpoint is invalid_dpop_proof, and the code is as good as before', async () => {
    const code = await obtainCode(server, client);
    const bad = [
      await key.proof({ url: server.mcpUrl, nonce: await nonce() }),
      await key.proof({ url: endpoint(), nonce: await nonce(), method: 'GET' }),
      'x',
    ];
    for (const dpop of bad) {
      expect(await token(server, codeForm(client, code), { dpop })).toMatchObject({
        status: 400,
        body: { error: 'invalid_dpop_proof' },
      });
    }
    expect((await ask(codeForm(client, code), key)).status).toBe(200);
  });

  test('the Host header lends no proof another address', async () => {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: client.client_id, refresh_token: 'x' });
    const dpop = await key.proof({ url: 'http://evil.example/oauth/token', nonce: await nonce() });
    const text = await new Promise<string>((resolve, reject) => {
      const headers = {
        host: 'evil.example',
        'x-forwarded-host': 'evil.example',
        dpop,
        'content-type': 'application/x-www-form-urlencoded',
      };
      const sent = httpRequest(endpoint(), { method: 'POST', headers }, async answer => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk as Buffer);
        resolve(Buffer.concat(chunks).toString());
      });
      sent.on('error', reject).end(form.toString());
    });
    expect(text).toContain('invalid_dpop_proof');
    expect(text).toContain('htu');
  });
});

describe('a code', () => {
  test('bound by dpop_jkt is not redeemed by another key, nor without one, and nothing changes by it', async () => {
    const code = await obtainCode(server, client, 'ada', { dpop_jkt: key.jkt });
    expect((await ask(codeForm(client, code), other)).body.error).toBe('invalid_grant');
    expect((await ask(codeForm(client, code), undefined)).body.error).toBe('invalid_dpop_proof');
    expect((await ask(codeForm(client, code), key)).body.token_type).toBe('DPoP');
  });

  test('redeemed with a key is answered again to that key alone, and ends nothing for another', async () => {
    const code = await obtainCode(server, client);
    const first = await ask(codeForm(client, code), key);
    expect((await ask(codeForm(client, code), other)).body.error).toBe('invalid_grant');
    expect((await ask(codeForm(client, code), undefined)).body.error).toBe('invalid_dpop_proof');
    const again = await ask(codeForm(client, code), key);
    expect(again.body.refresh_token).toBe(first.body.refresh_token);
    server.clock.advance(31);
    await ask(codeForm(client, code), other);
    expect((await ask(refreshForm(client, first.body.refresh_token), key)).status).toBe(200);
  });

  test('redeemed without a key is not answered again with one', async () => {
    const code = await obtainCode(server, client);
    const first = await token(server, codeForm(client, code));
    expect((await ask(codeForm(client, code), key)).body.error).toBe('invalid_grant');
    expect((await token(server, codeForm(client, code))).body.refresh_token).toBe(first.body.refresh_token);
  });
});

describe('a refresh token', () => {
  test('of a public client is bound: another key or none is refused and spends nothing', async () => {
    const tokens = await connectWith(key);
    expect((await ask(refreshForm(client, tokens.refresh_token), other)).body.error).toBe('invalid_grant');
    expect((await ask(refreshForm(client, tokens.refresh_token), undefined)).body.error).toBe('invalid_dpop_proof');
    const renewed = await ask(refreshForm(client, tokens.refresh_token), key);
    expect(renewed).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    expect(claimsOf(renewed.body.access_token).cnf).toEqual({ jkt: key.jkt });
    const again = await ask(refreshForm(client, tokens.refresh_token), key);
    expect(again.body.refresh_token).toBe(renewed.body.refresh_token);
    expect((await ask(refreshForm(client, tokens.refresh_token), other)).body.error).toBe('invalid_grant');
  });

  test('of a public client that was not bound is, from the first renewal with a proof on', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const bound = await ask(refreshForm(client, tokens.refresh_token), key);
    expect(bound.body.token_type).toBe('DPoP');
    expect((await ask(refreshForm(client, tokens.refresh_token), undefined)).body.error).toBe('invalid_dpop_proof');
    expect((await ask(refreshForm(client, bound.body.refresh_token), other)).body.error).toBe('invalid_grant');
    expect((await ask(refreshForm(client, bound.body.refresh_token), key)).status).toBe(200);
  });

  test('of a client with a secret is bound to that: each access token has the key of its own request', async () => {
    const confidential = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
    const tokens = await connectWith(key, confidential);
    const form = (refreshToken: string) => ({
      ...refreshForm(confidential, refreshToken),
      client_secret: confidential.client_secret,
    });
    const renewed = await ask(form(tokens.refresh_token), other);
    expect(claimsOf(renewed.body.access_token).cnf).toEqual({ jkt: other.jkt });
    expect((await ask(form(tokens.refresh_token), key)).body.error).toBe('invalid_grant');
    const bearer = await ask(form(renewed.body.refresh_token), undefined);
    expect([bearer.body.token_type, claimsOf(bearer.body.access_token).cnf]).toEqual(['Bearer', undefined]);
  });

  test('50 renewals at once with proofs over two instances have one successor', async () => {
    const { refresh_token } = await connectWith(key);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(refreshForm(client, refresh_token), key)));
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]));
    expect(new Set(answers.map(answer => answer.body.refresh_token)).size).toBe(1);
  });

  test('is revoked without a proof', async () => {
    const tokens = await connectWith(key);
    const form = { token: tokens.refresh_token, client_id: client.client_id };
    expect((await post(server, '/oauth/revoke', form)).status).toBe(200);
    expect((await ask(refreshForm(client, tokens.refresh_token), key)).body.error).toBe('invalid_grant');
  });
});

describe('a bound access token at the MCP endpoint', () => {
  test('serves with a proof of its key; each answer brings the next nonce', async () => {
    const tokens = await connectWith(key);
    const first = await call(tokens, key);
    expect([first.status, first.headers.get('access-control-expose-headers')]).toEqual([
      200,
      expect.stringContaining('DPoP-Nonce'),
    ]);
    const accessToken = tokens.access_token;
    const next = await key.proof({ url: server.mcpUrl, nonce: first.nonce ?? '', accessToken });
    expect((await mcp('dpop', accessToken, next)).status).toBe(200);
  });

  test('is refused as Bearer, with a proof too', async () => {
    const tokens = await connectWith(key);
    const proof = await key.proof({ url: server.mcpUrl, nonce: await nonce(), accessToken: tokens.access_token });
    for (const sent of [undefined, proof]) {
      const { status, challenge } = await mcp('Bearer', tokens.access_token, sent);
      expect(status).toBe(401);
      expect(challenge).toMatch(/^Bearer error="invalid_token", error_description="[^"]*bound to a key/);
    }
  });

  test('without a proof, with a bad one or without a nonce is told what to do in the scheme’s own challenge', async () => {
    const tokens = await connectWith(key);
    const accessToken = tokens.access_token;
    const none = await mcp('DPoP', accessToken);
    expect([none.status, none.challenge]).toEqual([401, expect.stringMatching(/^DPoP error="invalid_dpop_proof"/)]);
    expect(none.challenge).toMatch(/algs="ES256 .*resource_metadata=|resource_metadata=.*algs="ES256 /);
    const stale = await mcp('DPoP', accessToken, await key.proof({ url: server.mcpUrl, accessToken }));
    expect([stale.status, stale.challenge]).toEqual([401, expect.stringMatching(/^DPoP error="use_dpop_nonce"/)]);
    const proof = await key.proof({ url: server.mcpUrl, accessToken, nonce: stale.nonce ?? '' });
    expect((await mcp('DPoP', accessToken, proof)).status).toBe(200);
  });

  test('is refused with another key, the hash of another token, another method or address', async () => {
    const [tokens, others] = [await connectWith(key), await connectWith(other)];
    const stolen = await call(tokens, other);
    expect([stolen.status, stolen.challenge]).toEqual([401, expect.stringMatching(/^DPoP error="invalid_token"/)]);
    const wrong = await key.proof({ url: server.mcpUrl, nonce: await nonce(), accessToken: others.access_token });
    const refused = [
      await mcp('DPoP', tokens.access_token, wrong),
      await call(tokens, key, { htm: 'GET' }),
      await call(tokens, key, { htu: `${server.origin}/oauth/token` }),
      await call(tokens, key, { htu: server.mcpUrl.replace('localhost', '127.0.0.1') }),
    ];
    for (const { status, challenge } of refused) {
      expect([status, challenge]).toEqual([401, expect.stringMatching(/^DPoP error="invalid_dpop_proof"/)]);
    }
    expect((await call(tokens, key)).status).toBe(200);
  });

  test('is checked with its proof each time, though the token is remembered: a copied request is refused', async () => {
    const alone = await startAppServer();
    const own = await register(alone);
    const code = await obtainCode(alone, own);
    const url = `${alone.origin}/oauth/token`;
    const asked = await token(alone, codeForm(own, code), { dpop: await key.proof({ url }) });
    const given = asked.headers.get('dpop-nonce') ?? '';
    const { body } = await token(alone, codeForm(own, code), { dpop: await key.proof({ url, nonce: given }) });
    const send = (dpop: string) =>
      fetch(alone.mcpUrl, { headers: { authorization: `DPoP ${body.access_token}`, dpop } });
    const proof = await key.proof({ method: 'GET', url: alone.mcpUrl, nonce: given, accessToken: body.access_token });
    expect([(await send(proof)).status, (await send(proof)).status]).toEqual([405, 401]);
    alone.clock.advance(61);
    expect((await send(proof)).headers.get('www-authenticate')).toContain('use_dpop_nonce');
    await alone.stop();
  });

  test('keeps its scheme when scopes are missing', async () => {
    const tokens = await connectWith(key, client, { scope: 'notes:read' });
    const accessToken = tokens.access_token;
    const proof = await key.proof({ url: server.mcpUrl, nonce: await nonce(), accessToken });
    const save = { ...SUM, params: { name: 'save_user_note', arguments: { note: 'x' } } };
    const { status, challenge } = await mcp('DPoP', accessToken, proof, save);
    expect([status, challenge]).toEqual([403, expect.stringMatching(/^DPoP error="insufficient_scope"/)]);
  });
});

test('a proof costs no trip to storage', async () => {
  const tokens = await connectWith(key);
  for (const _instance of server.apps) expect((await call(tokens, key)).status).toBe(200);
  const accessToken = tokens.access_token;
  const proofs = await Promise.all(
    [await nonce()].flatMap(given =>
      Array.from({ length: 4 }, () => key.proof({ url: server.mcpUrl, nonce: given, accessToken })),
    ),
  );
  const { trips, result } = await countTrips(server.storage.accountName, () =>
    Promise.all(proofs.map(proof => mcp('DPoP', accessToken, proof))),
  );
  expect(result.map(answer => answer.status)).toEqual([200, 200, 200, 200]);
  expect(trips).toBe(0);
});

describe('a token that is not bound', () => {
  test('is refused under the scheme of bound ones', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    const { status, challenge } = await call(tokens, key);
    expect(status).toBe(401);
    expect(challenge).toMatch(/^DPoP error="invalid_token", error_description="[^"]*not bound to a key/);
  });

  test('serves as Bearer as ever, and the challenge for none speaks of Bearer alone', async () => {
    const { tokens } = await connect(server, 'ada', {}, client);
    expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(200);
    const challenge = (await fetch(server.mcpUrl, { method: 'POST' })).headers.get('www-authenticate');
    expect(challenge).toMatch(/^Bearer resource_metadata=/);
    expect(challenge).not.toContain('DPoP');
  });
});

test('a bound token’s claim of another kind than a key is refused, not overlooked', async () => {
  const { createKeyRing } = await import('../../../src/keys/key-ring.ts');
  const { parseSecrets } = await import('../../../src/keys/secret.ts');
  const { verifyAccessToken } = await import('../../../src/access/access-token.ts');
  const { newSecret } = await import('../../support/app-server.ts');
  const { SignJWT } = await import('jose');
  const ring = await createKeyRing(parseSecrets(newSecret()));
  const { tokens } = await connect(server, 'ada', {}, client);
  const claims = claimsOf(tokens.access_token);
  const sign = (cnf: unknown) =>
    new SignJWT({ ...claims, cnf })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: ring.signing.kid })
      .sign(ring.signing.privateKey);
  const expected = { issuer: server.origin, resource: server.mcpUrl };
  const now = server.clock.now / 1000;
  expect((await verifyAccessToken(ring, expected, await sign({ jkt: 'k' }), now)).jkt).toBe('k');
  for (const cnf of [{}, null, 'x', { 'x5t#S256': 'y' }, { jkt: 1 }]) {
    await expect(verifyAccessToken(ring, expected, await sign(cnf), now)).rejects.toMatchObject({ fault: 'malformed' });
  }
});

test('a client that has registered dpop_bound_access_tokens gets none without a proof, and nothing is consumed', async () => {
  // With a secret, so that nothing else asks for a proof at its renewals.
  const metadata = { client_name: 'Bound', dpop_bound_access_tokens: true };
  const bound = await register(server, { ...metadata, token_endpoint_auth_method: 'client_secret_post' });
  const secret = { client_secret: bound.client_secret };
  const code = { ...codeForm(bound, await obtainCode(server, bound)), ...secret };
  expect((await ask(code, undefined)).body.error).toBe('invalid_dpop_proof');
  const { status, body } = await ask(code, key);
  expect([status, body.token_type]).toEqual([200, 'DPoP']);
  const renewal = { ...refreshForm(bound, body.refresh_token), ...secret };
  expect((await ask(renewal, undefined)).body.error).toBe('invalid_dpop_proof');
  expect((await ask(renewal, key)).body.token_type).toBe('DPoP');
});
