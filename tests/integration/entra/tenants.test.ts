/** Whose people may sign in, where Entra's address names one tenant and where it names many. */
import { afterEach, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { foreignTenantId, type PersonName, personalTenantId } from '../../../dev/entra/people.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, type AppServerOptions, startAppServer } from '../../support/app-server.ts';
import { authorizationUrl, callTool, claimsOf, connect, refreshForm, register, token } from '../../support/flows.ts';

const servers: AppServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function start(audience: AppServerOptions['audience'], allowed: string) {
  const server = await startAppServer({
    ...(audience ? { audience } : {}),
    settings: {
      ...(audience ? { AUTH_ALLOWED_TENANTS: allowed } : {}),
      AUTH_HELP_URL: 'https://intranet.example/ask',
    },
  });
  servers.push(server);
  return server;
}

/** What the landing page, or the page in its place, says to who has signed in. */
async function welcome(server: AppServer, who: PersonName): Promise<{ status: number; text: string }> {
  const browser = new Browser();
  const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login`), who);
  return { status: page.status, text: textOf(page.html) };
}

const APPROVE = 'decision=approve';
const OWN = '72f0c3a8-5b1e-4d6c-9a07-3e84d1b2c6f5';

describe.each([
  ['one tenant', undefined, '', ['ada', 'guest'], ['foreigner', 'personal']],
  [
    'organizations, two allowed',
    'organizations',
    `${OWN},${foreignTenantId}`,
    ['ada', 'guest', 'foreigner'],
    ['personal'],
  ],
  ['organizations, one allowed', 'organizations', OWN, ['ada', 'guest'], ['foreigner', 'personal']],
  ['organizations, all', 'organizations', '*', ['ada', 'foreigner'], ['personal']],
  ['common, all', 'common', '*', ['ada', 'foreigner', 'personal'], []],
  ['consumers', 'consumers', '*', ['personal'], ['ada', 'foreigner']],
] as const)('%s', (_name, audience, allowed, inside, outside) => {
  test('lets in and keeps out', async () => {
    const server = await start(audience, allowed);
    for (const who of inside) {
      expect(await welcome(server, who), who).toMatchObject({ status: 200 });
    }
    for (const who of outside) {
      const page = await welcome(server, who);
      expect(page.status, who).toBe(403);
      expect(page.text, who).toContain('another organization');
    }
  });
});

test('who belongs to another tenant reads it, with whom to ask, also where a client sent them; it is on record who', async () => {
  const server = await start('organizations', OWN);
  const client = await register(server);
  const { url, state } = authorizationUrl(server, client);
  const browser = new Browser();
  const page = await signInAs(browser, await browser.submit(await browser.open(url), { button: APPROVE }), 'foreigner');
  expect([page.status, textOf(page.html)]).toEqual([403, expect.stringContaining('another organization')]);
  expect(page.html).toContain('href="https://intranet.example/ask"');
  expect(page.html).toContain(`state=${state}`);
  const line = server.logLines.find(each => each.includes('"act":"sign-in refused"')) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({
    client: client.client_id,
    person: `${foreignTenantId}.${server.entra.people.foreigner.oid}`,
  });
});

test('a tenant that is not allowed any more is out at the next renewal', async () => {
  const server = await start('organizations', '*');
  const { client, tokens } = await connect(server, 'foreigner');
  server.deploy({ AUTH_ALLOWED_TENANTS: OWN });
  const refused = await token(server, refreshForm(client, tokens.refresh_token));
  expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect(refused.body.error_description).toContain('another organization');
  // It has ended: no later change of the settings brings it back.
  server.deploy({ AUTH_ALLOWED_TENANTS: '*' });
  expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
});

test('a tenant signs out its own people alone, though another has a session of the same `sid`', async () => {
  const server = await start('organizations', '*');
  await server.entra.spoilIdTokens({ claims: claims => ({ ...claims, sid: 'one-and-the-same' }) });
  const browsers = { ada: new Browser(), foreigner: new Browser() };
  for (const who of ['ada', 'foreigner'] as const) {
    await signInAs(browsers[who], await browsers[who].open(`${server.origin}/auth/login`), who);
  }
  const isSignedIn = async (who: keyof typeof browsers) =>
    textOf((await browsers[who].open(server.origin)).html).includes('Signed in as');
  const query = new URLSearchParams({ iss: `${server.entra.url}/${foreignTenantId}/v2.0`, sid: 'one-and-the-same' });
  expect((await fetch(`${server.origin}/auth/front-channel-logout?${query}`)).status).toBe(200);
  expect([await isSignedIn('ada'), await isSignedIn('foreigner')]).toEqual([true, false]);
});

test('people of two tenants have notes of their own, and a person is tenant and object, whatever the e-mail', async () => {
  const server = await start('common', '*');
  const ada = await connect(server, 'ada');
  const sophie = await connect(server, 'personal');
  await callTool(server, ada.tokens.access_token, 'save_user_note', { note: 'of Ada' });
  const { body } = await callTool(server, sophie.tokens.access_token, 'get_user_notes');
  expect(body.result?.structuredContent).toMatchObject({ notes: [] });
  expect(claimsOf(sophie.tokens.access_token).sub).toBe(`${personalTenantId}.${server.entra.people.personal.oid}`);
});

test('a tenant cannot speak for another: the issuer is that of the token’s own', async () => {
  const server = await start('organizations', '*');
  await server.entra.spoilIdTokens({ claims: claims => ({ ...claims, tid: foreignTenantId }) });
  const page = await welcome(server, 'ada');
  expect(page.text).toContain('its issuer is not its tenant');
});
