/** Tools that ask Microsoft Graph: the profile, and the example with the calendar. */
import { TableClient } from '@azure/data-tables';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import calendar from '../../../examples/tools/calendar.ts';
import { tools } from '../../../src/mcp/tools/index.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { callTool, connect } from '../../support/flows.ts';

let server: AppServer;
beforeAll(async () => {
  server = await startAppServer({
    instances: 2,
    tools: [...tools, calendar],
    settings: { AUTH_SCOPES: 'openid profile email User.Read' },
  });
});
afterEach(() => server.entra.fail('graph', undefined));
afterAll(() => server.stop());

const graphCalls = (at: AppServer = server) => at.entra.requests.filter(({ endpoint }) => endpoint === 'graph').length;

async function call(name: string, who: 'ada' | 'grace' = 'ada', at: AppServer = server) {
  const { tokens } = await connect(at, who);
  const { status, body } = await callTool(at, tokens.access_token, name);
  return { status, result: body.result, tokens };
}

describe('get_user_profile', () => {
  test('tells job title, office and photo', async () => {
    const { result } = await call('get_user_profile');
    const photo = Buffer.from(server.entra.people.ada.photo ?? []).toString('base64');
    expect(result?.structuredContent).toMatchObject({
      name: 'Ada Lovelace',
      job_title: 'Analyst',
      office: 'London, St James’s Square 12',
      photo: `data:image/png;base64,${photo}`,
    });
  });

  test('leaves out what Graph does not know', async () => {
    const { result } = await call('get_user_profile', 'grace');
    expect(Object.keys(result?.structuredContent ?? {})).toEqual(['id', 'tenant_id', 'object_id', 'name', 'email']);
    expect(result?.isError).toBeFalsy();
  });

  test.each(['outage', 'reset', 'garbage'] as const)('works while Graph does not (%s)', async fault => {
    server.entra.fail('graph', fault);
    const { status, result } = await call('get_user_profile');
    expect(status).toBe(200);
    expect(Object.keys(result?.structuredContent ?? {})).toEqual(['id', 'tenant_id', 'object_id', 'name', 'email']);
  });

  test('works without consent to User.Read, and makes no address that nobody sees', async () => {
    const { tokens } = await connect(server, 'grace');
    const signins = TableClient.fromConnectionString(server.storage.connectionString, 'signins', {
      allowInsecureConnection: true,
    });
    const count = async () => {
      let rows = 0;
      for await (const _row of signins.listEntities()) rows += 1;
      return rows;
    };
    const before = await count();
    server.entra.requireConsent('grace', ['User.Read']);
    const { body } = await callTool(server, tokens.access_token, 'get_user_profile');
    expect(body.result?.structuredContent).toMatchObject({ name: 'Grace Hopper' });
    expect(await count()).toBe(before);
  });

  test('asks Graph for nothing where AUTH_SCOPES does not name User.Read', async () => {
    const without = await startAppServer();
    try {
      const { result } = await call('get_user_profile', 'ada', without);
      expect(result?.structuredContent).not.toHaveProperty('job_title');
      expect(graphCalls(without)).toBe(0);
    } finally {
      await without.stop();
    }
  });

  test('shows it too where the groups that may enter are what User.Read is asked for', async () => {
    const group = '11111111-aaaa-bbbb-cccc-000000000001';
    const grouped = await startAppServer({ settings: { AUTH_ALLOWED_GROUPS: group } });
    try {
      grouped.entra.change('ada', { groups: [group] });
      expect((await call('get_user_profile', 'ada', grouped)).result?.structuredContent).toHaveProperty('job_title');
    } finally {
      await grouped.stop();
    }
  });

  test('knows the scope by its long name too', async () => {
    const long = 'https://graph.microsoft.com/User.Read';
    const named = await startAppServer({ settings: { AUTH_SCOPES: `openid profile email ${long}` } });
    try {
      expect((await call('get_user_profile', 'ada', named)).result?.structuredContent).toHaveProperty('job_title');
    } finally {
      await named.stop();
    }
  });
});

describe('the example with the calendar', () => {
  const visit = async (text: string) => {
    const browser = new Browser();
    let page = await browser.submit(await browser.open(/http:\S+/.exec(text)?.[0] ?? ''));
    page = await signInAs(browser, page, 'ada');
    return page.html.includes('Permissions requested') ? browser.submit(page, { button: 'accept=yes' }) : page;
  };

  test('tells the next three events', async () => {
    const { result } = await call('get_next_events');
    const { events } = z
      .object({ events: z.array(z.object({ subject: z.string(), start: z.string() })) })
      .parse(result?.structuredContent);
    expect(events).toHaveLength(3);
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(3);
    const starts = events.map(({ start }) => Date.parse(start));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts[0]).toBeGreaterThanOrEqual(server.clock.now);
  });

  test('tells whoever has not consented where to, and works then', async () => {
    const { tokens } = await connect(server, 'ada');
    server.entra.requireConsent('ada', ['Calendars.Read']);
    const first = await callTool(server, tokens.access_token, 'get_next_events');
    expect(first.body.result?.isError).toBe(true);
    expect((await visit(first.body.result?.content[0]?.text ?? '')).status).toBe(200);
    const second = await callTool(server, tokens.access_token, 'get_next_events');
    expect(second.body.result?.structuredContent).toHaveProperty('events');
  });

  test('says so when Graph does not answer', async () => {
    server.entra.fail('graph', 'outage');
    const { result } = await call('get_next_events');
    expect([result?.isError, result?.content[0]?.text]).toEqual([true, expect.stringContaining('Try again later')]);
  });

  test('passes on what Graph wants, and works when the person has been there', async () => {
    const { tokens } = await connect(server, 'ada');
    server.entra.challenge('ada', 'graph');
    const first = await callTool(server, tokens.access_token, 'get_next_events');
    expect((await visit(first.body.result?.content[0]?.text ?? '')).status).toBe(200);
    const second = await callTool(server, tokens.access_token, 'get_next_events');
    expect(second.body.result?.structuredContent).toHaveProperty('events');
  });
});
