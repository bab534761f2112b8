import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import type { TableName } from '../../../src/storage/tables.ts';
import {
  authorizationUrl,
  backAtClient,
  callTool,
  codeForm,
  connect,
  obtainCode,
  post,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
import { startInsights } from '../../support/insights.ts';
import { createLeakWatch, type LeakWatch } from '../rig/leaks.ts';
import type { Rig } from '../rig/rig.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

/** Every table but the one of notes, where a note is what people have put there. */
const TABLES: readonly TableName[] = [
  'signins',
  'grants',
  'connections',
  'clients',
  'sessions',
  'revocations',
  'assertions',
  'audit',
  'keys',
];
/**
 * The refusals that are meant: what a person, an administrator or Entra has decided, and what ends a grant. A wrong
 * secret, token or request is a line in the log. What follows from a refusal, such as a grant that ends, has a row of its
 * own. Not here: a tool of our own that a role opens, for the built app has none (the gateway's stand for it); and a
 * refusal at a visit to Entra for a further service, for no tool of the built app asks for one.
 */
const REFUSALS = {
  'consent denied': ['consent denied'],
  'Entra refuses the person': ['sign-in refused'],
  'a code again, after its window': ['grant ended'],
  'a refresh token again, after its window': ['grant ended'],
  'Entra refuses the renewal': ['renewal refused'],
  'a client that is blocked': ['sign-in refused'],
  'a tool behind the gateway that is denied': ['tool denied'],
} as const;

export default {
  number: 24,
  title: 'Canaries: secrets in logs, traces, error pages and storage; a row for every refusal',
  group: 'Bad input',
  seconds: { whole: 30, short: 30 },
  async run({ rig: startRig, progress }) {
    await using insights = await startInsights();
    const rig = await startRig({
      settings: {
        LOG_LEVEL: 'debug',
        ...insights.settings,
        TELEMETRY_SAMPLING: '1',
        // Nothing listens there: who is denied is not sent on.
        GATEWAY_UPSTREAMS: 'wiki=http://127.0.0.1:9/mcp',
        GATEWAY_TOOLS: JSON.stringify({ wiki: { deny: { '*': ['delete_space'] } } }),
      },
    });
    const inTraces = createLeakWatch(canariesOf(rig));
    const inPages = createLeakWatch(canariesOf(rig));
    const inStorage = createLeakWatch(canariesOf(rig));
    const keep = (...secrets: string[]) => {
      for (const watch of [rig.leaks, inTraces, inPages, inStorage]) watch.add(...secrets);
    };
    // What Entra gives is a secret of the app and the person.
    rig.toEntra.afterwards(({ path }, status, body) => {
      if (!path.includes('/token') || status !== 200) return;
      const {
        access_token = '',
        refresh_token = '',
        id_token = '',
      } = JSON.parse(body.toString()) as Record<string, string>;
      keep(access_token, refresh_token, id_token);
    });

    progress('What works');
    const client = await register(rig, { token_endpoint_auth_method: 'client_secret_post' });
    keep(client.client_secret ?? '');
    const open = await register(rig);
    const browser = new Browser();
    const code = await obtainCode(rig, open, 'ada', {}, browser);
    keep(code.code, code.verifier);
    // The client's state goes back to it, so it is stored with the sign-in.
    rig.leaks.add(code.state);
    inTraces.add(code.state);
    const { body: tokens } = await token(rig, codeForm(open, code));
    keep(tokens.access_token, tokens.refresh_token);
    const note = 'canary-note-7f1d9c44e8';
    rig.leaks.add(note);
    inTraces.add(note);
    await callTool(rig, tokens.access_token, 'save_user_note', { note });
    await callTool(rig, tokens.access_token, 'get_user_notes');
    for (const part of (browser.cookies.header(new URL(rig.origin), false, true) ?? '').split('; ')) {
      keep(part.slice(part.indexOf('=') + 1));
    }

    progress('What is refused');
    const secrets = [code.code, code.verifier, tokens.access_token, tokens.refresh_token, client.client_secret ?? ''];
    await wrongEverywhere(rig, secrets, open.client_id, inPages);
    const acts = await refuse(rig, keep, progress);

    progress('Looking');
    // Stopping writes what lies in memory only: events and telemetry.
    for (const instance of rig.instances) await instance.stop();
    for (const text of insights.bodies) inTraces.look(text);
    const written = await dump(rig, inStorage);
    const rows = Object.entries(REFUSALS).map(([what, allowed]) => {
      const count = acts(what, allowed, written);
      return promise(`rows on record for: ${what}`, count, '1', count === 1);
    });
    for (const { found } of [inTraces, inPages, inStorage]) for (const text of found.slice(0, 3)) console.error(text);
    const none = (what: string, { looked, found }: LeakWatch) =>
      promise(
        `secrets in ${what}`,
        `${found.length} of ${looked}`,
        '0, of one at least',
        looked > 0 && found.length === 0,
      );
    return {
      rows: [
        none('batches of telemetry', inTraces),
        none('answers to what is wrong', inPages),
        none('rows of storage', inStorage),
        ...rows,
      ],
    };
  },
} satisfies Scenario;

const canariesOf = (rig: Rig) => [rig.settings.AUTH_CLIENT_SECRET ?? '', rig.settings.JWT_SECRET_KEY ?? ''];

/** Secrets where they do not belong, each answer looked at. */
async function wrongEverywhere(
  rig: Rig,
  secrets: readonly string[],
  clientId: string,
  watch: LeakWatch,
): Promise<void> {
  const looked = async (answer: Promise<Response>) => {
    const response = await answer;
    watch.look(`${JSON.stringify([...response.headers])}${await response.text()}`);
  };
  const get = (path: string) => fetch(rig.origin + path, { redirect: 'manual' });
  for (const value of secrets) {
    const query = encodeURIComponent(value);
    await looked(
      get(`/oauth/authorize?client_id=${query}&redirect_uri=${query}&scope=${query}&code_challenge=${query}`),
    );
    await looked(get(`/auth/callback?state=${query}&code=${query}&error_description=${query}`));
    await looked(get(`/auth/login?signin=${query}`));
    await looked(get(`/${query}`));
    await looked(
      post(rig, '/oauth/token', {
        grant_type: 'authorization_code',
        code: value,
        client_id: clientId,
        code_verifier: value,
      }),
    );
    await looked(post(rig, '/oauth/token', { grant_type: value, client_id: value, client_secret: value }));
    await looked(
      post(rig, '/oauth/token', { grant_type: 'refresh_token', refresh_token: `${value}x`, client_id: clientId }),
    );
    await looked(post(rig, '/oauth/consent', { request: value, decision: value }));
    await looked(fetch(rig.mcpUrl, { method: 'POST', headers: { authorization: `Bearer ${value}x` }, body: value }));
  }
}

interface Written {
  act: string;
  grant?: string;
  signin?: string;
  client?: string;
}

/** Has each of {@link REFUSALS} happen once, each to a client of its own; the answer counts its rows. */
async function refuse(rig: Rig, keep: (...secrets: string[]) => void, progress: (text: string) => void) {
  const clients = new Map<string, string>();
  const as = async (what: keyof typeof REFUSALS) => {
    progress(what);
    const client = await register(rig, { client_name: what });
    clients.set(what, client.client_id);
    return client;
  };
  const shift = async (seconds: number) => {
    rig.entraShift += seconds * 1000;
    for (const instance of rig.instances) await instance.setClock({ shift: rig.entraShift });
  };

  const denied = authorizationUrl(rig, await as('consent denied'));
  const browser = new Browser();
  const page = await browser.open(denied.url);
  await browser.submit(page, { button: 'decision=deny', stopAt: backAtClient });

  const refused = authorizationUrl(rig, await as('Entra refuses the person'));
  const other = new Browser();
  const consent = await other.open(refused.url);
  const atEntra = await other.submit(consent, { button: 'decision=approve', stopAt: backAtClient });
  await signInAs(other, atEntra, 'cancel', { stopAt: backAtClient });

  const twice = await as('a code again, after its window');
  const code = await obtainCode(rig, twice);
  keep(code.code, code.verifier);
  await token(rig, codeForm(twice, code));
  const again = await as('a refresh token again, after its window');
  const first = (await connect(rig, 'ada', {}, again)).tokens;
  const second = (await token(rig, refreshForm(again, first.refresh_token))).body;
  keep(first.refresh_token, second.refresh_token, second.access_token);
  const blocked = await as('a client that is blocked');
  await block(rig, blocked.client_id, keep);
  await shift(40);
  const atBlocked = await fetch(authorizationUrl(rig, blocked).url);
  if (atBlocked.status !== 400) throw new Error(`A blocked client: ${atBlocked.status}`);
  await token(rig, codeForm(twice, code));
  await token(rig, refreshForm(again, first.refresh_token));

  const wiki = { origin: rig.origin, mcpUrl: `${rig.origin}/wiki/mcp` };
  const change = { resource: wiki.mcpUrl, scope: 'wiki:use' };
  const gateway = await connect(wiki, 'ada', change, await as('a tool behind the gateway that is denied'));
  keep(gateway.tokens.access_token, gateway.tokens.refresh_token);
  await callTool(wiki, gateway.tokens.access_token, 'delete_space');

  const out = await as('Entra refuses the renewal');
  const { tokens } = await connect(rig, 'grace', {}, out);
  rig.entra.disable('grace');
  await token(rig, refreshForm(out, tokens.refresh_token));

  return (what: string, acts: readonly string[], rows: readonly Written[]) =>
    rows.filter(({ act, client }) => client === clients.get(what) && acts.includes(act)).length;
}

/** An administrator blocks a client. */
async function block(rig: Rig, client: string, keep: (...secrets: string[]) => void): Promise<void> {
  rig.entra.change('grace', { roles: ['Admin'] });
  const browser = new Browser();
  const page = await signInAs(browser, await browser.open(`${rig.origin}/auth/login?to=manage`), 'grace');
  const cookie = browser.cookies.header(new URL(rig.origin), false, true) ?? '';
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
  keep(csrf, ...cookie.split('; ').map(part => part.slice(part.indexOf('=') + 1)));
  const form = { csrf, action: 'block', client };
  const answer = await post(rig, '/manage', form, { cookie, 'sec-fetch-site': 'same-origin', origin: rig.origin });
  if (!answer.ok) throw new Error(`Blocking a client: ${answer.status} ${await answer.text()}`);
}

/** Every row as others with a view of storage see it; gives the events. */
async function dump(rig: Rig, watch: LeakWatch): Promise<Written[]> {
  const events: Written[] = [];
  for (const name of TABLES) {
    let continuation: string | undefined;
    do {
      const page = await rig.storage.tables.table(name).page('', 500, continuation);
      for (const row of page.rows) {
        watch.look(`${name} ${JSON.stringify(row)}`);
        if (name === 'audit') events.push(row as unknown as Written);
      }
      continuation = page.continuation;
    } while (continuation);
  }
  return events;
}
