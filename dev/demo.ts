/**
 * `npm run demo`: the whole of it with no hands. Builds the app and runs it on free ports with nothing kept, signs two
 * people in through the pages as a browser would, and uses every tool as a client of today and as an older one. With
 * `gateway` it does so with a server that others wrote.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../build.ts';
import type { Credentials } from '../examples/client/credentials.ts';
import { startReceiver } from '../examples/client/loopback.ts';
import { SignIn } from '../examples/client/sign-in.ts';
import { SETTINGS } from '../src/settings.ts';
import { peopleOf } from './entra/people.ts';
import { appOf } from './local/app.ts';
import { type DemoClient, type DemoClientOptions, newestClient, olderClient } from './local/demo-clients.ts';
import { approveAndSignIn } from './local/person.ts';
import { type Environment, type Plan, planFor } from './local/plan.ts';
import { freePorts } from './local/ports.ts';
import { startReferenceServer } from './local/reference-server.ts';
import { readFlags, runScript } from './local/script.ts';
import { startServices } from './local/services.ts';
import { heading, table } from './local/summary.ts';

const help = `npm run demo: runs the app on free ports, signs two people in and uses all tools; keeps nothing.

  npm run demo             exits 0 when all went well, else says what did not
  npm run demo -- gateway  signs one person in to a server of others behind the gateway, and uses a tool of it
  npm run demo -- --help   shows this`;

const toolNames = [
  'calculate_sum',
  'delete_user_note',
  'export_user_notes',
  'get_server_info',
  'get_user_notes',
  'get_user_profile',
  'save_user_note',
];

/** It takes some seconds; what takes this long, in milliseconds, hangs. */
const patience = 120_000;

let steps = 7;
let step = 'Begin';
let number = 0;

await runScript(async stack => {
  const chosen = readFlags(process.argv.slice(2), ['help'], ['gateway']);
  if (chosen.has('help')) return console.log(help);
  const show = chosen.has('gateway') ? showGateway : showApp;
  const started = performance.now();
  const lines: string[] = [];
  const hanging = AbortSignal.timeout(patience);
  const tooLate = new Promise<never>((_, reject) => {
    hanging.addEventListener('abort', () => reject(new Error(`this takes longer than ${patience / 1000} s`)));
  });
  try {
    await Promise.race([show(stack, hanging, line => lines.push(line)), tooLate]);
  } catch (error) {
    if (lines.length > 0) console.error(`\nThe app's last words:\n${lines.slice(-30).join('\n')}`);
    throw new Error(`\nStep ${number}, "${step}", failed: ${error instanceof Error ? error.message : error}`);
  }
  console.log(`\nAll of it worked, in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
});

type Show = (stack: AsyncDisposableStack, stopped: AbortSignal, say: (line: string) => void) => Promise<void>;

async function showApp(...[stack, stopped, say]: Parameters<Show>): Promise<void> {
  const plan = await startApp(stack, stopped, say, {});
  await visit(plan, stack, {
    who: 'ada',
    newClient: newestClient,
    what: 'a client of today, @modelcontextprotocol/client 2.x',
    revision: '2026-07-28',
  });
  await visit(plan, stack, {
    who: 'grace',
    newClient: olderClient,
    what: 'an older client, @modelcontextprotocol/sdk 1.x',
    revision: '2025-11-25',
  });
}

async function showGateway(...[stack, stopped, say]: Parameters<Show>): Promise<void> {
  steps = 6;
  begin('Start a server that others wrote, @modelcontextprotocol/server-everything');
  const [port = 0] = await freePorts(1);
  const server = await startReferenceServer(port);
  stack.defer(() => server.stop());
  tell([['it listens at', server.url]]);

  const name = 'everything';
  const plan = await startApp(stack, stopped, say, {
    GATEWAY_UPSTREAMS: `${name}=${server.url}`,
    GATEWAY_TOOLS: JSON.stringify({ [name]: { deny: { '*': ['get-env'] } } }),
  });
  const url = new URL(`/${name}/mcp`, plan.app.url);
  tell([['behind the gateway', url.href]]);

  const what = 'a client of today';
  const client = await connected(url, stack, { who: 'ada', newClient: newestClient, what, revision: '2025-11-25' });
  begin('Ada uses a tool');
  const found = await client.toolNames();
  assert(found.includes('echo') && !found.includes('get-env'), 'these are not the tools that she may use');
  tell([['tools/list', found.join(', ')]]);
  const tool = 'get-structured-content';
  const result = await client.call(tool, { location: 'New York' });
  assert.equal(typeof result.temperature, 'number', 'this is not what the tool says');
  tell([[tool, JSON.stringify(result)]]);
}

/** The app with all that it needs, as it is on a laptop. */
async function startApp(...[stack, stopped, say, settings]: [...Parameters<Show>, Environment]): Promise<Plan> {
  begin('Build the app');
  const root = await mkdtemp(join(tmpdir(), 'mcp-demo-'));
  stack.defer(() => rm(root, { recursive: true }));
  const { files } = await build({ outdir: root });
  tell([['index.js', `${Math.round((files[0]?.bytes ?? 0) / 1000)} KB, and ${files.length - 1} chunks`]]);

  begin('Start the storage emulator and the Entra stand-in');
  const [app, entra, tables] = await freePorts(3);
  const ports = { SERVER_PORT: `${app}`, ENTRA_PORT: `${entra}`, AZURITE_TABLE_PORT: `${tables}` };
  const clientSecret = randomBytes(32).toString('base64url');
  const plan = planFor({ ...withoutSettings(process.env), ...ports, ...settings }, { clientSecret });
  await startServices(plan, stack);
  tell(plan.ports.slice(1).map(({ what, port }) => [what, `port ${port}`]));

  begin('Start the app on the local Functions host');
  const running = appOf({ plan, root, stopped, say });
  stack.defer(() => running.stop());
  await running.restart();
  tell([['MCP endpoint', plan.app.mcpUrl]]);
  return plan;
}

interface Visit {
  who: 'ada' | 'grace';
  newClient(options: DemoClientOptions): DemoClient;
  /** The client, in words. */
  what: string;
  /** Of the protocol, which the client and the server should come to. */
  revision: string;
}

/** One person comes with one client, and signs in. */
async function connected(
  url: URL,
  stack: AsyncDisposableStack,
  { who, newClient, what, revision }: Visit,
): Promise<DemoClient> {
  begin(`${firstNameOf(who)} signs in with ${what}`);
  const receiver = await startReceiver();
  stack.defer(() => receiver.close());
  let kept: Credentials = {};
  const signIn = new SignIn({
    clientName: 'The demo',
    receiver,
    store: {
      load: async () => kept,
      save: async credentials => {
        kept = credentials;
      },
    },
    show: page => approveAndSignIn(page, who, line => tell([['browser', line]])),
  });
  const client = newClient({ url, signIn, fetch: logged });
  stack.defer(() => client.close());
  const negotiated = await client.connect();
  tell([['connected', `MCP ${negotiated}`]]);
  assert.equal(negotiated, revision, 'this is not the revision of the protocol that was expected');
  return client;
}

/** One person comes with one client, signs in and uses every tool. */
async function visit(plan: Plan, stack: AsyncDisposableStack, how: Visit): Promise<void> {
  const { who } = how;
  const firstName = firstNameOf(who);
  const client = await connected(new URL(plan.app.mcpUrl), stack, how);

  begin(`${firstName} uses the tools`);
  const found = await client.toolNames();
  assert.deepEqual([...found].sort(), toolNames, 'these are not the tools');
  tell([['tools/list', found.join(', ')]]);
  const call = async (name: string, args?: Record<string, unknown>) => {
    const result = await client.call(name, args);
    tell([[name, shortened(JSON.stringify(result))]]);
    return result;
  };

  const person = personOf(plan, who);
  const profile = await call('get_user_profile');
  assert.deepEqual([profile.name, profile.email], [person.name, person.username], 'this is somebody else');
  assert.deepEqual((await call('get_user_notes')).notes, [], 'notes of somebody else are here');
  const { id } = await call('save_user_note', { note: `Buy tea, says ${firstName}`, idempotency_key: 'tea' });
  const again = await call('save_user_note', { note: `Buy tea, says ${firstName}`, idempotency_key: 'tea' });
  assert.equal(again.id, id, 'a repeated request saved a second note');
  const kettle = await call('save_user_note', { note: 'Mend the kettle' });
  const { notes } = await call('get_user_notes', { limit: 10 });
  assert.deepEqual(noteIds(notes), [kettle.id, id], 'these are not the two notes, the newest first');
  assert.equal((await call('delete_user_note', { id })).deleted, true, 'the note is still there');
  assert.deepEqual(noteIds((await call('get_user_notes')).notes), [kettle.id], 'this is not the one note left');
  assert.equal((await call('calculate_sum', { numbers: [1, 2, 3.5] })).sum, 6.5);
  assert.equal((await call('get_server_info')).storage_reachable, true, 'the storage cannot be reached');
}

function personOf({ env }: Pick<Plan, 'env'>, who: Visit['who']) {
  return peopleOf(env.AUTH_TENANT_ID ?? '')[who];
}

function firstNameOf(who: Visit['who']): string {
  return personOf({ env: {} }, who).name.split(' ')[0] ?? '';
}

function begin(title: string): void {
  step = title;
  number += 1;
  console.log(`\n${heading(`[${number}/${steps}] ${title}`)}`);
}

function tell(rows: [string, string][]): void {
  console.log(table(rows.map(([name, value]) => [name.padEnd(18), value])));
}

/** `fetch`, and a line of the transcript for each request of the sign-in; those at the endpoint show in their results. */
async function logged(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(input, init);
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  const about = `${init?.method ?? 'GET'} ${pathname} → ${response.status}`;
  if (!/^(\/\w+)?\/mcp$/.test(pathname) || !response.ok) tell([['client', about]]);
  return response;
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function noteIds(notes: unknown): unknown[] {
  assert(Array.isArray(notes), 'the notes are no list');
  return notes.map(({ id }) => id);
}

/** The demo is the same whatever the person has set for the app. */
function withoutSettings(env: Environment): Environment {
  const names = new Set<string>(SETTINGS.map(({ name }) => name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)));
}
