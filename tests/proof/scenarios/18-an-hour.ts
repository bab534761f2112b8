import { connect } from '../../support/flows.ts';
import { toolCall } from '../flows/mcp-call.ts';
import { recordRenewals } from '../flows/recorded-renewals.ts';
import { renew, type Session, signInSessions } from '../flows/sessions.ts';
import { type Answer, createLoadClient, createTimes, keepPace } from '../rig/load.ts';
import { type Curve, figure, promise, type Scenario } from '../rig/scenario.ts';

const PER_SECOND = 100;
const MINUTES = 60;
/** Memory is compared with what it was then: before, caches fill. */
const SETTLED = 10;
const GROWTH = 0.05;
const P95 = 250;

/** What is asked, and how often of a hundred times. */
const MIX = { sum: 60, save: 8, list: 12, metadata: 8, renewal: 6, noToken: 5, signIn: 1 } as const;
type Kind = keyof typeof MIX;

export default {
  number: 18,
  title: `An hour of ${PER_SECOND} requests a second, mixed`,
  group: 'Load',
  seconds: { whole: MINUTES * 60 + 60, short: 20 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rig = await startRig({ settings: { LOG_LEVEL: 'info', MCP_RATE_LIMIT: '1000000', NOTES_PER_PERSON: '50' } });
    const grants = await signInSessions(rig, short ? 10 : 200, { who: ['ada'], progress });
    recordRenewals(rig);
    const client = createLoadClient(64);
    const kinds = (Object.keys(MIX) as Kind[]).flatMap(kind => Array<Kind>(MIX[kind]).fill(kind));

    const times = createTimes();
    const wrong = new Map<string, number>();
    let minute = createTimes();
    let done = 0;

    async function ask(kind: Kind, grant: Session): Promise<Answer | undefined> {
      if (kind === 'metadata') {
        return client.send({ url: `${rig.origin}/.well-known/oauth-authorization-server`, method: 'GET' });
      }
      if (kind === 'noToken') return client.send(toolCall(rig.mcpUrl, 'none', 'calculate_sum', { numbers: [1] }));
      if (kind === 'sum')
        return client.send(toolCall(rig.mcpUrl, grant.tokens.access_token, 'calculate_sum', { numbers: [1] }));
      if (kind === 'list')
        return client.send(toolCall(rig.mcpUrl, grant.tokens.access_token, 'get_user_notes', { limit: 10 }));
      if (kind === 'save') {
        return client.send(
          toolCall(rig.mcpUrl, grant.tokens.access_token, 'save_user_note', { note: 'A note of the hour' }),
        );
      }
      if (kind === 'signIn') {
        const { tokens } = await connect(rig, 'grace', {}, grant.client);
        rig.leaks.add(tokens.refresh_token);
        return undefined;
      }
      return renewOne(grant);
    }

    /** Those that are being renewed: a client has one renewal under way at most. */
    const busy = new Set<Session>();
    async function renewOne(grant: Session): Promise<Answer | undefined> {
      if (busy.has(grant)) return undefined;
      busy.add(grant);
      const answer = await renew(client, rig.origin, grant);
      busy.delete(grant);
      return answer;
    }

    const count = (what: string) => wrong.set(what, (wrong.get(what) ?? 0) + 1);
    async function work(n: number): Promise<void> {
      const kind = random.pick(kinds);
      const grant = grants[n % grants.length];
      if (!grant) return;
      const started = performance.now();
      try {
        const answer = await ask(kind, grant);
        if (answer && answer.status !== (kind === 'noToken' ? 401 : 200)) count(`${kind} ${answer.status}`);
      } catch (error) {
        count(`${kind} ${String(error).slice(0, 80)}`);
      }
      done++;
      const ms = performance.now() - started;
      // A sign-in is many requests, and those of a browser.
      if (kind === 'signIn') return;
      times.add(ms);
      minute.add(ms);
    }

    const memory: (Curve & { points: [number, number][] })[] = rig.instances.map((_, index) => ({
      name: `Memory of instance ${index + 1}`,
      unit: 'MB',
      points: [],
    }));
    const p95: Curve & { points: [number, number][] } = { name: 'p95 of each minute', unit: 'ms', points: [] };
    const started = performance.now();
    const elapsed = () => (performance.now() - started) / 1000;
    async function sample(): Promise<void> {
      for (const [index, instance] of rig.instances.entries()) {
        memory[index]?.points.push([Math.round(elapsed()), Math.round((await instance.memory()) / 1e6)]);
      }
      if (minute.count > 0) p95.points.push([Math.round(elapsed()), Math.round(minute.quantile(0.95))]);
      minute = createTimes();
      progress(
        `Minute ${Math.round(elapsed() / 60)}: ${done} done, ${[...wrong.values()].reduce((a, b) => a + b, 0)} wrong`,
      );
      // What the stand-in and this process keep of it is not the app's memory, and is not to slow the hour down.
      rig.entra.requests.length = 0;
    }
    const sampling = setInterval(() => void sample(), short ? 5_000 : 60_000);
    await keepPace({ perSecond: PER_SECOND, seconds: short ? 12 : MINUTES * 60, signal, work });
    clearInterval(sampling);
    await sample();
    client.close();

    const failures = [...wrong.values()].reduce((sum, each) => sum + each, 0);
    const slow = times.quantile(0.95);
    const growths = memory.map(({ points }) => growthOf(points));
    const grown = Math.max(...growths);
    const named = [...wrong].map(([what, times]) => `${what} (${times})`).join(', ');
    return {
      rows: [
        promise(
          'errors',
          `${failures} of ${done}${named && `: ${named}`}`,
          'under 0.01 %',
          failures < Math.max(1, done / 10_000),
        ),
        short
          ? figure('p95', `${slow.toFixed(0)} ms`)
          : promise('p95', `${slow.toFixed(0)} ms`, `< ${P95} ms`, slow < P95),
        ...(short
          ? []
          : [
              promise(
                `growth of memory after minute ${SETTLED}, of the instance that grew more`,
                `${(grown * 100).toFixed(1)} %`,
                `<= ${GROWTH * 100} %`,
                grown <= GROWTH,
              ),
            ]),
      ],
      curves: short ? [] : [...memory, p95],
    };
  },
} satisfies Scenario;

/** By how much the last ten minutes are above the ten after minute {@link SETTLED}: medians, for collections of garbage come and go. */
function growthOf(points: readonly (readonly [number, number])[]): number {
  const between = (from: number, to: number) =>
    points
      .filter(([at]) => at >= from * 60 && at < to * 60)
      .map(([, value]) => value)
      .sort((a, b) => a - b);
  const middle = (values: readonly number[]) => values[values.length >> 1] ?? Number.NaN;
  const last = (points.at(-1)?.[0] ?? 0) / 60;
  return middle(between(last - 10, last + 1)) / middle(between(SETTLED, SETTLED + 10)) - 1;
}
