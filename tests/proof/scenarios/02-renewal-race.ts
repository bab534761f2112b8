import { type Client, claimsOf, connect, refreshForm, register, token } from '../../support/flows.ts';
import { livingOf, servedBy } from '../flows/access.ts';
import { moveOn } from '../flows/clocks.ts';
import { auditOnce, grantOf } from '../flows/stored.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

const AT_ONCE = 50;
/** After this a spent token that comes again is a replay, in milliseconds; as long as a revocation may take. */
const WINDOW_MS = 30_000;
/** One grant is not renewed more often in a minute: so much time passes between two rounds. */
const PAUSE_MS = 60_000;

/** Each round one refresh token is presented by 50 requests at once; the next round goes on with its successor. */
export default {
  number: 2,
  title: `One refresh token, ${AT_ONCE} renewals at once`,
  group: 'Races',
  seconds: { whole: 90, short: 12 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rounds = short ? 8 : 100;
    const families = short ? 2 : 10;
    const rig = await startRig({ settings: { MCP_RATE_LIMIT: '1000000' } });
    const http = createLoadClient(AT_ONCE);
    const client = await register(rig);

    const chains = [];
    for (let n = 0; n < families; n++) {
      const { tokens } = await connect(rig, 'ada', {}, client);
      chains.push({ spent: [] as string[], unspent: tokens.refresh_token, access: tokens.access_token });
    }
    const counts = { answered: 0, usable: 0, asked: 0 };
    let mostSuccessors = 0;
    let mostGenerations = 0;
    for (let round = 0; round < rounds && !signal.aborted; round++) {
      progress(`Round ${round + 1} of ${rounds}`);
      const chain = chains[round % families];
      if (!chain) break;
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => renew(rig, client, chain.unspent)));
      const right = answers.filter(({ status }) => status === 200).map(({ body }) => body);
      const served = await Promise.all(right.map(({ access_token }) => servedBy(rig, http, access_token)));
      counts.asked += AT_ONCE;
      counts.answered += right.length;
      counts.usable += served.filter(by => by === rig.instances.length).length;
      const successors = new Set(right.map(({ refresh_token }) => refresh_token));
      mostSuccessors = Math.max(mostSuccessors, successors.size);
      const generations = new Set(right.map(({ access_token }) => claimsOf(access_token).jti));
      mostGenerations = Math.max(mostGenerations, generations.size);
      if (right.length === 0) continue;
      const { refresh_token, access_token } = random.pick(right);
      chain.spent.push(chain.unspent);
      chain.unspent = refresh_token;
      chain.access = access_token;
      // A family waits a minute for its next round; the window is over by then.
      if (round % families === families - 1) await moveOn(rig, PAUSE_MS);
    }

    progress('Renewing all once more');
    let alive = 0;
    for (const chain of chains) {
      const { status, body } = await renew(rig, client, chain.unspent);
      if (status !== 200) continue;
      alive++;
      chain.spent.push(chain.unspent);
      chain.unspent = body.refresh_token;
      chain.access = body.access_token;
    }
    await moveOn(rig, WINDOW_MS);
    progress('Replaying spent ones');
    let refused = 0;
    for (const { spent, unspent } of chains) {
      const replay = await renew(rig, client, random.pick(spent));
      const heir = await renew(rig, client, unspent);
      refused += [replay, heir].every(({ body }) => body.error === 'invalid_grant') ? 1 : 0;
    }
    await moveOn(rig, WINDOW_MS);
    const living = await livingOf(
      rig,
      http,
      chains.map(({ access }) => access),
    );
    http.close();

    const grants = new Set(chains.map(({ access }) => grantOf(access)));
    const events = await auditOnce(rig, all => all.filter(({ act }) => act === 'grant ended').length >= families);
    const ended = events.filter(({ act, grant = '' }) => act === 'grant ended' && grants.has(grant));
    const reused = ended.filter(({ reason }) => reason === 'refresh token reused');
    const isWhole = counts.asked === rounds * AT_ONCE;
    return {
      rows: [
        promise(
          'renewals answered',
          `${counts.answered} of ${counts.asked}`,
          'all',
          counts.answered === counts.asked && isWhole,
        ),
        promise(
          'their access tokens, served by both instances',
          `${counts.usable} of ${counts.asked}`,
          'all',
          counts.usable === counts.asked,
        ),
        promise('successors of one token', mostSuccessors, '1', mostSuccessors === 1),
        promise('generations of access tokens that one round made', mostGenerations, '1', mostGenerations === 1),
        promise('families that live afterwards', `${alive} of ${families}`, 'all', alive === families),
        promise(
          'replays after the window: refused, and the newest token with them',
          `${refused} of ${families}`,
          'all',
          refused === families,
        ),
        promise('access tokens that live 30 s later', living, '0', living === 0),
        promise(
          'ends in the audit, with their reason',
          `${reused.length} of ${families}`,
          'all',
          reused.length === families && ended.length === families,
        ),
      ],
    };
  },
} satisfies Scenario;

const renew = (rig: Rig, client: Client, refreshToken: string) => token(rig, refreshForm(client, refreshToken));
