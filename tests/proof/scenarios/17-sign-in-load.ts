import { connect, register } from '../../support/flows.ts';
import { createTimes, keepBusy } from '../rig/load.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

const WORKERS = 16;
const TARGET = { perSecond: 30, p95: 1000 };

export default {
  number: 17,
  title: `Whole sign-ins, ${WORKERS} at a time: consent, Entra, code, tokens`,
  group: 'Load',
  seconds: { whole: 50, short: 8 },
  async run({ rig: startRig, short, progress, signal }) {
    const rig = await startRig({ settings: { LOG_LEVEL: 'error' } });
    const client = await register(rig);
    const people = ['ada', 'grace'] as const;
    let failed = 0;
    let times = createTimes();
    const work = async (worker: number) => {
      const started = performance.now();
      try {
        await connect(rig, people[worker % people.length], {}, client);
      } catch {
        failed++;
      }
      times.add(performance.now() - started);
    };
    progress('Warming up');
    await keepBusy({ workers: WORKERS, seconds: short ? 1 : 5, signal, work });
    times = createTimes();
    const seconds = short ? 3 : 30;
    progress(`${seconds} s`);
    const { done, seconds: took } = await keepBusy({ workers: WORKERS, seconds, signal, work });
    const perSecond = done / took;
    const p95 = times.quantile(0.95);
    return {
      rows: [
        {
          what: 'sign-ins/s, stand-in and browsers on the same machine',
          measured: perSecond.toFixed(1),
          ...(short ? {} : { target: `>= ${TARGET.perSecond}`, reached: perSecond >= TARGET.perSecond }),
        },
        {
          what: 'p95',
          measured: `${p95.toFixed(0)} ms`,
          ...(short ? {} : { target: `<= ${TARGET.p95} ms`, reached: p95 <= TARGET.p95 }),
        },
        promise('failed', `${failed} of ${done}`, '0', failed === 0),
      ],
    };
  },
} satisfies Scenario;
