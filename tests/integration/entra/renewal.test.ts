/** Each renewal asks Entra: who is out there is out here; an outage there is no sign-out. */
import { TableClient } from '@azure/data-tables';
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Browser, textOf } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { defineTool } from '../../../src/mcp/define-tool.ts';
import { openTables } from '../../../src/storage/tables.ts';
import { type AppServer, type AppServerOptions, startAppServer } from '../../support/app-server.ts';
import { callTool, claimsOf, codeForm, connect, refreshForm, token } from '../../support/flows.ts';

const servers: AppServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function start(options: AppServerOptions = {}) {
  const server = await startAppServer(options);
  servers.push(server);
  return server;
}

const renewals = (server: AppServer) =>
  server.entra.requests.filter(({ grantType }) => grantType === 'refresh_token').length;

const isTokenRequest = (input: string | URL | Request) => new URL(String(input)).pathname.endsWith('/token');

/** Makes a token longer than a column of Azure Tables. */
const PADDING = 'x'.repeat(100_000);

describe('who is out at Entra', () => {
  test('is out at the next renewal, on every instance, and reads why on the account page', async () => {
    const server = await start({ instances: 2 });
    const { client, tokens } = await connect(server);
    server.entra.disable('ada');
    const refused = await token(server, refreshForm(client, tokens.refresh_token));
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(refused.body.error_description).toContain('AADSTS50057');
    expect(server.logLines.join('\n')).toContain('Entra refused a renewal');
    server.clock.advance(31);
    for (const _instance of server.apps) {
      expect((await callTool(server, tokens.access_token, 'get_server_info')).status).toBe(401);
    }
    expect((await token(server, refreshForm(client, tokens.refresh_token))).body.error).toBe('invalid_grant');
  });

  test('is told so in words on the account page, once they may sign in again', async () => {
    const server = await start({ settings: { AUTH_REQUIRED_ROLES: 'User' } });
    server.entra.change('ada', { roles: ['User'] });
    const { client, tokens } = await connect(server);
    server.entra.change('ada', { roles: [] });
    const refused = await token(server, refreshForm(client, tokens.refresh_token));
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(refused.body.error_description).toContain('User');
    server.entra.change('ada', { roles: ['User'] });
    const browser = new Browser();
    const page = await signInAs(browser, await browser.open(`${server.origin}/auth/login?to=account`), 'ada');
    expect(textOf(page.html)).toContain('did not let you in any more');
    expect(textOf(page.html)).toContain('You need the role');
  });

  test('has left the groups that are let in: is told which, by Graph too where there are too many', async () => {
    const [ALLOWED, OTHER] = ['11111111-aaaa-bbbb-cccc-000000000001', '11111111-aaaa-bbbb-cccc-000000000002'];
    const many = Array.from({ length: 201 }, (_, n) => `22222222-aaaa-bbbb-cccc-${String(n).padStart(12, '0')}`);
    const server = await start({ settings: { AUTH_ALLOWED_GROUPS: ALLOWED } });
    for (const others of [[OTHER], many]) {
      server.entra.change('ada', { groups: [...others, ALLOWED] });
      const { client, tokens } = await connect(server);
      const renewed = await token(server, refreshForm(client, tokens.refresh_token));
      expect(renewed.status).toBe(200);
      server.entra.change('ada', { groups: others });
      const refused = await token(server, refreshForm(client, renewed.body.refresh_token));
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(refused.body.error_description).toContain(ALLOWED);
    }
  });

  test('is another person than the grant’s: it ends', async () => {
    const server = await start();
    const { client, tokens } = await connect(server);
    await server.entra.spoilIdTokens({ claims: claims => ({ ...claims, oid: server.entra.people.grace.oid }) });
    const refused = await token(server, refreshForm(client, tokens.refresh_token));
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

test('a changed name, e-mail address and role are in the next access token; of roles only what tools demand', async () => {
  const administer = defineTool({
    name: 'administer',
    title: 'Administer',
    description: 'For administrators.',
    scopes: [],
    roles: ['Notes.Admin'],
    input: z.object({}),
    output: z.object({ done: z.boolean() }),
    handler: () => ({ done: true }),
  });
  const server = await start({ tools: [administer] });
  const { client, tokens } = await connect(server);
  expect(claimsOf(tokens.access_token)).not.toHaveProperty('roles');
  const refused = await callTool(server, tokens.access_token, 'administer');
  expect(refused.body.result).toMatchObject({ isError: true });
  expect(refused.body.result?.content[0]?.text).toContain('Notes.Admin');

  server.entra.change('ada', { name: 'Ada King', username: 'king@contoso.example', roles: ['Other', 'Notes.Admin'] });
  const { body } = await token(server, refreshForm(client, tokens.refresh_token));
  expect(claimsOf(body.access_token)).toMatchObject({
    name: 'Ada King',
    email: 'king@contoso.example',
    roles: ['Notes.Admin'],
  });
  const served = await callTool(server, body.access_token, 'administer');
  expect(served.body.result?.structuredContent).toEqual({ done: true });

  server.entra.change('ada', { roles: [] });
  const without = await token(server, refreshForm(client, body.refresh_token));
  expect(claimsOf(without.body.access_token)).not.toHaveProperty('roles');
});

describe('while Entra does not answer', () => {
  test.each(['outage', 'reset', 'garbage'] as const)(
    '(%s) renewals go on for the grace period, then 503',
    async fault => {
      const server = await start({ settings: { AUTH_OFFLINE_GRACE_SECONDS: '3600' } });
      const { client, tokens } = await connect(server);
      server.entra.fail('token', fault);
      const first = await token(server, refreshForm(client, tokens.refresh_token));
      expect(first.status).toBe(200);
      server.clock.advance(3_500);
      const second = await token(server, refreshForm(client, first.body.refresh_token));
      expect(second.status).toBe(200);
      server.clock.advance(101);
      const late = await token(server, refreshForm(client, second.body.refresh_token));
      expect(late).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
      expect(late.headers.get('retry-after')).toBeTruthy();

      // Nothing was used up, and the period begins anew.
      server.entra.fail('token', undefined);
      const back = await token(server, refreshForm(client, second.body.refresh_token));
      expect(back.status).toBe(200);
      server.entra.fail('token', fault);
      server.clock.advance(3_000);
      expect((await token(server, refreshForm(client, back.body.refresh_token))).status).toBe(200);
    },
  );

  test('a grace period of 0 seconds is none', async () => {
    const server = await start({ settings: { AUTH_OFFLINE_GRACE_SECONDS: '0' } });
    const { client, tokens } = await connect(server);
    server.entra.fail('token', 'outage');
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(503);
    server.entra.fail('token', undefined);
    expect((await token(server, refreshForm(client, tokens.refresh_token))).status).toBe(200);
  });

  test('that it refuses this server’s own credential is the same: nobody is signed out', async () => {
    let expired = false;
    const server = await start({
      fetch: async (input, init) =>
        expired && isTokenRequest(input)
          ? Response.json(
              { error: 'invalid_client', error_description: 'AADSTS7000222: The client secret has expired.' },
              { status: 401 },
            )
          : fetch(input, init),
    });
    const { client, tokens } = await connect(server);
    expired = true;
    const renewed = await token(server, refreshForm(client, tokens.refresh_token));
    expect(renewed.status).toBe(200);
    server.clock.advance(3_601);
    expect((await token(server, refreshForm(client, renewed.body.refresh_token))).status).toBe(503);
    expect(server.logLines.join('\n')).toContain('AADSTS7000222');
  });
});

test('eight renewals at once ask Entra once, and all get the same successor', async () => {
  const server = await start();
  const { client, tokens } = await connect(server);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => token(server, refreshForm(client, tokens.refresh_token))),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
  expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  expect(renewals(server)).toBe(1);
});

describe('what Entra gave', () => {
  const grants = (server: AppServer) =>
    TableClient.fromConnectionString(server.storage.connectionString, 'grants', { allowInsecureConnection: true });

  async function rowsOf(server: AppServer) {
    const rows: Record<string, unknown>[] = [];
    for await (const row of grants(server).listEntities<Record<string, unknown>>()) {
      if (String(row.rowKey).startsWith('g.')) rows.push(row);
    }
    return rows;
  }

  test('is sealed, also when it outgrows a column, and is what the next renewal uses', async () => {
    const seen: string[] = [];
    const server = await start({
      fetch: async (input, init) => {
        const body = String(init?.body ?? '').replace(PADDING, '');
        const response = await fetch(input, { ...init, ...(init?.body ? { body } : {}) });
        if (!isTokenRequest(input)) return response;
        const answer = (await response.json()) as { refresh_token: string };
        seen.push(answer.refresh_token);
        return Response.json({ ...answer, refresh_token: answer.refresh_token + PADDING });
      },
    });
    const { client, tokens } = await connect(server);
    const first = await token(server, refreshForm(client, tokens.refresh_token));
    const second = await token(server, refreshForm(client, first.body.refresh_token));
    expect(second.status).toBe(200);
    expect(new Set(seen).size).toBe(3);
    const rows = await rowsOf(server);
    expect(rows[0]).toHaveProperty('upstreamTokens4');
    const stored = JSON.stringify(rows);
    for (const each of seen) expect(stored).not.toContain(each);
  });

  test('of another grant opens nowhere else, and Entra is not asked with it', async () => {
    const server = await start();
    const ada = await connect(server, 'ada');
    await connect(server, 'grace');
    const rows = await rowsOf(server);
    const of = (who: 'ada' | 'grace') => {
      const row = rows.find(({ partitionKey }) => String(partitionKey).endsWith(server.entra.people[who].oid));
      if (!row) throw new Error('no grant');
      return row;
    };
    const swapped = {
      partitionKey: String(of('ada').partitionKey),
      rowKey: String(of('ada').rowKey),
      upstreamTokens0: of('grace').upstreamTokens0,
    };
    await grants(server).updateEntity(swapped, 'Merge');
    const asked = renewals(server);
    const refused = await token(server, refreshForm(ada.client, ada.tokens.refresh_token));
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(renewals(server)).toBe(asked);
  });

  test('that is replaced while Entra refuses the former is not what was refused: 503, and nobody is signed out', async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const server = await start({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (isTokenRequest(input)) await meanwhile?.();
        return response;
      },
    });
    const { client, tokens } = await connect(server);
    const [former] = await rowsOf(server);
    const { body } = await token(server, refreshForm(client, tokens.refresh_token));
    const replaced = {
      partitionKey: String(former?.partitionKey),
      rowKey: String(former?.rowKey),
      upstreamTokens0: former?.upstreamTokens0,
    };
    meanwhile = () => grants(server).updateEntity(replaced, 'Merge');
    server.entra.disable('ada');
    const refused = await token(server, refreshForm(client, body.refresh_token));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await rowsOf(server))[0]).not.toHaveProperty('endedAt');
  });

  test('goes with the grant, and is not left behind in the sign-in that it came of', async () => {
    const server = await start();
    const { client, code, tokens } = await connect(server);
    const [before] = await rowsOf(server);
    expect(before).toHaveProperty('upstreamTokens0');
    await Promise.all(server.apps.map(app => app.flush()));
    const signins = openTables({ connection: server.storage }).table('signins');
    const { rows } = await signins.page('', 10);
    expect(rows.map(({ stage, upstreamTokens0 }) => [stage, upstreamTokens0])).toEqual([['redeemed', '']]);
    // The code's answer is given again without it.
    const again = await token(server, codeForm(client, code));
    expect([again.status, again.body.refresh_token]).toEqual([200, tokens.refresh_token]);
    await fetch(`${server.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: client.client_id, token: tokens.refresh_token }),
    });
    const [after] = await rowsOf(server);
    expect(after).toHaveProperty('endedAt');
    expect(after).not.toHaveProperty('upstreamTokens0');
  });
});
