import { createPool } from '../flows/pool.ts';
import { renew, renewPatiently, signInSessions } from '../flows/sessions.ts';
import { type Fault, SERVER_BUSY } from '../rig/fault-proxy.ts';
import { type Answer, createLoadClient, createTimes, keepPace } from '../rig/load.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

/** How storage is down in a second in which it is. */
const DOWN: readonly Fault[] = [SERVER_BUSY, { kind: 'reset' }, { kind: 'drop' }, { kind: 'hang' }];

export default {
  number: 8,
  title: 'Storage is up for a second and down for a second',
  group: 'Faults',
  seconds: { whole: 640, short: 30 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const seconds = short ? 15 : 600;
    const perSecond = short ? 4 : 2;
    const rig = await startRig();
    progress('Signing in');
    const sessions = await signInSessions(rig, short ? 20 : 60);
    const pool = createPool(sessions);
    const http = createLoadClient(100);

    const kinds = Array.from({ length: seconds + 60 }, () => random.pick(DOWN));
    const started = performance.now();
    let met = 0;
    const heal = rig.storage.proxy.inject(() => {
      const second = Math.floor((performance.now() - started) / 1000);
      const fault = second % 2 === 1 ? kinds[second] : undefined;
      if (fault) met++;
      return fault;
    });
    const all: Answer[] = [];
    const times = createTimes();
    let renewed = 0;
    await keepPace({
      perSecond,
      seconds,
      signal,
      work: () =>
        pool.use(async session => {
          const from = performance.now();
          const answers = await renewPatiently(http, rig.origin, session);
          times.add(performance.now() - from);
          all.push(...answers);
          if (answers.at(-1)?.status === 200) renewed++;
          progress(`${times.count} of ${seconds * perSecond} renewals`);
        }),
    });
    heal();

    let alive = 0;
    for (const session of sessions) if ((await renew(http, rig.origin, session)).status === 200) alive++;
    http.close();
    const refused = all.filter(({ status }) => status >= 400 && status < 500);
    for (const { body } of refused.slice(0, 3)) console.error(body);
    const outages = all.filter(({ status }) => status === 503);
    const untold = outages.filter(({ headers }) => !(Number(headers['retry-after']) > 0)).length;
    const odd = all.length - refused.length - outages.length - renewed;
    return {
      rows: [
        promise('renewals refused (invalid_grant)', refused.length, '0', refused.length === 0),
        promise('sessions alive afterwards', `${alive} of ${sessions.length}`, 'all', alive === sessions.length),
        promise('renewed in the end', `${renewed} of ${times.count}`, 'all', renewed === times.count),
        promise('answers that are neither 200 nor 503', odd, '0', odd === 0),
        promise('503 without Retry-After', untold, '0', untold === 0),
        figure('requests to storage that failed', met),
        figure('503 on the way, after which the client came again', outages.length),
        figure('p50, p99 of a renewal with its client’s waiting', both(times)),
      ],
    };
  },
} satisfies Scenario;

const both = (times: ReturnType<typeof createTimes>) =>
  [0.5, 0.99].map(share => `${(times.quantile(share) / 1000).toFixed(1)} s`).join(', ');
