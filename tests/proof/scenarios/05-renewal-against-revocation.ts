import { claimsOf, post, refreshForm, type Tokens, token } from '../../support/flows.ts';
import { purge } from '../../support/purge.ts';
import { livingOf } from '../flows/access.ts';
import { clockOf, moveOn } from '../flows/clocks.ts';
import { type Session, signInSessions } from '../flows/sessions.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Random } from '../rig/random.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const RENEWERS = 6;
/** How often each renews at the most: then all together stay within what one grant may. */
const MOST_RENEWALS = 5;
/** Storage's answers take that much longer at the most, in milliseconds, so that all orders come about. */
const SLOWNESS_MS = 20;
/** Rounds whose tokens are looked at together. */
const TOGETHER = 20;
/** After this nothing that was revoked lives on any instance, in milliseconds. */
const WINDOW_MS = 30_000;
/** Not quite as long as an access token lives, in milliseconds. */
const LATER_MS = 3_400_000;

/** Each round one grant is renewed by racing clients, which go on with what they get until they are refused, and revoked in their midst. */
export default {
  number: 5,
  title: 'Renewal against revocation',
  group: 'Races',
  seconds: { whole: 100, short: 12 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rounds = short ? 20 : 200;
    const rig = await startRig({ settings: { MCP_RATE_LIMIT: '1000000' } });
    const http = createLoadClient(50);
    const counts = { rounds: 0, revoked: 0, renewed: 0, both: 0, tokens: 0, living: 0, renewing: 0, odd: 0 };
    let last: string[] = [];
    while (counts.rounds < rounds && !signal.aborted) {
      progress(`Round ${counts.rounds + 1} of ${rounds}`);
      const sessions = await signInSessions(rig, Math.min(TOGETHER, rounds));
      const raced = [];
      const stop = rig.storage.proxy.inject(() => ({ kind: 'slow', ms: random.below(SLOWNESS_MS) }));
      for (const session of sessions) raced.push(await race(rig, session, random));
      stop();
      await moveOn(rig, WINDOW_MS);

      last = raced.flatMap(({ access }) => access);
      counts.tokens += last.length;
      counts.living += await livingOf(rig, http, last);
      for (const [index, { refresh, isRevoked, renewed, refused, odd }] of raced.entries()) {
        counts.rounds++;
        counts.revoked += isRevoked ? 1 : 0;
        counts.renewed += renewed;
        counts.both += renewed > 0 && refused > 0 ? 1 : 0;
        counts.odd += odd;
        const { client } = sessions[index] as Session;
        const again = await Promise.all([...refresh].map(each => token(rig, refreshForm(client, each))));
        counts.renewing += again.filter(({ body }) => body.error !== 'invalid_grant').length;
      }
    }

    progress('An hour later');
    await moveOn(rig, LATER_MS);
    await purge(rig.storage.tables, clockOf(rig));
    await rig.instance.kill();
    await rig.instance.start();
    const unexpired = last.filter(each => claimsOf(each).exp * 1000 > clockOf(rig));
    const livingLater = await livingOf(rig, http, unexpired);
    http.close();
    const isWhole = counts.rounds === rounds;
    return {
      rows: [
        promise(
          'revocations answered 200',
          `${counts.revoked} of ${rounds}`,
          'all',
          counts.revoked === rounds && isWhole,
        ),
        promise('access tokens alive 30 s later', `${counts.living} of ${counts.tokens}`, '0', counts.living === 0),
        promise('refresh tokens that renew 30 s later', counts.renewing, '0', counts.renewing === 0),
        promise('renewals neither answered nor told invalid_grant', counts.odd, '0', counts.odd === 0),
        promise(
          `access tokens alive ${Math.round(LATER_MS / 60_000)} minutes later, after a purge and a restart`,
          `${livingLater} of ${unexpired.length}`,
          '0',
          livingLater === 0 && unexpired.length > 0,
        ),
        figure('renewals that were faster than their revocation', counts.renewed),
        figure('rounds in which some renewals were, and some were not', `${counts.both} of ${counts.rounds}`),
      ],
    };
  },
} satisfies Scenario;

/** One grant: several renewals, each going on with what it gets, and a revocation, begun in any order. */
async function race(rig: Rig, { client, tokens }: Session, random: Random) {
  const access = [tokens.access_token];
  const refresh = new Set([tokens.refresh_token]);
  let isRevoked = false;
  let [renewed, refused, odd] = [0, 0, 0];

  async function renew(refreshToken: string): Promise<Tokens | undefined> {
    const { status, body } = await token(rig, refreshForm(client, refreshToken));
    if (status !== 200) {
      if (body.error === 'invalid_grant') refused++;
      else odd++;
      return undefined;
    }
    renewed++;
    access.push(body.access_token);
    refresh.add(body.refresh_token);
    return body;
  }
  async function renewOn(): Promise<void> {
    let next: Tokens | undefined = tokens;
    for (let n = 0; next && n < MOST_RENEWALS; n++) next = await renew(next.refresh_token);
  }
  async function revoke(): Promise<void> {
    const form = { token: random.pick([tokens.access_token, tokens.refresh_token]), client_id: client.client_id };
    isRevoked = (await post(rig, '/oauth/revoke', form)).status === 200;
  }
  const all = random.shuffle([revoke, ...Array<typeof renewOn>(RENEWERS).fill(renewOn)]);
  await Promise.all(all.map(each => each()));
  return { access, refresh, isRevoked, renewed, refused, odd };
}
