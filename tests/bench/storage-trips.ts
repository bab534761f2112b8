/**
 * How many requests leave for storage in each step: with a real emulator, the stand-in for Entra ID, and the app's
 * endpoints on loopback. What is done once in the life of a table or an instance is done before and not counted.
 */
import './tsx.ts';
import { emulatorAccount, startAzurite } from '../../dev/azurite/index.ts';
import { Browser } from '../../dev/browser/index.ts';
import { startAppServer } from '../support/app-server.ts';
import { callTool, connect, refreshForm, register, token } from '../support/flows.ts';
import { countTrips } from '../support/storage-faults.ts';
import type { Result } from './table.ts';

/** The most that each step may take; registration is once in a client's life. */
const TARGETS = {
  registration: 2,
  'sign-in': 8,
  'sign-in of an https client': 8,
  'the same, approved before': 8,
  renewal: 2,
  'an authorized request': 0,
  'saving a note': 1,
  'reading a note': 1,
  'a page of notes': 1,
  'deleting a note': 1,
} as const;

const WEB = 'https://client.example/callback';

export type Step = keyof typeof TARGETS;

export async function run(): Promise<Result> {
  const trips = await countAll();
  const steps = Object.entries(TARGETS) as [Step, number][];
  return {
    rows: steps.map(([step, target]) => ({
      what: step,
      measured: `${trips[step]}`,
      target: `<= ${target}`,
      reached: trips[step] <= target,
    })),
  };
}

/** Runs every step once. */
export async function countAll(): Promise<Record<Step, number>> {
  await using stack = new AsyncDisposableStack();
  const azurite = await startAzurite();
  stack.defer(() => azurite.stop());
  const { name: accountName } = emulatorAccount;
  const server = await startAppServer({ storage: { accountName, connectionString: azurite.connectionString } });
  stack.defer(() => server.stop());

  const trips = {} as Record<Step, number>;
  async function count<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const counted = await countTrips(accountName, work);
    trips[step] = counted.trips;
    return counted.result;
  }

  const { tokens: first } = await connect(server);
  const client = await count('registration', () => register(server, { client_name: 'Bench' }));
  // A client's first sign-in marks it as used, which is counted apart.
  await connect(server, 'ada', {}, client);
  const { tokens } = await count('sign-in', () => connect(server, 'ada', {}, client));
  const browser = new Browser();
  const web = await register(server, { client_name: 'On the web', redirect_uris: [WEB] });
  await connect(server, 'grace', { redirect_uri: WEB }, web);
  const connectWeb = () => connect(server, 'ada', { redirect_uri: WEB }, web, browser);
  await count('sign-in of an https client', connectWeb);
  await count('the same, approved before', connectWeb);
  await count('renewal', () => token(server, refreshForm(client, tokens.refresh_token)));

  const call = async (name: string, args: Record<string, unknown>) => {
    const { status, body } = await callTool(server, first.access_token, name, args);
    if (status !== 200 || !body.result || body.result.isError) throw new Error(`${name}: ${JSON.stringify(body)}`);
    return body.result.structuredContent ?? {};
  };
  await call('save_user_note', { note: 'the first' });
  await count('an authorized request', () => call('calculate_sum', { numbers: [1, 2] }));
  const { id } = await count('saving a note', () => call('save_user_note', { note: 'x' }));
  await count('reading a note', () => readNote(server.mcpUrl, first.access_token, `note://${id}`));
  await count('a page of notes', () => call('get_user_notes', {}));
  await count('deleting a note', () => call('delete_user_note', { id }));
  return trips;
}

async function readNote(url: string, accessToken: string, uri: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri } }),
  });
  const text = await response.text();
  if (!text.includes('"contents"')) throw new Error(`${response.status} ${text}`);
}
