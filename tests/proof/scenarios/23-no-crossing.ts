import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { NASTY } from '../../support/broken-requests.ts';
import { type Client, codeForm, connect, obtainCode, refreshForm, register, token } from '../../support/flows.ts';
import { toolCall } from '../flows/mcp-call.ts';
import { tokenMaker } from '../flows/people.ts';
import { type Answer, createLoadClient, type LoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

const REPORTS = 'https://reports.example/mcp';
const API = { client_id: 'api', client_secret: 'a secret of the api' };

export default {
  number: 23,
  title: 'People, kinds of tokens and resources never cross',
  group: 'Bad input',
  seconds: { whole: 60, short: 30 },
  async run({ rig: startRig, short, seed, progress }) {
    const hash = createHash('sha256').update(API.client_secret).digest('hex');
    const rig = await startRig({
      settings: {
        LOG_LEVEL: 'warn',
        MCP_RATE_LIMIT: '0',
        RESOURCES: JSON.stringify([
          { resource: REPORTS, name: 'Reports', scopes: { 'reports:read': 'Read your reports' } },
        ]),
        PREREGISTERED_CLIENTS: JSON.stringify([
          { client_id: API.client_id, client_secret_sha256: hash, introspection: true },
        ]),
      },
    });
    rig.leaks.add(API.client_secret);
    const client = createLoadClient(64);
    progress('People');
    const people = await crowd(rig, client, short ? 20 : 100, short ? 10 : 50);
    progress('Hostile keys');
    const hostile = await hostileKeys(rig, client, short ? 200 : 1_000, seed, people.tokens);
    progress('Kinds of tokens');
    const kinds = await kindsOfTokens(rig, client);
    client.close();
    for (const text of [...people.wrong, ...hostile.wrong, ...kinds.wrong].slice(0, 10)) console.error(text);
    const row = (what: string, { wrong, done }: { wrong: string[]; done: number }) =>
      promise(what, `${wrong.length} of ${done}`, '0', wrong.length === 0);
    return {
      rows: [
        row('calls at once, with equal JSON-RPC ids, that another person got something of', people),
        row('hostile keys, filters and cursors that got a note of another person, or a fault', hostile),
        row('tokens that were taken where they are of no use', kinds),
      ],
    };
  },
} satisfies Scenario;

/** Everybody saves and lists at once; each must find their own notes and no other. */
async function crowd(rig: Rig, client: LoadClient, count: number, calls: number) {
  const makeToken = await tokenMaker(rig);
  const tokens = await Promise.all(
    Array.from({ length: count }, () =>
      makeToken({ person: { tid: randomUUID(), oid: randomUUID(), name: 'Somebody' } }),
    ),
  );
  const wrong: string[] = [];
  const mark = (person: number, call: number) => `note ${call} of person ${person};`;
  const ask = (person: number, name: string, args: object) =>
    client.send(toolCall(rig.mcpUrl, tokens[person] ?? '', name, args));
  await Promise.all(
    tokens.flatMap((_, person) =>
      Array.from({ length: calls }, async (_each, call) => {
        const answer = await ask(person, 'save_user_note', { note: mark(person, call) });
        if (answer.status !== 200 || !answer.body.includes('"id"'))
          wrong.push(`saving: ${answer.status} ${answer.body}`);
        const list = await ask(person, 'get_user_notes', { limit: 100 });
        const named = [...list.body.matchAll(/of person (\d+);/g)].map(([, number]) => Number(number));
        if (list.status !== 200 || named.length === 0 || named.some(each => each !== person)) {
          wrong.push(`person ${person} got ${list.status}, notes of ${[...new Set(named)].join()}`);
        }
      }),
    ),
  );
  return { wrong, done: count * calls * 2, tokens };
}

/** The first person's ids and cursors, and what programs stumble over, in the hands of the second. */
async function hostileKeys(rig: Rig, client: LoadClient, count: number, seed: number, tokens: readonly string[]) {
  const [mine = '', other = ''] = tokens;
  const page = await client.send(toolCall(rig.mcpUrl, mine, 'get_user_notes', { limit: 1 }));
  const found = JSON.parse(jsonOf(page)) as {
    result: { structuredContent: { notes: { id: string }[]; nextCursor?: string } };
  };
  const id = found.result.structuredContent.notes[0]?.id ?? '';
  const cursor = found.result.structuredContent.nextCursor ?? '';
  const filters = ["' or PartitionKey ne '", "x' or 1 eq 1 or RowKey eq 'x", "' or true or '", `${id}' or 'a' eq 'a`];
  const near = [id, cursor, id.slice(0, -1), `n${id}`, `../${id}`, `${id}\0`, id.toUpperCase(), encodeURIComponent(id)];
  const values = fc.sample(fc.oneof(NASTY, fc.constantFrom(...filters, ...near)), { seed: seed | 0, numRuns: count });
  const wrong: string[] = [];
  for (const [n, value] of values.entries()) {
    const [name, args] = (
      [
        ['get_user_notes', { cursor: value }],
        ['delete_user_note', { id: value }],
        ['save_user_note', { note: 'a note', idempotency_key: value }],
      ] as const
    )[n % 3] ?? ['get_user_notes', {}];
    const answer = await client.send(toolCall(rig.mcpUrl, other, name, args));
    const isForeign = /of person (\d+);/.exec(answer.body)?.[1] === '0';
    if (isForeign || answer.status >= 500 || answer.status === 0) {
      wrong.push(`${name} with ${JSON.stringify(value)}: ${answer.status} ${answer.body.slice(0, 300)}`);
    }
  }
  const still = await client.send(toolCall(rig.mcpUrl, mine, 'get_user_notes', { limit: 1 }));
  if (!still.body.includes(id)) wrong.push('a note of another person was deleted');
  return { wrong, done: count };
}

/** Each kind of token wherever a token is taken. */
async function kindsOfTokens(rig: Rig, client: LoadClient) {
  const registered = await register(rig);
  const { tokens } = await connect(rig, 'ada', { resource: rig.mcpUrl }, registered);
  const unspent = await obtainCode(rig, registered, 'ada', { resource: rig.mcpUrl });
  const reports = await obtainCode(rig, registered, 'ada', { resource: REPORTS, scope: 'reports:read' });
  const elsewhere = await token(rig, { ...codeForm(registered, reports), resource: REPORTS });
  if (elsewhere.status !== 200) throw new Error(`A token for the other resource: ${JSON.stringify(elsewhere.body)}`);
  const makeToken = await tokenMaker(rig);
  const entra = await entraTokens(rig);
  const kinds: Record<string, string> = {
    'access token': tokens.access_token,
    'refresh token': tokens.refresh_token,
    code: unspent.code,
    verifier: unspent.verifier,
    'access token of another resource': elsewhere.body.access_token,
    'refresh token of another resource': elsewhere.body.refresh_token,
    'expired access token': await makeToken({ expiresAt: Math.floor(Date.now() / 1000) - 600 }),
    'access token of another server': await makeToken({ resource: 'https://elsewhere.example/mcp' }),
    'access token of Entra': entra.access_token ?? '',
    'id token of Entra': entra.id_token ?? '',
    'refresh token of Entra': entra.refresh_token ?? '',
    'secret of a client': API.client_secret,
    'secret at Entra': rig.settings.AUTH_CLIENT_SECRET ?? '',
    'key of the server': rig.settings.JWT_SECRET_KEY ?? '',
  };
  rig.leaks.add(...Object.values(kinds));
  const form = (path: string, fields: Record<string, string>) =>
    client.send({ url: rig.origin + path, body: new URLSearchParams(fields) });
  const redeem = (own: Client, code: string) => codeForm(own, { ...unspent, code }) as Record<string, string>;
  /** What is asked with a token, and whether an answer means that it was taken. */
  const doors: Record<
    string,
    { right: string[]; ask(value: string): Promise<Answer>; taken(answer: Answer): boolean }
  > = {
    '/mcp': {
      right: ['access token'],
      ask: value => client.send(toolCall(rig.mcpUrl, value, 'get_user_profile', {})),
      taken: ({ status }) => status !== 401,
    },
    renewal: {
      right: ['refresh token', 'refresh token of another resource'],
      ask: value => form('/oauth/token', refreshForm(registered, value) as Record<string, string>),
      taken: ({ status }) => status === 200,
    },
    code: {
      right: ['code'],
      ask: value => form('/oauth/token', redeem(registered, value)),
      taken: ({ status }) => status === 200,
    },
    introspection: {
      right: ['access token'],
      ask: value => form('/oauth/introspect', { ...API, token: value }),
      taken: ({ body }) => body.includes('"active":true'),
    },
    callback: {
      right: [],
      ask: value =>
        client.send({
          url: `${rig.origin}/auth/callback?${new URLSearchParams({ state: value, code: value })}`,
          method: 'GET',
        }),
      taken: ({ status }) => status < 400,
    },
    session: {
      right: [],
      ask: value =>
        client.send({
          url: `${rig.origin}/account`,
          method: 'GET',
          headers: { cookie: `mcp-session-${new URL(rig.origin).port}=${encodeURIComponent(value)}` },
        }),
      taken: ({ status, body }) => status === 200 && body.includes('Ada'),
    },
  };
  const wrong: string[] = [];
  let done = 0;
  for (const [door, { right, ask, taken }] of Object.entries(doors)) {
    for (const [kind, value] of Object.entries(kinds)) {
      if (right.includes(kind)) continue;
      done++;
      const answer = await ask(value);
      if (taken(answer)) wrong.push(`${kind} at ${door}: ${answer.status} ${answer.body.slice(0, 200)}`);
    }
  }
  // And none of it has spoiled what was right.
  for (const [door, { right, ask, taken }] of Object.entries(doors)) {
    for (const kind of right) {
      done++;
      if (!taken(await ask(kinds[kind] ?? ''))) wrong.push(`${kind} was not taken at ${door} afterwards`);
    }
  }
  return { wrong, done };
}

/** What Entra gave the app at a sign-in, as the proxy before it sees it. */
async function entraTokens(rig: Rig): Promise<Record<string, string>> {
  let found: Record<string, string> = {};
  const stop = rig.toEntra.afterwards(({ path }, status, body) => {
    if (path.includes('/token') && status === 200) found = JSON.parse(body.toString()) as Record<string, string>;
  });
  await connect(rig, 'grace', { resource: rig.mcpUrl });
  stop();
  return found;
}

const jsonOf = ({ body }: Answer) => (body.startsWith('{') ? body : (/^data: (.*)$/m.exec(body)?.[1] ?? '{}'));
