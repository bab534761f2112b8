import { claimsOf, refreshForm, token } from '../../support/flows.ts';
import { livingOf } from '../flows/access.ts';
import { clockOf, moveOn } from '../flows/clocks.ts';
import { type Session, signInSessions } from '../flows/sessions.ts';
import { auditOnce, grantOf, grantsOf } from '../flows/stored.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

const ROTATIONS = 20;
/** After this a spent token that comes again is a replay, in milliseconds; as long as a revocation may take. */
const WINDOW_MS = 30_000;

/** Clocks that stand still make all rotations of a family one moment; a restart makes the instances forget what they know. */
export default {
  number: 6,
  title: `${ROTATIONS} rotations within a frozen second, a restart, and a replay`,
  group: 'Races',
  seconds: { whole: 30, short: 10 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rig = await startRig();
    // Each family replays another one of its spent tokens in the end.
    const replayed = short ? random.shuffle([...Array(ROTATIONS).keys()]).slice(0, 4) : [...Array(ROTATIONS).keys()];
    const families = (await signInSessions(rig, replayed.length)).map(session => ({
      session,
      spent: [] as string[],
      names: new Set<unknown>(),
    }));
    const frozenAt = Math.floor(clockOf(rig) / 1000) * 1000 + 500;
    await Promise.all(rig.instances.map(instance => instance.setClock({ frozenAt })));
    /** The stand-in's clock cannot stand still; it is set back now and then. */
    const holdEntra = () => {
      rig.entraShift = frozenAt - Date.now();
    };
    const rotate = async ({ session, spent, names }: (typeof families)[number]) => {
      holdEntra();
      const presented = session.tokens.refresh_token;
      const { status, body } = await renew(rig, session, presented);
      if (status !== 200) throw new Error(`A rotation was answered ${status} ${JSON.stringify(body)}`);
      spent.push(presented);
      session.tokens = body;
      names.add(claimsOf(body.access_token).jti);
    };
    for (const [index, family] of families.entries()) {
      if (signal.aborted) break;
      progress(`Family ${index + 1} of ${families.length}`);
      for (let n = 0; n < ROTATIONS; n++) await rotate(family);
    }

    progress('Restarting');
    await Promise.all(rig.instances.map(instance => instance.kill()));
    await Promise.all(rig.instances.map(instance => instance.start()));
    holdEntra();
    let [branches, refused, sameAgain] = [0, 0, 0];
    for (const [index, { session, spent }] of families.entries()) {
      progress(`Replaying all of family ${index + 1}`);
      const unspent = session.tokens.refresh_token;
      const answers = await Promise.all(random.shuffle(spent).map(each => renew(rig, session, each)));
      refused += answers.filter(({ body }) => body.error === 'invalid_grant').length;
      const given = answers.filter(({ status }) => status === 200).map(({ body }) => body.refresh_token);
      sameAgain += given.filter(each => each === unspent).length;
      branches += given.filter(each => each !== unspent).length;
    }
    const endedEarly = await endsOf(rig, families);
    for (const family of families) await rotate(family);
    const names = families.reduce((sum, family) => sum + family.names.size, 0);

    rig.entraShift = 0;
    await moveOn(rig, WINDOW_MS);
    let ended = 0;
    for (const [index, { session, spent }] of families.entries()) {
      progress(`Replaying one of family ${index + 1}`);
      const replay = await renew(rig, session, spent[replayed[index] ?? 0] ?? '');
      const heir = await renew(rig, session, session.tokens.refresh_token);
      ended += [replay, heir].every(({ body }) => body.error === 'invalid_grant') ? 1 : 0;
    }
    await moveOn(rig, WINDOW_MS);
    const http = createLoadClient(20);
    const living = await livingOf(
      rig,
      http,
      families.map(({ session }) => session.tokens.access_token),
    );
    http.close();
    const grants = new Set(families.map(({ session }) => grantOf(session.tokens.access_token)));
    const ends = (events: readonly { act: string; grant?: string; reason?: string }[]) =>
      events.filter(({ act, grant = '', reason }) => act === 'grant ended' && grants.has(grant) && reason === REASON);
    const audited = ends(await auditOnce(rig, events => ends(events).length >= families.length)).length;

    const all = families.length;
    return {
      rows: [
        promise(
          'access tokens with a name of their own',
          `${names} of ${all * (ROTATIONS + 1)}`,
          'all',
          names === all * (ROTATIONS + 1),
        ),
        promise('second live branches', branches, '0', branches === 0),
        promise(
          'spent tokens whose successor is spent: refused',
          `${refused} of ${all * (ROTATIONS - 1)}`,
          'all',
          refused === all * (ROTATIONS - 1),
        ),
        promise('those spent last: the same successor again', `${sameAgain} of ${all}`, 'all', sameAgain === all),
        promise('families that ended by it', endedEarly, '0', endedEarly === 0),
        promise(
          'replays after the window: refused, and the newest token with them',
          `${ended} of ${all}`,
          'all',
          ended === all,
        ),
        promise('access tokens that live 30 s later', living, '0', living === 0),
        promise('ends in the audit, with their reason', `${audited} of ${all}`, 'all', audited === all),
      ],
    };
  },
} satisfies Scenario;

const REASON = 'refresh token reused';

const renew = (rig: Rig, { client }: Session, refreshToken: string) => token(rig, refreshForm(client, refreshToken));

/** How many of these families storage says have ended. */
async function endsOf(rig: Rig, families: readonly { session: Session }[]): Promise<number> {
  const people = new Set(families.map(({ session }) => String(claimsOf(session.tokens.access_token).sub)));
  const [first] = families;
  const clientId = first?.session.client.client_id ?? '';
  const grants = await Promise.all([...people].map(person => grantsOf(rig, person, clientId)));
  return grants.flat().filter(({ endedAt }) => endedAt !== undefined).length;
}
