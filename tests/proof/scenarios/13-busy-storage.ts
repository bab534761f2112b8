import { isOutage, renew, renewPatiently, signInSessions } from '../flows/sessions.ts';
import { type Fault, SERVER_BUSY } from '../rig/fault-proxy.ts';
import { createLoadClient, createTimes } from '../rig/load.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const SHARE = 0.2;
const TARGET = { succeed: 0.999, p99: 5_000 };
const CONNECTIONS = 16;

export default {
  number: 13,
  title: 'One answer of storage in five is 503',
  group: 'Faults',
  seconds: { whole: 170, short: 20 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const total = short ? 400 : 6_000;
    const rig = await startRig({ settings: { LOG_LEVEL: 'warn' } });
    progress('Signing in');
    const sessions = await signInSessions(rig, short ? 48 : 240);
    const http = createLoadClient(CONNECTIONS);

    let [asked, met] = [0, 0];
    // Half of what is refused was done all the same, as a service does that is cut off before its answer.
    const doneAllTheSame: Fault = { ...(SERVER_BUSY as Extract<Fault, { kind: 'answer' }>), done: true };
    const heal = rig.storage.proxy.inject(() => {
      asked++;
      if (random.next() >= SHARE) return undefined;
      met++;
      return random.next() < 0.5 ? doneAllTheSame : SERVER_BUSY;
    });
    const times = createTimes();
    const statuses = new Map<number, number>();
    let next = 0;
    let comeAgain = 0;
    const worker = async (own: typeof sessions) => {
      for (let turn = 0; next < total && !signal.aborted; turn++) {
        next++;
        const session = own[turn % own.length];
        if (!session) throw new Error('There is no session.');
        const answer = await renew(http, rig.origin, session);
        times.add(answer.ms);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        progress(`${times.count} of ${total} renewals`);
        // Not counted above: the same again, for the session goes on.
        if (!isOutage(answer)) continue;
        if ((await renewPatiently(http, rig.origin, session)).at(-1)?.status === 200) comeAgain++;
      }
    };
    const began = performance.now();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, n) => worker(sessions.filter((_, at) => at % CONNECTIONS === n))),
    );
    const perSecond = times.count / ((performance.now() - began) / 1000);
    heal();
    let alive = 0;
    for (const session of sessions) if ((await renew(http, rig.origin, session)).status === 200) alive++;
    http.close();

    const succeeded = statuses.get(200) ?? 0;
    const share = succeeded / times.count;
    const p99 = times.quantile(0.99);
    const failed = [...statuses].filter(([status]) => status !== 200);
    const others = failed.filter(([status]) => status !== 503).reduce((sum, [, count]) => sum + count, 0);
    return {
      rows: [
        promise(
          'renewals that succeed at once',
          `${succeeded} of ${times.count} (${(share * 100).toFixed(2)} %)`,
          '>= 99.9 %',
          // One may fail of few.
          share >= TARGET.succeed || (short && times.count - succeeded <= 1),
        ),
        promise('p99', `${(p99 / 1000).toFixed(2)} s`, '<= 5 s', p99 <= TARGET.p99),
        promise('answers that are neither 200 nor 503', others, '0', others === 0),
        promise('sessions alive afterwards', `${alive} of ${sessions.length}`, 'all', alive === sessions.length),
        figure('of those told 503, done when the client came again', `${comeAgain} of ${statuses.get(503) ?? 0}`),
        figure('requests to storage told 503', `${met} of ${asked} (${((met / asked) * 100).toFixed(1)} %)`),
        figure('renewals/s', perSecond.toFixed(0)),
      ],
    };
  },
} satisfies Scenario;
