import { scratchFolder } from '../../bench/scratch.ts';
import { codeForm, connect, refreshForm, token } from '../../support/flows.ts';
import { liveUpstream } from '../flows/live-upstream.ts';
import { isServed, sumCall } from '../flows/mcp-call.ts';
import { createPool } from '../flows/pool.ts';
import { type HeldGrant, loadRows, type ReleaseFixture, readFixtures } from '../releases/fixture.ts';
import { buildCommit } from '../releases/old-code.ts';
import { startInstance } from '../rig/instance.ts';
import { createLoadClient, type LoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { type Context, figure, promise, type Scenario } from '../rig/scenario.ts';

export default {
  number: 14,
  title: 'The rows of an older release under the new code, and back',
  group: 'Faults',
  seconds: { whole: 150, short: 30 },
  async run(context) {
    const fixtures = await readFixtures();
    const rows = [];
    // The newest in CI; all of them in a whole run.
    for (const fixture of context.short ? fixtures.slice(-1) : fixtures)
      rows.push(...(await tryRelease(context, fixture)));
    return { rows };
  },
} satisfies Scenario;

interface Held {
  readonly alive: HeldGrant[];
  readonly revoked: HeldGrant[];
}

async function tryRelease(context: Context, fixture: ReleaseFixture) {
  const { rig: startRig, short, progress } = context;
  const { release, madeAt, port, key } = fixture;
  progress(`${release}: its rows`);
  const settings = { JWT_SECRET_KEY: key, MCP_RATE_LIMIT: '0' };
  const rig = await startRig({ port, settings, directStorage: true });
  await loadRows(rig.storage.connectionString, fixture.rows);
  // Everywhere it is the moment at which the rows were read.
  rig.entraShift = madeAt - Date.now();
  const clock = { shift: rig.entraShift };
  for (const instance of rig.instances) await instance.setClock(clock);
  const http = createLoadClient(16);
  const upstream = await liveUpstream(rig, fixture.upstream);

  const alive = fixture.grants.filter(each => !each.isRevoked);
  const held: Held = {
    alive: short ? alive.filter((_, n) => n % 5 === 0) : alive,
    revoked: fixture.grants.filter(each => each.isRevoked),
  };
  progress(`${release}: codes, a session, ${held.alive.length} grants`);
  let redeemed = 0;
  for (const { clientId, ...code } of fixture.codes) {
    if ((await token(rig, codeForm({ client_id: clientId }, code))).status === 200) redeemed++;
  }
  const account = await http.send({ url: `${rig.origin}/account`, method: 'GET', headers: { cookie: fixture.cookie } });
  const isKnown = account.status === 200 && account.body.includes('Ada Lovelace');
  const before = await useAll(rig, http, rig.origin, held);
  const after = await useAll(rig, http, rig.origin, before.next);
  const rows = [
    promise(
      `${release}: codes redeemed`,
      `${redeemed} of ${fixture.codes.length}`,
      'all',
      redeemed === fixture.codes.length,
    ),
    promise(`${release}: a browser’s session goes on`, isKnown ? 'yes' : account.status, 'yes', isKnown),
    ...rowsOf(`${release}: its grants`, before, held),
    ...rowsOf(`${release}: renewed once more by the new code`, after, before.next),
  ];

  progress(`${release}: back under its own code`);
  await using folder = await scratchFolder();
  if (await buildCommit(fixture.commit, folder.path)) {
    const ofNew = await connect(rig);
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, ...rig.settings };
    const old = await startInstance({ bundle: folder.path, env, onLine: line => rig.leaks.look(line) });
    await old.setClock(clock);
    const back = await useAll(rig, http, old.url, after.next);
    const form = refreshForm(ofNew.client, ofNew.tokens.refresh_token);
    const begun = (await token({ ...rig, origin: old.url }, form)).status === 200;
    await old.stop();
    rows.push(
      ...rowsOf(`${release}: back under its own code`, back, after.next),
      promise(`${release}: back, a grant that the new code made`, begun ? 'renewed' : 'refused', 'renewed', begun),
    );
  } else {
    const [what, why] = [`${release}: back under its own code`, `its commit ${fixture.commit} is not in this clone`];
    // CI may have a clone without its history.
    rows.push(short ? figure(what, `not tried: ${why}`) : promise(what, why, 'tried', false));
  }
  upstream.end();
  http.close();
  // The next one has the same port.
  await rig.stop();
  return rows;
}

/** Calls a tool with every access token, then renews every grant, those that were revoked too. */
async function useAll(rig: Rig, http: LoadClient, url: string, { alive, revoked }: Held) {
  const path = new URL(rig.mcpUrl).pathname;
  const count = { served: 0, renewed: 0, revived: 0 };
  const next: HeldGrant[] = [];
  const pool = createPool(Array.from({ length: 16 }, (_, n) => n));
  const use = (held: HeldGrant) =>
    pool.use(async () => {
      const { clientId, clientSecret, accessToken, refreshToken } = held;
      const call = await http.send(sumCall(`${url}${path}`, accessToken));
      const form = { client_id: clientId, ...(clientSecret ? { client_secret: clientSecret } : {}) };
      const body = new URLSearchParams({ ...form, grant_type: 'refresh_token', refresh_token: refreshToken });
      const renewal = await http.send({ url: `${url}/oauth/token`, body });
      if (held.isRevoked) {
        if (call.status !== 401 || renewal.status !== 400) count.revived++;
        return;
      }
      if (isServed(call)) count.served++;
      if (renewal.status !== 200) return;
      count.renewed++;
      const tokens = JSON.parse(renewal.body) as { access_token: string; refresh_token: string };
      next.push({ ...held, accessToken: tokens.access_token, refreshToken: tokens.refresh_token });
    });
  await Promise.all([...alive, ...revoked].map(use));
  return { ...count, next: { alive: next, revoked } };
}

function rowsOf(what: string, done: Awaited<ReturnType<typeof useAll>>, { alive, revoked }: Held) {
  const all = alive.length;
  return [
    promise(`${what}: access tokens served`, `${done.served} of ${all}`, 'all', done.served === all),
    promise(`${what}: renewed`, `${done.renewed} of ${all}`, 'all', done.renewed === all),
    promise(`${what}: revoked before, and alive`, `${done.revived} of ${revoked.length}`, '0', done.revived === 0),
  ];
}
