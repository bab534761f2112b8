import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { createApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config.ts';
import { createLogger } from '../../../src/log.ts';
import { type AppServer, newSecret, startAppServer } from '../../support/app-server.ts';
import { freshStorage } from '../../support/azurite.ts';
import { newProofKey } from '../../support/dpop.ts';
import {
  authorizationUrl,
  backAtClient,
  type Client,
  callTool,
  codeForm,
  connect,
  obtainCode,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';

/** Another `JWT_SECRET_KEY` without a sign-out: published second, promoted to first, the old one kept to open rows, then gone. */
const [OLD, NEW] = [newSecret(), newSecret()];
const BEFORE = { JWT_SECRET_KEY: OLD };
const PUBLISHED = { JWT_SECRET_KEY: `${OLD},${NEW}` };
const PROMOTED = { JWT_SECRET_KEY: `${NEW},${OLD}` };
const RETIRED = { JWT_SECRET_KEY: `${NEW},open:${OLD}` };
const AFTER = { JWT_SECRET_KEY: NEW };

let server: AppServer;
let client: Client;
beforeAll(async () => {
  server = await startAppServer({ settings: BEFORE });
  client = await register(server);
});
afterAll(() => server.stop());

const kidOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()).kid as string;
const publishedKids = async () => {
  const response = await fetch(`${server.origin}/.well-known/jwks.json`);
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(key => key.kid);
};
/** Whether every instance serves a token. */
async function serves(accessToken: string): Promise<boolean> {
  const answers = [];
  for (const _instance of server.apps) {
    answers.push(await callTool(server, accessToken, 'calculate_sum', { numbers: [1] }));
  }
  return answers.every(({ status }) => status === 200);
}

test('what began under the old key goes on under the new one, and nobody is signed out', async () => {
  server.deploy(BEFORE);
  const { tokens } = await connect(server, 'ada', {}, client);
  const code = await obtainCode(server, client);
  const atConsent = new Browser();
  const consent = authorizationUrl(server, client);
  const consentPage = await atConsent.open(consent.url);
  const atEntra = new Browser();
  const waiting = authorizationUrl(server, client);
  const picker = await atEntra.submit(await atEntra.open(waiting.url), { button: 'decision=approve' });
  const person = new Browser();
  await signInAs(person, await person.open(`${server.origin}/auth/login`), 'ada');
  const key = await newProofKey();
  const url = `${server.origin}/oauth/token`;
  const boundCode = await obtainCode(server, client);
  const asked = await token(server, codeForm(client, boundCode), { dpop: await key.proof({ url }) });

  // Not every instance has the new setting yet: what one signs the other must take.
  server.deploy(BEFORE, PUBLISHED);
  expect(await serves(tokens.access_token)).toBe(true);
  server.deploy(PUBLISHED, PROMOTED);
  expect(await publishedKids()).toHaveLength(2);
  const renewed = await Promise.all([1, 2].map(() => token(server, refreshForm(client, tokens.refresh_token))));
  expect(renewed.map(answer => answer.status)).toEqual([200, 200]);
  expect(new Set(renewed.map(answer => answer.body.refresh_token)).size).toBe(1);
  for (const { body } of renewed) expect(await serves(body.access_token)).toBe(true);

  server.deploy(PROMOTED, PROMOTED);
  expect(await serves(tokens.access_token)).toBe(true);
  const first = await token(server, codeForm(client, code));
  expect(first.status).toBe(200);
  expect(kidOf(first.body.access_token)).not.toBe(kidOf(tokens.access_token));
  const nonce = asked.headers.get('dpop-nonce') ?? '';
  const bound = await token(server, codeForm(client, boundCode), { dpop: await key.proof({ url, nonce }) });
  expect(bound.body.token_type).toBe('DPoP');
  const approved = await atConsent.submit(consentPage, { button: 'decision=approve' });
  for (const [browser, page, { verifier }] of [
    [atConsent, approved, consent],
    [atEntra, picker, waiting],
  ] as const) {
    const back = new URL((await signInAs(browser, page, 'ada', { stopAt: backAtClient })).url);
    const answer = await token(server, codeForm(client, { code: back.searchParams.get('code') ?? '', verifier }));
    expect(answer.status).toBe(200);
  }
  expect(textOf((await person.open(server.origin)).html)).toContain('Ada Lovelace');

  server.deploy(RETIRED, RETIRED);
  expect(await publishedKids()).toEqual([kidOf(first.body.access_token)]);
  expect(await serves(first.body.access_token)).toBe(true);
  const refused = await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] });
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/signature/)]);
  const successor = renewed[0]?.body.refresh_token ?? '';
  const afterwards: string[] = [];
  for (const refreshToken of [first.body.refresh_token, successor]) {
    const answer = await token(server, refreshForm(client, refreshToken));
    expect(answer.status).toBe(200);
    expect(await serves(answer.body.access_token)).toBe(true);
    afterwards.push(answer.body.refresh_token);
  }

  // Every grant that was renewed since is sealed under the new one.
  server.deploy(AFTER, AFTER);
  for (const refreshToken of afterwards) {
    expect((await token(server, refreshForm(client, refreshToken))).status).toBe(200);
  }
});

test('a lost answer of a renewal under the old key is given again by an instance that has promoted the new one', async () => {
  server.deploy(PUBLISHED);
  const { tokens } = await connect(server, 'ada', {}, client);
  const first = await token(server, refreshForm(client, tokens.refresh_token));
  server.deploy(PROMOTED);
  const again = await token(server, refreshForm(client, tokens.refresh_token));
  expect(again.body.refresh_token).toBe(first.body.refresh_token);
  server.deploy(RETIRED);
  // The secret that made it makes nothing any more: the answer cannot be given again, but nothing has ended by that.
  expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
  expect((await token(server, refreshForm(client, first.body.refresh_token))).status).toBe(200);
});

test('a value marked "open:" verifies no token, and what was given under it can still be renewed', async () => {
  server.deploy(BEFORE);
  const { tokens } = await connect(server, 'ada', {}, client);
  server.deploy(RETIRED);
  expect(await serves(tokens.access_token)).toBe(false);
  expect(await publishedKids()).toHaveLength(1);
  expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
});

test('without a key 20 apps that start at once make one', async () => {
  const { config } = loadConfig({
    AUTH_TENANT_ID: server.entra.tenantId,
    AUTH_CLIENT_ID: server.entra.clientId,
    AzureWebJobsStorage: freshStorage().connectionString,
  });
  const log = createLogger('error', () => {});
  const kids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const jwks = await createApp(config, { log, version: '0' }).endpoint('jwks');
      const response = await jwks(new Request(`${config.origin}/.well-known/jwks.json`), { correlationId: '', log });
      return ((await response.json()) as { keys: { kid: string }[] }).keys.map(key => key.kid).join();
    }),
  );
  expect(kids[0]).toMatch(/^[\w-]{43}$/);
  expect(new Set(kids).size).toBe(1);
});
