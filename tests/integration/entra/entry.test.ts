/** Who of the tenant may enter: app roles and groups. */
import { afterEach, describe, expect, test } from 'vitest';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { approveAndSignIn, authorizationUrl, backAtClient, register } from '../../support/flows.ts';

const ENGINEERS = '11111111-aaaa-bbbb-cccc-000000000001';
const group = (n: number) => `22222222-aaaa-bbbb-cccc-${String(n).padStart(12, '0')}`;

const servers: AppServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function start(settings: Record<string, string>) {
  const server = await startAppServer({ settings });
  servers.push(server);
  return server;
}

async function signIn(server: AppServer) {
  const browser = new Browser();
  return signInAs(browser, await browser.open(`${server.origin}/auth/login`), 'ada');
}

describe('AUTH_REQUIRED_ROLES', () => {
  const settings = { AUTH_REQUIRED_ROLES: 'Mcp.User,Mcp.Admin', AUTH_HELP_URL: 'https://intranet.example/ask' };

  test('keeps out who has none of them, says which, and whom to ask', async () => {
    const server = await start(settings);
    const page = await signIn(server);
    expect(page.status).toBe(403);
    expect(textOf(page.html)).toContain('one of the roles “Mcp.User”, “Mcp.Admin”');
    expect(page.html).toContain('href="https://intranet.example/ask"');
  });

  test('lets in who has one of them, from the next sign-in on', async () => {
    const server = await start(settings);
    server.entra.change('ada', { roles: ['Other', 'Mcp.Admin'] });
    expect((await signIn(server)).status).toBe(200);
  });

  test('a client’s person sees the page too, with a way back that tells the client', async () => {
    const server = await start(settings);
    const client = await register(server);
    const asked = authorizationUrl(server, client);
    const browser = new Browser();
    const stopAt = backAtClient;
    const picker = await browser.submit(await browser.open(asked.url), { button: 'decision=approve', stopAt });
    const page = await signInAs(browser, picker, 'ada', { stopAt });
    expect(page.status).toBe(403);
    expect(textOf(page.html)).toContain('one of the roles');
    const href = /href="(http:\/\/localhost:33418[^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(Object.fromEntries(new URL(href).searchParams)).toMatchObject({
      error: 'access_denied',
      state: asked.state,
      iss: server.origin,
      // Of the characters that RFC 6749 section 4.1.2.1 allows, whatever the page shows.
      error_description: expect.stringMatching(/^You need [ !#-[\]-~]+$/),
    });
  });
});

describe('AUTH_ALLOWED_GROUPS', () => {
  const settings = { AUTH_ALLOWED_GROUPS: `${group(1)},${ENGINEERS}` };

  test('keeps out who is in none, and lets in who is in one', async () => {
    const server = await start(settings);
    server.entra.change('ada', { groups: [group(7)] });
    expect((await signIn(server)).status).toBe(403);
    server.entra.change('ada', { groups: [group(7), ENGINEERS] });
    expect((await signIn(server)).status).toBe(200);
  });

  test('asks Graph where the token could not hold them all', async () => {
    const server = await start({ AUTH_ALLOWED_GROUPS: [...Array(25).keys()].map(group).concat(ENGINEERS).join(',') });
    const many = Array.from({ length: 201 }, (_, i) => group(i + 1_000));
    server.entra.change('ada', { groups: many });
    expect((await signIn(server)).status).toBe(403);
    server.entra.change('ada', { groups: [...many, ENGINEERS] });
    expect((await signIn(server)).status).toBe(200);
    expect(server.entra.requests.filter(({ endpoint }) => endpoint === 'graph')).toHaveLength(4);
  });

  test('that Graph does not tell is an outage and no refusal', async () => {
    const server = await start(settings);
    server.entra.change('ada', { groups: Array.from({ length: 201 }, (_, i) => group(i)) });
    server.entra.fail('graph', 'outage');
    const page = await signIn(server);
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
  });
});

test('without these rules roles and groups mean nothing', async () => {
  const server = await start({});
  const client = await register(server);
  const back = await approveAndSignIn(new Browser(), authorizationUrl(server, client).url);
  expect(new URL(back).searchParams.get('code')).toMatch(/^ac\./);
});
