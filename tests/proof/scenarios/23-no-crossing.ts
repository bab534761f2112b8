import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Browser, type Page } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { NASTY } from '../../support/broken-requests.ts';
import {
  authorizationUrl,
  type Client,
  codeForm,
  connect,
  obtainCode,
  REDIRECT_URI,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
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
        // Nothing listens there: who is let in is told so.
        GATEWAY_UPSTREAMS: 'closed=http://127.0.0.1:9/mcp',
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
        const named = ownersIn(list);
        if (list.status !== 200 || named.length === 0 || named.some(each => each !== person)) {
          wrong.push(`person ${person} got ${list.status}, notes of ${[...new Set(named)].join()}`);
        }
      }),
    ),
  );
  return { wrong, done: count * calls * 2, tokens };
}

/** Whose notes an answer holds. */
const ownersIn = ({ body }: Answer) => [...body.matchAll(/of person (\d+);/g)].map(([, number]) => Number(number));

/** The first person's ids and cursors, and what programs stumble over, in the hands of the second. */
async function hostileKeys(rig: Rig, client: LoadClient, count: number, seed: number, tokens: readonly string[]) {
  const [mine = '', other = ''] = tokens;
  const list = async (limit: number) => {
    const page = await client.send(toolCall(rig.mcpUrl, mine, 'get_user_notes', { limit }));
    const { result } = JSON.parse(jsonOf(page)) as {
      result: { structuredContent: { notes: { id: string }[]; next_cursor?: string } };
    };
    return result.structuredContent;
  };
  const idsOf = async () => (await list(100)).notes.map(note => note.id).join();
  const before = await idsOf();
  const { notes, next_cursor: cursor = '' } = await list(1);
  const id = notes[0]?.id ?? '';
  if (!id || !cursor) throw new Error('The first person has no note, or no second page.');
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
    const isForeign = ownersIn(answer).some(owner => owner !== 1);
    if (isForeign || answer.status >= 500 || answer.status === 0) {
      wrong.push(`${name} with ${JSON.stringify(value)}: ${answer.status} ${answer.body.slice(0, 300)}`);
    }
  }
  if ((await idsOf()) !== before) wrong.push('notes of another person were changed');
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
  const closed = { origin: rig.origin, mcpUrl: `${rig.origin}/closed/mcp` };
  const gateway = await connect(closed, 'ada', { resource: closed.mcpUrl, scope: 'closed:use' }, registered);
  // By another name: the same registration again would be the same client.
  const other = await register(rig, { client_name: 'Another' });
  const makeToken = await tokenMaker(rig);
  const entra = await entraTokens(rig);
  const page = await pageOf(rig);
  const signin = await signinOf(rig, registered);
  const kinds: Record<string, string> = {
    'access token': tokens.access_token,
    'refresh token': tokens.refresh_token,
    code: unspent.code,
    verifier: unspent.verifier,
    'access token of another resource': elsewhere.body.access_token,
    'refresh token of another resource': elsewhere.body.refresh_token,
    'access token of the gateway': gateway.tokens.access_token,
    'refresh token of the gateway': gateway.tokens.refresh_token,
    'session cookie': page.session,
    csrf: page.csrf,
    'sealed request': signin.sealed,
    'cookie of the sign-in': signin.cookie.split('=')[1] ?? '',
    'sign-in': signin.state,
    'code of Entra': signin.code,
    'expired access token': await makeToken({ expiresAt: Math.floor(Date.now() / 1000) - 600 }),
    'access token of another server': await makeToken({ resource: 'https://elsewhere.example/mcp' }),
    'access token of Entra': entra.access_token ?? '',
    'id token of Entra': entra.id_token ?? '',
    'refresh token of Entra': entra.refresh_token ?? '',
    'secret of a client': API.client_secret,
    'secret at Entra': rig.settings.AUTH_CLIENT_SECRET ?? '',
    'key of the server': rig.settings.JWT_SECRET_KEY ?? '',
  };
  for (const [kind, value] of Object.entries(kinds)) if (!value) throw new Error(`There is no ${kind}.`);
  // The name of a sign-in is no secret: it stands in the log.
  rig.leaks.add(...Object.entries(kinds).flatMap(([kind, value]) => (kind === 'sign-in' ? [] : [value])));
  const form = (path: string, fields: Record<string, string>) =>
    client.send({ url: rig.origin + path, body: new URLSearchParams(fields) });
  const redeem = (own: Client, code: string) => codeForm(own, { ...unspent, code }) as Record<string, string>;
  const get = (path: string, cookie: string) =>
    client.send({ url: rig.origin + path, method: 'GET', headers: { cookie } });
  const ownForm = (path: string, cookie: string, fields: Record<string, string>) =>
    client.send({
      url: rig.origin + path,
      headers: { cookie, 'sec-fetch-site': 'same-origin', origin: rig.origin },
      body: new URLSearchParams(fields),
    });
  const tokensOfGrants = Object.keys(kinds).filter(kind =>
    /^(access|refresh) token( of (another resource|the gateway))?$/.test(kind),
  );
  const living = new Set(tokensOfGrants.map(kind => kinds[kind]));
  /** What is asked with a token, and whether an answer means that it was taken. */
  const doors: Record<
    string,
    { right: string[]; ask(value: string): Promise<Answer>; taken(answer: Answer, value: string): boolean }
  > = {
    '/mcp': {
      right: ['access token'],
      ask: value => client.send(toolCall(rig.mcpUrl, value, 'get_user_profile', {})),
      taken: ({ status }) => status !== 401,
    },
    renewal: {
      right: ['refresh token', 'refresh token of another resource', 'refresh token of the gateway'],
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
    gateway: {
      right: ['access token of the gateway'],
      ask: value => client.send(toolCall(closed.mcpUrl, value, 'x', {})),
      taken: ({ status }) => status !== 401,
    },
    // What is not known is answered 200 (RFC 7009 section 2.2); what lives is another client's to end.
    'revocation by another client': {
      right: [],
      ask: value => form('/oauth/revoke', { token: value, client_id: other.client_id }),
      taken: ({ status }, value) => status === 200 && living.has(value),
    },
    consent: {
      right: ['sealed request'],
      ask: value => ownForm('/oauth/consent', signin.cookie, { request: value, decision: 'approve', scope: 'profile' }),
      taken: ({ status }) => status < 400,
    },
    callback: {
      right: ['sign-in'],
      ask: value =>
        get(`/auth/callback?${new URLSearchParams({ state: value, code: signin.code })}`, signin.callbackCookie),
      taken: ({ headers }) => String(headers.location ?? '').startsWith(REDIRECT_URI),
    },
    session: {
      right: ['session cookie'],
      ask: value => get('/account', `${page.cookieName}=${value}`),
      taken: ({ status, body }) => status === 200 && body.includes('Ada'),
    },
    'form of a page': {
      right: ['csrf'],
      ask: value => ownForm('/account', `${page.cookieName}=${page.session}`, { csrf: value, action: 'export' }),
      taken: ({ status }) => status < 400,
    },
  };
  const wrong: string[] = [];
  let done = 0;
  for (const [door, { right, ask, taken }] of Object.entries(doors)) {
    for (const [kind, value] of Object.entries(kinds)) {
      if (right.includes(kind)) continue;
      done++;
      const answer = await ask(value);
      if (taken(answer, value)) wrong.push(`${kind} at ${door}: ${answer.status} ${answer.body.slice(0, 200)}`);
    }
  }
  // And none of it has spoiled what was right.
  for (const [door, { right, ask, taken }] of Object.entries(doors)) {
    for (const kind of right) {
      done++;
      const value = kinds[kind] ?? '';
      const answer = await ask(value);
      if (!taken(answer, value)) wrong.push(`${kind} was not taken at ${door} afterwards: ${answer.status}`);
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

/** A person's session with the pages, and what their forms carry. */
async function pageOf(rig: Rig) {
  const browser = new Browser();
  const home = await signInAs(browser, await browser.open(`${rig.origin}/auth/login?prompt=login`), 'ada');
  const cookieName = `mcp-session-${new URL(rig.origin).port}`;
  return { cookieName, session: cookieOf(rig, browser, cookieName), csrf: hidden(home, 'csrf') };
}

/** A sign-in as far as Entra's answer, which is not given yet; and a consent page that nobody has answered. */
async function signinOf(rig: Rig, client: Client) {
  const browser = new Browser();
  const name = `mcp-signin-${new URL(rig.origin).port}`;
  const stopAt = (url: string) => url.includes('/auth/callback');
  const asked = await browser.open(authorizationUrl(rig, client).url);
  const back = await browser.submit(asked, { button: 'decision=approve', stopAt });
  const { url } = stopAt(back.url) ? back : await signInAs(browser, back, 'ada', { stopAt });
  const { searchParams } = new URL(url);
  const later = new Browser();
  const open = await later.open(authorizationUrl(rig, client).url);
  return {
    state: searchParams.get('state') ?? '',
    code: searchParams.get('code') ?? '',
    callbackCookie: `${name}=${cookieOf(rig, browser, name)}`,
    sealed: hidden(open, 'request'),
    cookie: `${name}=${cookieOf(rig, later, name)}`,
  };
}

const hidden = ({ html }: Page, name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(html)?.[1] ?? '';

function cookieOf(rig: Rig, { cookies }: Browser, name: string): string {
  const pairs = cookies.header(new URL(rig.origin), false, true).split('; ');
  return pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
}

const jsonOf = ({ body }: Answer) => (body.startsWith('{') ? body : (/^data: (.*)$/m.exec(body)?.[1] ?? '{}'));
