import { connect } from '../../support/flows.ts';
import { isServed, toolCall } from '../flows/mcp-call.ts';
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
type Kind = Exclude<keyof typeof MIX, 'signIn'>;

export default {
  number: 18,
  title: `An hour of ${PER_SECOND} requests a second, mixed`,
  group: 'Load',
  seconds: { whole: MINUTES * 60 + 60, short: 20 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rig = await startRig({ settings: { LOG_LEVEL: 'info', MCP_RATE_LIMIT: '1000000' } });
    const sessions = await signInSessions(rig, short ? 10 : 200, { progress });
    recordRenewals(rig);
    const client = createLoadClient(64);
    const kinds = Object.entries(MIX).flatMap(([kind, times]) => Array<keyof typeof MIX>(times).fill(kind as Kind));

    /** Those that are being renewed, by their index. */
    const busy = new Set<number>();
    const times = createTimes();
    const wrong = new Map<string, number>();
    let minute = createTimes();
    let done = 0;

    const tool = ({ tokens }: Session, name: string, args: object) =>
      client.send(toolCall(rig.mcpUrl, tokens.access_token, name, args));
    const ask: Record<Kind, (session: Session) => Promise<Answer>> = {
      sum: session => tool(session, 'calculate_sum', { numbers: [1, 2, 3] }),
      save: session => tool(session, 'save_user_note', { note: 'A note of the hour' }),
      list: session => tool(session, 'get_user_notes', { limit: 10 }),
      metadata: () => client.send({ url: `${rig.origin}/.well-known/oauth-authorization-server`, method: 'GET' }),
      renewal: session => renew(client, rig.origin, session),
      noToken: () => client.send(toolCall(rig.mcpUrl, 'none', 'calculate_sum', { numbers: [1] })),
    };
    const isRight = (kind: Kind, answer: Answer) => {
      if (kind === 'noToken') return answer.status === 401;
      return kind === 'metadata' || kind === 'renewal' ? answer.status === 200 : isServed(answer);
    };

    const count = (what: string) => void wrong.set(what, (wrong.get(what) ?? 0) + 1);
    async function send(kind: Kind, session: Session): Promise<Answer> {
      const answer = await ask[kind](session);
      done++;
      times.add(answer.ms);
      minute.add(answer.ms);
      if (!isRight(kind, answer)) count(`${kind} ${answer.status} ${answer.body.slice(0, 60)}`);
      return answer;
    }

    async function work(n: number): Promise<void> {
      const kind = random.pick(kinds);
      if (kind === 'signIn') return signInOnce();
      // A client has one renewal under way at most, and asks nothing meanwhile.
      let index = n % sessions.length;
      while (busy.has(index)) index = (index + 1) % sessions.length;
      const session = sessions[index];
      if (!session) return;
      if (kind === 'renewal') busy.add(index);
      const answer = await send(kind, session);
      busy.delete(index);
      // A note is deleted again, so that there is always room for the next.
      const id = kind === 'save' ? /"id":"(\w+)"/.exec(answer.body)?.[1] : undefined;
      if (id && !isServed(await tool(session, 'delete_user_note', { id }))) count('delete');
    }

    /** Many requests, and those of a browser: counted as one, and not in the times. */
    async function signInOnce(): Promise<void> {
      try {
        await connect(rig, 'grace', {}, sessions[0]?.client);
      } catch (error) {
        count(`sign-in: ${String(error).slice(0, 80)}`);
      }
      done++;
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
    const sampling = setInterval(() => sample().catch(() => count('no sample')), short ? 5_000 : 60_000);
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

/** By how much the last five minutes are above those around minute {@link SETTLED}: medians, for garbage comes and goes. */
function growthOf(points: readonly (readonly [number, number])[]): number {
  const between = (from: number, to: number) =>
    points
      .filter(([at]) => at >= from * 60 - 30 && at < to * 60 + 30)
      .map(([, value]) => value)
      .sort((a, b) => a - b);
  const middle = (values: readonly number[]) => values[values.length >> 1] ?? Number.NaN;
  const last = (points.at(-1)?.[0] ?? 0) / 60;
  return middle(between(last - 5, last)) / middle(between(SETTLED - 2, SETTLED + 2)) - 1;
}
