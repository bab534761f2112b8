import { join } from 'node:path';
import { build } from '../../../build.ts';
import { scratchFolder } from '../../bench/scratch.ts';
import { isServed, sumCall } from '../flows/mcp-call.ts';
import { tokenMaker } from '../flows/people.ts';
import { startInstance } from '../rig/instance.ts';
import { createLoadClient, createTimes, keepBusy } from '../rig/load.ts';
import { type Curve, figure, promise, type Scenario } from '../rig/scenario.ts';

const CONNECTIONS = 32;
const PEOPLE = 300;
const TARGET = { perSecond: 1250, p99: 60 };

export default {
  number: 15,
  title: `Tool calls at /mcp, ${CONNECTIONS} connections, ${PEOPLE} people`,
  group: 'Load',
  seconds: { whole: 90, short: 15 },
  async run({ rig: startRig, short, progress, signal }) {
    const seconds = short ? 3 : 30;
    await using stack = new AsyncDisposableStack();
    const rig = await startRig({ settings: { LOG_LEVEL: 'error', MCP_RATE_LIMIT: '1000000' } });
    const makeToken = await tokenMaker(rig);
    const tokens = await Promise.all(Array.from({ length: PEOPLE }, () => makeToken()));

    const peerFolder = await scratchFolder();
    stack.use(peerFolder);
    await build({ outdir: peerFolder.path, entry: join(import.meta.dirname, '../rig/peer.ts') });
    const { PATH = '', HOME = '' } = process.env;
    const peers = await Promise.all(
      [1, 2].map(() => startInstance({ bundle: peerFolder.path, env: { PATH, HOME }, onLine: rig.leaks.look })),
    );
    for (const peer of peers) stack.defer(() => peer.stop());

    /** As many calls as go, half of the connections at each instance. */
    async function drive(urls: readonly string[], duration: number, each?: (ms: number) => void) {
      const client = createLoadClient(CONNECTIONS);
      const times = createTimes();
      let [wrong, sent] = [0, 0];
      const { done, seconds: took } = await keepBusy({
        workers: CONNECTIONS,
        seconds: duration,
        signal,
        work: async worker => {
          const token = tokens[sent++ % tokens.length] ?? '';
          const answer = await client.send(sumCall(`${urls[worker % urls.length]}/mcp`, token));
          if (!isServed(answer)) wrong++;
          times.add(answer.ms);
          each?.(answer.ms);
        },
      });
      client.close();
      return { perSecond: done / took, p99: times.quantile(0.99), wrong, done };
    }

    const own = rig.instances.map(({ url }) => url);
    const bare = peers.map(({ url }) => url);
    progress('Warming up');
    await drive(own, short ? 1 : 5);
    await drive(bare, short ? 1 : 5);
    let readsOfList = 0;
    let otherTrips = 0;
    rig.storage.proxy.inject(({ method, path }) => {
      if (method === 'GET' && path.includes('/revocations')) readsOfList++;
      else otherTrips++;
      return undefined;
    });
    const curve: Curve & { points: [number, number][] } = { name: 'Tool calls', unit: 'requests/s', points: [] };
    const started = performance.now();
    let since = 0;
    let second = 0;
    progress(`The app, ${seconds} s`);
    const ours = await drive(own, seconds, () => {
      since++;
      const now = Math.floor((performance.now() - started) / 1000);
      if (now === second) return;
      curve.points.push([now, since]);
      since = 0;
      second = now;
    });
    progress(`The library alone, ${seconds} s`);
    const theirs = await drive(bare, seconds);

    const isFast = ours.perSecond >= TARGET.perSecond;
    const isPrompt = ours.p99 <= TARGET.p99;
    return {
      rows: [
        {
          what: 'requests/s, beside the MCP library alone',
          measured: ours.perSecond.toFixed(0),
          beside: theirs.perSecond.toFixed(0),
          ratio: ours.perSecond / theirs.perSecond,
          ...(short ? {} : { target: `>= ${TARGET.perSecond}`, reached: isFast }),
        },
        {
          what: 'p99',
          measured: `${ours.p99.toFixed(0)} ms`,
          beside: `${theirs.p99.toFixed(0)} ms`,
          ratio: ours.p99 / theirs.p99,
          ...(short ? {} : { target: `<= ${TARGET.p99} ms`, reached: isPrompt }),
        },
        promise('wrong answers', `${ours.wrong} of ${ours.done}`, '0', ours.wrong === 0),
        promise('storage trips of these calls', otherTrips, '0', otherTrips === 0),
        figure('reads of the revocation list, shared by all', readsOfList),
      ],
      curves: short ? [] : [curve],
    };
  },
} satisfies Scenario;
