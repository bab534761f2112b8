import { recordRenewals } from '../flows/recorded-renewals.ts';
import { renew, signInSessions } from '../flows/sessions.ts';
import { isShared } from '../flows/wire.ts';
import { createLoadClient, createTimes, keepBusy } from '../rig/load.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const CONNECTIONS = 32;
const TARGET = { perSecond: 250, p99: 250 };
/** So many that none is renewed more often than it may be, which is sixty times a minute. */
const GRANTS = 640;

export default {
  number: 16,
  title: `Renewals, ${CONNECTIONS} connections`,
  group: 'Load',
  seconds: { whole: 120, short: 15 },
  async run({ rig: startRig, short, progress, signal }) {
    const rig = await startRig({ settings: { LOG_LEVEL: 'error' } });
    const grants = await signInSessions(rig, short ? CONNECTIONS * 2 : GRANTS, { progress });
    recordRenewals(rig);
    const client = createLoadClient(CONNECTIONS);
    let failed = 0;

    async function renewOne(worker: number, turn: number): Promise<number> {
      const own = grants.filter((_, index) => index % CONNECTIONS === worker);
      const grant = own[turn % own.length];
      if (!grant) throw new Error('There is no grant.');
      // Each grant meets the instances in turn.
      const { url } = rig.instances[(turn + Math.floor(turn / own.length)) % rig.instances.length] ?? rig.instance;
      const answer = await renew(client, url, grant);
      if (answer.status !== 200) failed++;
      return answer.ms;
    }

    // Each grant once before: the stand-in's answers are then recorded, and the code is warm.
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async (_, worker) => {
        for (let turn = 0; turn < grants.length / CONNECTIONS; turn++) {
          progress(`Warming up, round ${turn + 1}`);
          await renewOne(worker, turn);
        }
      }),
    );
    const seconds = short ? 2 : 30;
    progress(`${seconds} s`);
    const times = createTimes();
    const turns = Array.from({ length: CONNECTIONS }, () => 0);
    let trips = 0;
    rig.storage.proxy.inject(passing => {
      if (!isShared(passing)) trips++;
      return undefined;
    });
    const processorTime = () => totalOf(rig.instances.map(each => each.processorTime()));
    const processorBefore = await processorTime();
    const { done, seconds: took } = await keepBusy({
      workers: CONNECTIONS,
      seconds,
      signal,
      work: async worker => {
        turns[worker] = (turns[worker] ?? 0) + 1;
        times.add(await renewOne(worker, turns[worker]));
      },
    });
    client.close();
    const processor = ((await processorTime()) - processorBefore) / done;
    const perSecond = done / took;
    const p99 = times.quantile(0.99);
    return {
      rows: [
        {
          what: 'requests/s',
          measured: perSecond.toFixed(0),
          ...(short ? {} : { target: `>= ${TARGET.perSecond}`, reached: perSecond >= TARGET.perSecond }),
        },
        {
          what: 'p99',
          measured: `${p99.toFixed(0)} ms`,
          ...(short ? {} : { target: `<= ${TARGET.p99} ms`, reached: p99 <= TARGET.p99 }),
        },
        figure('processor time of the app each', `${processor.toFixed(1)} ms`),
        // The list of revocations and the record of events go to storage besides, for all requests together.
        promise('storage trips each', (trips / done).toFixed(3), '2.000', trips === 2 * done),
        promise('failed', `${failed} of ${done}`, '0', failed === 0),
      ],
    };
  },
} satisfies Scenario;

async function totalOf(numbers: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(numbers)).reduce((sum, each) => sum + each, 0);
}
