import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { createLogger } from '../../../src/log.ts';
import { defineTool } from '../../../src/mcp/define-tool.ts';
import { openAudit, type StoredEvent } from '../../../src/storage/audit.ts';
import { openTables, type Tables } from '../../../src/storage/tables.ts';
import { createWriteBehind } from '../../../src/storage/write-behind.ts';
import { type AppServer, startAppServer } from '../../support/app-server.ts';
import { freshStorage } from '../../support/azurite.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  backAtClient,
  callTool,
  claimsOf,
  connect,
  post,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
import { type StorageProxy, startStorageProxy } from '../../support/storage-faults.ts';

const forAuditors = defineTool({
  name: 'read_books',
  title: 'Read the books',
  description: 'For auditors alone.',
  scopes: [],
  roles: ['Auditor'],
  input: z.object({}),
  handler: () => 'The books.',
});

let server: AppServer;
let proxy: StorageProxy | undefined;
let tables: Tables;

beforeAll(async () => {
  server = await startAppServer({
    settings: { AUDIT_RETENTION_DAYS: '2' },
    tools: [forAuditors],
    connectionString: async own => {
      proxy = await startStorageProxy(own);
      return proxy.connectionString;
    },
  });
  tables = openTables({ connection: { connectionString: server.storage.connectionString } });
});
afterAll(async () => {
  await server.stop();
  await proxy?.stop();
});

const written = () => Promise.all(server.apps.map(app => app.flush()));

/** All events, the newest first, as the administrators' page reads them. */
async function events(): Promise<StoredEvent[]> {
  await written();
  const audit = openAudit(
    tables,
    createWriteBehind(
      tables,
      () => {},
      createLogger('error', () => {}),
    ),
  );
  const all: StoredEvent[] = [];
  let after: string | undefined;
  do {
    const page = await audit.page(after);
    all.push(...page.events);
    after = page.next;
  } while (after);
  return all;
}

/** What `work` adds, the oldest first. */
async function during(work: () => Promise<unknown>): Promise<StoredEvent[]> {
  const before = (await events()).length;
  server.clock.advance(1);
  await work();
  const all = await events();
  return all.slice(0, all.length - before).reverse();
}

const acts = (list: readonly StoredEvent[]) => list.map(({ act }) => act);
const ada = () => `${server.entra.people.ada.tid}.${server.entra.people.ada.oid}`;

describe('what becomes an event', () => {
  test('a registration, and each step of a sign-in, which one name holds together', async () => {
    const found = await during(async () => {
      const client = await register(server, { client_name: 'Audited' });
      server.clock.advance(1);
      await register(server, { client_name: 'Audited' });
      const { url } = authorizationUrl(server, client);
      server.clock.advance(1);
      await approveAndSignIn(new Browser(), url);
    });
    expect(acts(found)).toEqual(['client registered', 'consent given', 'signed in']);
    const [registered, given, signedIn] = found;
    expect(registered).toMatchObject({ clientName: 'Audited' });
    expect(given).toMatchObject({ client: registered?.client, scope: expect.stringContaining('notes:read') });
    expect(signedIn).toMatchObject({ client: registered?.client, person: ada(), signin: given?.signin });
    for (const { correlationId } of found) expect(correlationId).toMatch(/^[0-9a-f]{32}$/);
  });

  test('a grant and its end, by whom and why', async () => {
    let grant: unknown;
    const found = await during(async () => {
      const { client, tokens } = await connect(server);
      server.clock.advance(1);
      await post(server, '/oauth/revoke', { token: tokens.refresh_token, client_id: client.client_id });
      await post(server, '/oauth/revoke', { token: tokens.refresh_token, client_id: client.client_id });
      grant = claimsOf(tokens.access_token).gid;
    });
    const ended = found.filter(({ act }) => act === 'grant ended');
    expect(ended).toMatchObject([{ grant, person: ada(), reason: 'revoked', clientName: 'A test' }]);
    expect(found.find(({ act }) => act === 'connected')).toMatchObject({ grant, person: ada() });
  });

  test('denials: by the person, by Entra, and at a renewal', async () => {
    const client = await register(server);
    const { tokens } = await connect(server, 'grace', {}, client);
    const found = await during(async () => {
      const browser = new Browser();
      const consent = await browser.open(authorizationUrl(server, client).url);
      await browser.submit(consent, { button: 'decision=deny', stopAt: backAtClient });
      server.clock.advance(1);
      await approveAndSignIn(new Browser(), authorizationUrl(server, client).url, 'unassigned');
      server.clock.advance(1);
      server.entra.disable('grace');
      await token(server, refreshForm(client, tokens.refresh_token));
    });
    expect(new Set(acts(found))).toEqual(
      new Set(['consent denied', 'consent given', 'sign-in refused', 'renewal refused', 'grant ended']),
    );
    expect(found.find(({ act }) => act === 'sign-in refused')?.reason).toContain('AADSTS50105');
    expect(found.find(({ act }) => act === 'renewal refused')?.reason).toContain('AADSTS50057');
  });

  test('a tool that the person has no role for', async () => {
    const { client, tokens } = await connect(server);
    const found = await during(() => callTool(server, tokens.access_token, 'read_books'));
    expect(found).toMatchObject([
      { act: 'tool denied', tool: 'read_books', person: ada(), client: client.client_id, resource: server.mcpUrl },
    ]);
  });

  test('what an administrator does, by their name, and a person who has all deleted', async () => {
    server.entra.change('ada', { roles: ['Admin'] });
    const browser = new Browser();
    const picker = await browser.open(`${server.origin}/auth/login?to=manage`);
    await signInAs(browser, picker, 'ada');
    const found = await during(async () => {
      const page = await browser.open(`${server.origin}/manage?client=some-client`);
      await browser.submit(page, { button: 'action=block' });
      server.clock.advance(1);
      await browser.submit(page, { button: 'action=end-client' });
      server.clock.advance(1);
      await browser.submit(await browser.open(`${server.origin}/account?show=delete`), {
        button: 'action=delete-everything',
      });
    });
    expect(acts(found).filter(act => act !== 'grant ended')).toEqual([
      'client blocked',
      'all of a client ended',
      'data deleted',
    ]);
    expect(found[0]).toMatchObject({ client: 'some-client', by: ada() });
    expect(found.at(-1)).toMatchObject({ person: ada() });
  });
});

test('an event is one line of level info at once, and a row with the same words', async () => {
  const lines = server.logLines.filter(line => JSON.parse(line).event === 'audit').map(line => JSON.parse(line));
  const rows = await events();
  expect(lines.length).toBe(rows.length);
  for (const { level, event: _event, ...fields } of lines) {
    expect(level).toBe('info');
    const { correlation_id: _id, ...words } = fields;
    expect(
      rows.some(row => Object.entries(words).every(([name, value]) => row[name as keyof StoredEvent] === value)),
    ).toBe(true);
  }
});

test('no event holds a token, code, secret, note, name or address', async () => {
  const confidential = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
  const { tokens, code } = await connect(server);
  await callTool(server, tokens.access_token, 'save_user_note', { note: 'a secret note' });
  const text = JSON.stringify(await events());
  const secrets = [
    tokens.access_token,
    tokens.refresh_token,
    code.code,
    code.verifier,
    confidential.client_secret ?? '',
  ];
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(20);
    expect(text).not.toContain(secret);
    expect(text).not.toContain(secret.split('.').at(-1));
  }
  expect(text).not.toMatch(/Lovelace|contoso\.example|a secret note|127\.0\.0\.1/);
});

test('events go when they are as old as the setting says, and no sooner', async () => {
  const before = (await events()).length;
  expect(before).toBeGreaterThan(0);
  server.clock.advance(2 * 86_400 - 3600);
  expect(await server.apps[0]?.purge()).toMatchObject({ audit: 0 });
  server.clock.advance(3 * 3600);
  await register(server, { client_name: 'The newest' });
  expect(await server.apps[0]?.purge()).toMatchObject({ audit: before });
  expect(acts(await events())).toEqual(['client registered']);
});

describe('while storage does not take events', () => {
  test('requests go on, and events are written when it does again', async () => {
    const before = (await events()).length;
    proxy?.refuse({ status: 503, matches: ({ url }) => (url ?? '').includes('$batch') });
    const client = await register(server, { client_name: 'Meanwhile' });
    expect(client.client_id).toBeTruthy();
    await written();
    proxy?.refuse(undefined);
    expect((await events()).length).toBe(before + 1);
  });

  test('a lost reply stores an event once', async () => {
    const before = (await events()).length;
    await register(server, { client_name: 'Once' });
    await register(server, { client_name: 'Twice' });
    proxy?.loseNextReply(({ url }) => (url ?? '').includes('$batch'));
    expect((await events()).length).toBe(before + 2);
  });
});

test('memory holds ten thousand rows and no more, and the log says what is lost', async () => {
  const lines: string[] = [];
  const storage = freshStorage();
  const own = openTables({ connection: { connectionString: storage.connectionString } });
  const runs: (() => void)[] = [];
  const writer = createWriteBehind(
    own,
    run => runs.push(run),
    createLogger('error', (_level, line) => lines.push(line)),
  );
  for (let i = 0; i < 10_002; i++) writer.add('audit', { partitionKey: `p${i % 2}`, rowKey: String(i) });
  // However many rows: one timer.
  expect(runs.length).toBe(1);
  await writer.flush();
  expect(lines.map(line => JSON.parse(line))).toMatchObject([{ rows: 2 }]);
  expect(await own.table('audit').read({ partitionKey: 'p1', rowKey: '9999' })).toBeDefined();
  expect(await own.table('audit').read({ partitionKey: 'p0', rowKey: '10000' })).toBeUndefined();
});
