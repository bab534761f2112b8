import { createHmac } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { connect } from '../../support/flows.ts';
import { isServed, sumCall, toolCall } from '../flows/mcp-call.ts';
import { createPool } from '../flows/pool.ts';
import { renew, type Session, signInSessions } from '../flows/sessions.ts';
import { type Answer, createLoadClient, createTimes, keepPace } from '../rig/load.ts';
import type { Random } from '../rig/random.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const PER_SECOND = 50;
/** Of so many requests one is a renewal. */
const RENEWAL_IN = 5;

export default {
  number: 12,
  title: `The signing key is rotated under ${PER_SECOND} requests/s`,
  group: 'Faults',
  seconds: { whole: 330, short: 30 },
  async run({ rig: startRig, short, seed, random, progress, signal }) {
    const rig = await startRig({ settings: { MCP_RATE_LIMIT: '0', LOG_LEVEL: 'warn' } });
    const http = createLoadClient(50);
    progress('Signing in');
    const sessions = await signInSessions(rig, short ? 20 : 60);
    const load = createLoad(rig, http, sessions, random);
    const done = new AbortController();
    // Also where this ends early.
    using _load = { [Symbol.dispose]: () => done.abort() };
    const running = keepPace({
      perSecond: PER_SECOND,
      seconds: 3600,
      signal: AbortSignal.any([signal, done.signal]),
      work: load.work,
    });

    const rotations = short ? 1 : 3;
    const stepSeconds = short ? 3 : 25;
    let old = rig.settings.JWT_SECRET_KEY ?? '';
    let [refused, tried] = [0, 0];
    for (let rotation = 1; rotation <= rotations && !signal.aborted; rotation++) {
      const next = createHmac('sha256', String(seed)).update(`key ${rotation}`).digest('base64url');
      rig.leaks.add(next);
      const step = async (name: string, keys: string) => {
        progress(`Rotation ${rotation} of ${rotations}: ${name}`);
        const slot = setTimeout(stepSeconds * 1000);
        await reload(rig, load, keys);
        await slot;
      };
      await step('published', `${old},${next}`);
      const former = sessions.map(({ tokens }) => tokens.access_token);
      await step('promoted', `${next},${old}`);
      // An operator waits for as long as tokens live; here every client has been seen to have a new one.
      await load.allRenewed();
      await step('old one verifies nothing', `${next},open:${old}`);
      await step('old one removed', next);
      for (const { url } of rig.instances) {
        for (const token of former) {
          tried++;
          if ((await http.send(sumCall(`${url}/mcp`, token))).status === 401) refused++;
        }
      }
      old = next;
    }
    const signIns = await load.signIns();
    done.abort();
    await running;
    http.close();
    const { calls, renewals, failures } = load;
    const failed = failures.length;
    for (const { status, body } of failures.slice(0, 3)) console.error(status, body.slice(0, 200));
    return {
      rows: [
        figure('rotations, each published, promoted, retired and removed, instance by instance', rotations),
        promise(
          `requests that failed, of ${calls.count} tool calls and ${renewals.count} renewals`,
          failed,
          '0',
          failed === 0,
        ),
        promise(
          'whole sign-ins meanwhile that failed',
          `${signIns.failed} of ${signIns.all}`,
          '0',
          signIns.failed === 0,
        ),
        promise('tokens of a removed key that were refused', `${refused} of ${tried}`, 'all', refused === tried),
        figure(
          'p99 of tool calls, of renewals',
          [calls, renewals].map(all => `${all.quantile(0.99).toFixed(0)} ms`).join(', '),
        ),
      ],
    };
  },
} satisfies Scenario;

/** Gives the instances these keys, one after the other, as a platform restarts them: the others serve meanwhile. */
async function reload(rig: Rig, load: Load, keys: string): Promise<void> {
  for (const instance of rig.instances) {
    rig.balance(rig.instances.filter(each => each !== instance));
    await load.settled();
    await instance.stop();
    await instance.start({ JWT_SECRET_KEY: keys });
    rig.balance(rig.instances);
  }
}

type Load = ReturnType<typeof createLoad>;

function createLoad(rig: Rig, http: ReturnType<typeof createLoadClient>, sessions: readonly Session[], random: Random) {
  const pool = createPool(sessions);
  const [calls, renewals] = [createTimes(), createTimes()];
  const failures: Answer[] = [];
  const renewed = new Set<Session>();
  const signIns: Promise<boolean>[] = [];
  const underWay = new Set<Promise<unknown>>();
  const follow = <T>(work: Promise<T>): Promise<T> => {
    const followed = work.finally(() => underWay.delete(followed));
    underWay.add(followed);
    return followed;
  };
  const judge = (answer: Answer, times: typeof calls, isRight: boolean) => {
    times.add(answer.ms);
    if (!isRight) failures.push(answer);
  };
  return {
    calls,
    renewals,
    failures,
    async work(n: number): Promise<void> {
      if (n % (PER_SECOND * 3) === 0) signIns.push(follow(connect(rig).then(Boolean, () => false)));
      if (n % RENEWAL_IN === 0) {
        await pool.use(async session => {
          const answer = await follow(renew(http, rig.origin, session));
          judge(answer, renewals, answer.status === 200);
          renewed.add(session);
        });
        return;
      }
      const { tokens } = random.pick(sessions);
      const isSum = random.next() < 0.8;
      const call = isSum
        ? sumCall(rig.mcpUrl, tokens.access_token)
        : toolCall(rig.mcpUrl, tokens.access_token, 'get_user_notes', {});
      const answer = await follow(http.send(call));
      judge(answer, calls, isServed(answer));
    },
    /** Waits until all that is under way now has been answered. */
    settled: () => Promise.allSettled([...underWay]),
    /** Waits until each session has been renewed from now on. */
    async allRenewed(): Promise<void> {
      renewed.clear();
      while (renewed.size < sessions.length) await setTimeout(50);
    },
    async signIns() {
      const all = await Promise.all(signIns);
      return { all: all.length, failed: all.filter(each => !each).length };
    },
  };
}
